//! The functions of expressions.

use std::net::IpAddr;

use super::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Ceil,
    Floor,
    Greatest,
    Least,
    Log,
    Sqrt,
    IsPresent,
    Coalesce,
    IsEmpty,
    IsBlank,
    Concat,
    TrimLeft,
    TrimRight,
    Trim,
    Length,
    Upper,
    Lower,
    Substring,
    Replace,
    Contains,
    FromMillis,
    ToMillis,
    Now,
    IsIp,
    IsIpv4,
    IsIpv6,
    IsInSubnet,
    IsInSubnetV4,
    IsInSubnetV6,
}

/// So many arguments at least and at most.
type Arguments = (usize, usize);
const ANY: usize = usize::MAX;

/// Names in lower case.
const FUNCTIONS: [(&str, Function, Arguments); 30] = [
    ("abs", Function::Abs, (1, 1)),
    ("ceil", Function::Ceil, (1, 1)),
    ("floor", Function::Floor, (1, 1)),
    ("greatest", Function::Greatest, (1, ANY)),
    ("least", Function::Least, (1, ANY)),
    ("log", Function::Log, (1, 1)),
    ("sqrt", Function::Sqrt, (1, 1)),
    ("ispresent", Function::IsPresent, (1, 1)),
    ("coalesce", Function::Coalesce, (1, ANY)),
    ("isempty", Function::IsEmpty, (1, 1)),
    ("isblank", Function::IsBlank, (1, 1)),
    ("concat", Function::Concat, (1, ANY)),
    ("ltrim", Function::TrimLeft, (1, 2)),
    ("rtrim", Function::TrimRight, (1, 2)),
    ("trim", Function::Trim, (1, 2)),
    ("strlen", Function::Length, (1, 1)),
    ("toupper", Function::Upper, (1, 1)),
    ("tolower", Function::Lower, (1, 1)),
    ("substr", Function::Substring, (2, 3)),
    ("replace", Function::Replace, (3, 3)),
    ("strcontains", Function::Contains, (2, 2)),
    ("frommillis", Function::FromMillis, (1, 1)),
    ("tomillis", Function::ToMillis, (1, 1)),
    ("now", Function::Now, (0, 0)),
    ("isvalidip", Function::IsIp, (1, 1)),
    ("isvalidipv4", Function::IsIpv4, (1, 1)),
    ("isvalidipv6", Function::IsIpv6, (1, 1)),
    ("isipinsubnet", Function::IsInSubnet, (2, 2)),
    ("isipv4insubnet", Function::IsInSubnetV4, (2, 2)),
    ("isipv6insubnet", Function::IsInSubnetV6, (2, 2)),
];

impl Function {
    /// With how many arguments it can do.
    pub(super) fn find(name: &str) -> Option<(Self, Arguments)> {
        let name = name.to_ascii_lowercase();
        let found = FUNCTIONS.iter().find(|(it, ..)| *it == name);
        found.map(|(_, function, arguments)| (*function, *arguments))
    }

    pub(super) fn call(self, arguments: &[Value], now_ms: i64) -> Value {
        let first = arguments.first().unwrap_or(&Value::Null);
        let number = |of: fn(f64) -> f64| match first.number().map(of) {
            Some(number) if number.is_finite() => Value::Number(number),
            _ => Value::Null,
        };
        match self {
            Self::Abs => number(f64::abs),
            Self::Ceil => number(f64::ceil),
            Self::Floor => number(f64::floor),
            Self::Log => number(f64::ln),
            Self::Sqrt => number(f64::sqrt),
            Self::Greatest => extreme(arguments, f64::max),
            Self::Least => extreme(arguments, f64::min),
            Self::IsPresent => Value::Bool(!first.is_null()),
            Self::Coalesce => arguments
                .iter()
                .find(|it| !it.is_null())
                .cloned()
                .unwrap_or_default(),
            Self::IsEmpty => Value::Bool(first.text().is_empty()),
            Self::IsBlank => Value::Bool(first.text().trim().is_empty()),
            Self::FromMillis => first.number().map_or(Value::Null, |ms| {
                Value::Number(ms).time().map_or(Value::Null, Value::Time)
            }),
            #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 ms")]
            Self::ToMillis => first.time().map_or(Value::Null, |ms| Value::Number(ms as f64)),
            // AWS counts seconds here.
            #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 ms")]
            Self::Now => Value::Number((now_ms / 1000) as f64),
            Self::IsIp => ip(first, |_| true),
            Self::IsIpv4 => ip(first, IpAddr::is_ipv4),
            Self::IsIpv6 => ip(first, IpAddr::is_ipv6),
            Self::IsInSubnet => in_subnet(arguments, |_| true),
            Self::IsInSubnetV4 => in_subnet(arguments, IpAddr::is_ipv4),
            Self::IsInSubnetV6 => in_subnet(arguments, IpAddr::is_ipv6),
            Self::Contains => Value::Number(f64::from(u8::from(
                arguments
                    .get(1)
                    .is_some_and(|it| first.text().contains(&it.text())),
            ))),
            Self::Concat => Value::Text(arguments.iter().map(Value::text).collect()),
            _ if first.is_null() => Value::Null,
            _ => self.of_text(&first.text(), &arguments[1..]),
        }
    }

    fn of_text(self, text: &str, rest: &[Value]) -> Value {
        let argument = |at: usize| rest.get(at).map(Value::text);
        let trimmed: &str = match (self, argument(0)) {
            (Self::TrimLeft, None) => text.trim_start(),
            (Self::TrimRight, None) => text.trim_end(),
            (Self::Trim, None) => text.trim(),
            // As AWS's examples have it, the second text is one piece, not a set of characters.
            (Self::TrimLeft, Some(cut)) if !cut.is_empty() => text.trim_start_matches(cut.as_str()),
            (Self::TrimRight, Some(cut)) if !cut.is_empty() => text.trim_end_matches(cut.as_str()),
            (Self::Trim, Some(cut)) if !cut.is_empty() => text
                .trim_start_matches(cut.as_str())
                .trim_end_matches(cut.as_str()),
            _ => text,
        };
        let index = |at: usize| {
            rest.get(at)
                .and_then(Value::number)
                .map(|it| it.max(0.0) as usize)
        };
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a line has far less than 2^53 characters"
            )]
            Self::Length => Value::Number(text.chars().count() as f64),
            Self::Upper => Value::Text(text.to_uppercase()),
            Self::Lower => Value::Text(text.to_lowercase()),
            Self::Substring => {
                let count = index(1).unwrap_or(usize::MAX);
                Value::Text(text.chars().skip(index(0).unwrap_or(0)).take(count).collect())
            }
            Self::Replace => match (argument(0), argument(1)) {
                (Some(old), Some(new)) if !old.is_empty() => Value::Text(text.replace(&old, &new)),
                _ => Value::Text(text.to_owned()),
            },
            _ => Value::Text(trimmed.to_owned()),
        }
    }
}

fn extreme(values: &[Value], of: fn(f64, f64) -> f64) -> Value {
    let numbers = values.iter().filter_map(Value::number);
    numbers.reduce(of).map_or(Value::Null, Value::Number)
}

fn ip(value: &Value, is: fn(&IpAddr) -> bool) -> Value {
    Value::Bool(value.text().parse().is_ok_and(|it| is(&it)))
}

fn in_subnet(arguments: &[Value], is: fn(&IpAddr) -> bool) -> Value {
    let [address, subnet] = arguments else {
        return Value::Null;
    };
    let subnet = subnet.text();
    let parsed = subnet
        .split_once('/')
        .and_then(|(net, length)| Some((net.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?)));
    let (Ok(address), Some((net, length))) = (address.text().parse::<IpAddr>(), parsed) else {
        return Value::Bool(false);
    };
    let same = |one: u128, other: u128, bits: u32| {
        length <= bits && (length == 0 || one >> (bits - length) == other >> (bits - length))
    };
    let inside = match (address, net) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            same(u128::from(u32::from(one)), u128::from(u32::from(other)), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => same(one.into(), other.into(), 128),
        _ => false,
    };
    Value::Bool(inside && is(&address))
}
