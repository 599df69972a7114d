//! From a query's text to its stages.

use super::aggregate::{Aggregate, Kind};
use super::calendar::Period;
use super::expression::{Arithmetic, Comparison, Expression, Wanted};
use super::extract::Extract;
use super::function::Function;
use super::source::Source;
use super::value::Value;
use super::{LIMIT_MAX, Query, QueryError, Stage, Stats};

/// Brackets inside brackets.
const DEPTH_MAX: usize = 50;
const STATS_MAX: usize = 2;
/// Commands of AWS that are not served.
const COMMANDS_UNSERVED: [&str; 12] = [
    "pattern",
    "diff",
    "anomaly",
    "unmask",
    "unnest",
    "lookup",
    "join",
    "filterIndex",
    "addtotals",
    "SOURCE",
    "tail",
    "append",
];

pub(super) fn query(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser {
        source: Source::new(text),
        stages: Vec::new(),
        shown: None,
        parsed: Vec::new(),
        aggregates: None,
        depth: 0,
    };
    loop {
        parser.command()?;
        if !parser.source.eat("|") {
            break;
        }
    }
    if parser.source.peek().is_some() {
        return Err(parser.source.unexpected());
    }
    let is_of_lines = !parser.stages.iter().any(|it| matches!(it, Stage::Stats(_)));
    let lines = || vec!["@timestamp".to_owned(), "@message".to_owned()];
    let mut columns = parser.shown.unwrap_or_else(lines);
    for name in parser.parsed {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    Ok(Query {
        stages: parser.stages,
        columns,
        is_of_lines,
    })
}

struct Parser<'a> {
    source: Source<'a>,
    stages: Vec<Stage>,
    /// What `fields`, `display` and `stats` said is shown.
    shown: Option<Vec<String>>,
    /// What `parse` found, shown unless `display` or `stats` says otherwise.
    parsed: Vec<String>,
    /// While inside `stats`: the aggregates so far.
    aggregates: Option<Vec<Aggregate>>,
    depth: usize,
}

impl Parser<'_> {
    fn command(&mut self) -> Result<(), QueryError> {
        self.source.skip();
        let start = self.source.place();
        if self.source.eat_word("fields") || self.source.eat_word("field") {
            return self.fields(false);
        }
        if self.source.eat_word("display") {
            self.shown = None;
            self.parsed.clear();
            return self.fields(true);
        }
        if self.source.eat_word("filter") {
            let filter = self.expression()?;
            self.stages.push(Stage::Filter(filter));
            return Ok(());
        }
        if self.source.eat_word("stats") {
            return self.stats(start);
        }
        if self.source.eat_word("sort") {
            return self.sort();
        }
        if self.source.eat_word("limit") || self.source.eat_word("head") {
            return self.limit();
        }
        if self.source.eat_word("dedup") {
            let fields = self.list(|it| it.source.name().map(Expression::Field))?;
            self.stages.push(Stage::Dedup(fields));
            return Ok(());
        }
        if self.source.eat_word("parse") {
            return self.parse();
        }
        for command in COMMANDS_UNSERVED {
            if self.source.eat_word(command) {
                return Err(self
                    .source
                    .error(start, format!("Wharf does not serve the command {command} yet,")));
            }
        }
        Err(self.source.unexpected())
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, QueryError>) -> Result<Vec<T>, QueryError> {
        let mut list = vec![one(self)?];
        while self.source.eat(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    /// An expression and its name: what follows `as`, or its own text.
    fn named(&mut self) -> Result<(String, Expression), QueryError> {
        self.source.skip();
        let start = self.source.place();
        let expression = self.expression()?;
        let text = self.source.since(start);
        if self.source.eat_word("as") {
            return Ok((self.source.name()?, expression));
        }
        let name = match &expression {
            Expression::Field(name) => name.clone(),
            _ => text.to_owned(),
        };
        Ok((name, expression))
    }

    fn fields(&mut self, display: bool) -> Result<(), QueryError> {
        let fields = self.list(Self::named)?;
        let shown = self.shown.get_or_insert_with(Vec::new);
        for (name, _) in &fields {
            if !shown.contains(name) {
                shown.push(name.clone());
            }
        }
        let is_itself =
            |(name, it): &(String, Expression)| matches!(it, Expression::Field(field) if field == name);
        let computed: Vec<_> = fields.into_iter().filter(|it| !is_itself(it)).collect();
        if !computed.is_empty() {
            self.stages.push(Stage::Compute(computed));
        }
        if display {
            self.parsed.clear();
        }
        Ok(())
    }

    fn stats(&mut self, start: usize) -> Result<(), QueryError> {
        let before = self
            .stages
            .iter()
            .filter(|it| matches!(it, Stage::Stats(_)))
            .count();
        if before == STATS_MAX {
            let message = format!("a query has at most {STATS_MAX} stats commands;");
            return Err(self.source.error(start, message));
        }
        self.aggregates = Some(Vec::new());
        let columns = self.list(Self::named)?;
        let aggregates = self.aggregates.take().unwrap_or_default();
        let by = match self.source.eat_word("by") {
            true => self.list(Self::named)?,
            false => Vec::new(),
        };
        if aggregates.is_empty() {
            return Err(self.source.error(start, "stats has no aggregation function"));
        }
        let names = by.iter().chain(&columns).map(|(name, _)| name.clone());
        self.shown = Some(names.collect());
        self.parsed.clear();
        self.stages.push(Stage::Stats(Stats {
            aggregates,
            columns,
            by,
        }));
        Ok(())
    }

    fn sort(&mut self) -> Result<(), QueryError> {
        let keys = self.list(|it| {
            it.source.skip();
            let start = it.source.place();
            let mut key = it.expression()?;
            // A column that goes by its own text, such as bin(5m).
            let text = it.source.since(start);
            if it.shown.iter().flatten().any(|column| column == text) {
                key = Expression::Field(text.to_owned());
            }
            let falling = it.source.eat_word("desc");
            if !falling {
                it.source.eat_word("asc");
            }
            Ok((key, falling))
        })?;
        self.stages.push(Stage::Sort(keys));
        Ok(())
    }

    fn limit(&mut self) -> Result<(), QueryError> {
        self.source.skip();
        let start = self.source.place();
        let number = self.source.number()?;
        #[expect(clippy::cast_precision_loss, reason = "the limit is small")]
        if number.fract() != 0.0 || number < 1.0 || number > LIMIT_MAX as f64 {
            let message = format!("limit is a number from 1 to {LIMIT_MAX};");
            return Err(self.source.error(start, message));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was looked at above"
        )]
        self.stages.push(Stage::Limit(number as usize));
        Ok(())
    }

    /// `parse @message "a=*, b=*" as a, b`, or `parse @message /(?<a>…)/`.
    fn parse(&mut self) -> Result<(), QueryError> {
        let from = match self.source.peek() {
            Some('"' | '\'' | '/') => Expression::Field("@message".to_owned()),
            // A slash after it begins a regular expression and divides nothing.
            _ => self.primary()?,
        };
        self.source.skip();
        let start = self.source.place();
        let (regex, mut names) = if self.source.peek() == Some('/') {
            let regex = self.source.regex()?;
            let names = regex.capture_names().flatten().map(str::to_owned).collect();
            (regex, names)
        } else {
            let glob = self.source.text()?;
            let regex = regex::Regex::new(&Extract::glob(&glob));
            let regex = regex.map_err(|_| self.source.error(start, "the pattern is too long"))?;
            (regex, Vec::new())
        };
        if self.source.eat_word("as") {
            names = self.list(|it| it.source.name())?;
        }
        let groups = regex.captures_len() - 1;
        if groups == 0 || names.len() != groups {
            let message = format!("parse finds {groups} and names {} fields;", names.len());
            return Err(self.source.error(start, message));
        }
        self.parsed.extend(names.iter().cloned());
        self.stages.push(Stage::Parse(Extract { from, regex, names }));
        Ok(())
    }

    fn expression(&mut self) -> Result<Expression, QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let place = self.source.place();
            return Err(self.source.error(place, "too many brackets inside brackets"));
        }
        let mut one = self.and()?;
        while self.source.eat_word("or") {
            one = Expression::Or(Box::new(one), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(one)
    }

    fn and(&mut self) -> Result<Expression, QueryError> {
        let mut one = self.not()?;
        while self.source.eat_word("and") {
            one = Expression::And(Box::new(one), Box::new(self.not()?));
        }
        Ok(one)
    }

    fn not(&mut self) -> Result<Expression, QueryError> {
        let mut negated = false;
        while self.source.eat_word("not") {
            negated = !negated;
        }
        let one = self.comparison()?;
        Ok(if negated {
            Expression::Not(Box::new(one))
        } else {
            one
        })
    }

    fn comparison(&mut self) -> Result<Expression, QueryError> {
        let one = self.sum()?;
        let negated = self.source.eat_word("not");
        let found = if self.source.eat_word("like") || (!negated && self.source.eat("=~")) {
            Some(Expression::Like(Box::new(one.clone()), self.wanted()?))
        } else if self.source.eat_word("in") {
            self.source.expect("[")?;
            let list = self.list(Self::expression)?;
            self.source.expect("]")?;
            Some(Expression::In(Box::new(one.clone()), list))
        } else {
            None
        };
        match (found, negated) {
            (Some(found), true) => return Ok(Expression::Not(Box::new(found))),
            (Some(found), false) => return Ok(found),
            (None, true) => return Err(self.source.unexpected()),
            (None, false) => {}
        }
        let comparisons = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        match comparisons
            .into_iter()
            .find(|(symbol, _)| self.source.eat(symbol))
        {
            Some((_, comparison)) => Ok(Expression::Compare(
                comparison,
                Box::new(one),
                Box::new(self.sum()?),
            )),
            None => Ok(one),
        }
    }

    fn wanted(&mut self) -> Result<Wanted, QueryError> {
        match self.source.peek() {
            Some('/') => self.source.regex().map(Wanted::Regex),
            _ => self.source.text().map(Wanted::Text),
        }
    }

    fn sum(&mut self) -> Result<Expression, QueryError> {
        let operators = [("+", Arithmetic::Add), ("-", Arithmetic::Subtract)];
        self.joined(&operators, Self::product)
    }

    fn product(&mut self) -> Result<Expression, QueryError> {
        let operators = [
            ("*", Arithmetic::Multiply),
            ("/", Arithmetic::Divide),
            ("%", Arithmetic::Remainder),
        ];
        self.joined(&operators, Self::power)
    }

    fn joined(
        &mut self,
        operators: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Result<Expression, QueryError>,
    ) -> Result<Expression, QueryError> {
        let mut one = part(self)?;
        while let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.source.eat(symbol)) {
            one = Expression::Arithmetic(*operator, Box::new(one), Box::new(part(self)?));
        }
        Ok(one)
    }

    fn power(&mut self) -> Result<Expression, QueryError> {
        let one = self.unary()?;
        if !self.source.eat("^") {
            return Ok(one);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.source.unexpected());
        }
        let other = self.power()?;
        self.depth -= 1;
        Ok(Expression::Arithmetic(
            Arithmetic::Power,
            Box::new(one),
            Box::new(other),
        ))
    }

    fn unary(&mut self) -> Result<Expression, QueryError> {
        let mut negative = false;
        while self.source.eat("-") {
            negative = !negative;
        }
        let one = self.primary()?;
        Ok(if negative {
            Expression::Negative(Box::new(one))
        } else {
            one
        })
    }

    fn primary(&mut self) -> Result<Expression, QueryError> {
        match self.source.peek() {
            Some('(') => {
                self.source.expect("(")?;
                let inner = self.expression()?;
                self.source.expect(")")?;
                return Ok(inner);
            }
            Some('"' | '\'') => return self.source.text().map(|it| Expression::Value(Value::Text(it))),
            Some(c) if c.is_ascii_digit() => {
                return self
                    .source
                    .number()
                    .map(|it| Expression::Value(Value::Number(it)));
            }
            _ => {}
        }
        for (word, value) in [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ] {
            if self.source.eat_word(word) {
                return Ok(Expression::Value(value));
            }
        }
        let start = self.source.place();
        let name = self.source.name()?;
        if !self.source.eat("(") {
            return Ok(Expression::Field(name));
        }
        self.call(start, &name)
    }

    /// What follows the opening bracket.
    fn call(&mut self, start: usize, name: &str) -> Result<Expression, QueryError> {
        match name.to_ascii_lowercase().as_str() {
            "bin" => {
                let period = self.period()?;
                self.source.expect(")")?;
                let time = Expression::Field("@timestamp".to_owned());
                return Ok(Expression::Floor(Box::new(time), period));
            }
            rounded @ ("datefloor" | "dateceil") => {
                let time = Box::new(self.expression()?);
                self.source.expect(",")?;
                let period = self.period()?;
                self.source.expect(")")?;
                return Ok(match rounded {
                    "datefloor" => Expression::Floor(time, period),
                    _ => Expression::Ceil(time, period),
                });
            }
            _ => {}
        }
        if let Some(kind) = Kind::find(name) {
            return self.aggregate(start, name, kind);
        }
        let Some((function, (least, most))) = Function::find(name) else {
            return Err(self.source.error(start, format!("unknown function {name}")));
        };
        let arguments = match self.source.peek() {
            Some(')') => Vec::new(),
            _ => self.list(Self::expression)?,
        };
        self.source.expect(")")?;
        if arguments.len() < least || arguments.len() > most {
            let message = format!("{name} does not take {} arguments;", arguments.len());
            return Err(self.source.error(start, message));
        }
        Ok(Expression::Call(function, arguments))
    }

    fn period(&mut self) -> Result<Period, QueryError> {
        self.source.skip();
        let start = self.source.place();
        let (count, unit) = self.source.period()?;
        let period = Period::new(count, unit);
        period.ok_or_else(|| {
            self.source
                .error(start, "a period is a number and a unit, such as 5m;")
        })
    }

    fn aggregate(&mut self, start: usize, name: &str, kind: Kind) -> Result<Expression, QueryError> {
        // An aggregate of an aggregate, or one outside of stats, has nothing to gather.
        let Some(gathered) = self.aggregates.take() else {
            return Err(self.source.error(
                start,
                format!("the aggregation function {name} is not allowed here,"),
            ));
        };
        let of = if kind == Kind::Count && (self.source.eat("*") || self.source.peek() == Some(')')) {
            None
        } else {
            Some(self.expression()?)
        };
        let mut percent = 0.0;
        if kind == Kind::Percentile {
            self.source.expect(",")?;
            percent = self.source.number()?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(self.source.error(start, "a percentile is from 0 to 100;"));
            }
        }
        self.source.expect(")")?;
        let aggregates = self.aggregates.insert(gathered);
        aggregates.push(Aggregate { kind, of, percent });
        Ok(Expression::Aggregate(aggregates.len() - 1))
    }
}
