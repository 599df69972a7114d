//! `--chmod`: octal digits, or what chmod calls symbolic (`u=rwX,go=rX`), which needs the mode that was there.

/// What chmod takes away from clauses that name nobody.
const UMASK: u32 = 0o022;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Octal(u32),
    Clauses(Vec<Clause>),
}

/// `ug+rw`, or one part of `u+r-w`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// Bits of 0o7; empty is everybody, less the umask.
    who: Who,
    operator: Operator,
    permissions: Vec<char>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Who {
    user: bool,
    group: bool,
    other: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

impl Change {
    /// `None` if it is neither form.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok()?;
            return (mode <= 0o7777).then_some(Self::Octal(mode));
        }
        let mut clauses = Vec::new();
        for clause in text.split(',') {
            clauses.extend(parse_clause(clause)?);
        }
        Some(Self::Clauses(clauses))
    }

    /// The mode of a file (or directory) that had `mode`.
    pub fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Octal(mode) => *mode,
            Self::Clauses(clauses) => clauses
                .iter()
                .fold(mode & 0o7777, |mode, clause| clause.apply(mode, is_directory)),
        }
    }
}

fn parse_clause(text: &str) -> Option<Vec<Clause>> {
    let mut rest = text.trim_start_matches(['u', 'g', 'o', 'a']);
    let named = &text[..text.len() - rest.len()];
    let has = |c: char| named.contains(c) || named.contains('a');
    let who = Who {
        user: has('u'),
        group: has('g'),
        other: has('o'),
    };
    let mut clauses = Vec::new();
    while !rest.is_empty() {
        let operator = match rest.chars().next()? {
            '+' => Operator::Add,
            '-' => Operator::Remove,
            '=' => Operator::Set,
            _ => return None,
        };
        rest = &rest[1..];
        let length = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let permissions: Vec<char> = rest[..length].chars().collect();
        let copies = permissions.iter().filter(|c| "ugo".contains(**c)).count();
        // Permissions are letters, or one of the three to copy from.
        if permissions.iter().any(|c| !"rwxXstugo".contains(*c)) || (copies > 0 && permissions.len() > 1) {
            return None;
        }
        rest = &rest[length..];
        clauses.push(Clause {
            who,
            operator,
            permissions,
        });
    }
    (!clauses.is_empty()).then_some(clauses)
}

impl Clause {
    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let nobody = self.who == Who::default();
        let (user, group, other) = (
            self.who.user || nobody,
            self.who.group || nobody,
            self.who.other || nobody,
        );
        let mut bits = 0;
        for permission in &self.permissions {
            let three = match permission {
                'r' => 0o4,
                'w' => 0o2,
                'x' => 0o1,
                'X' if is_directory || mode & 0o111 != 0 => 0o1,
                'u' => mode >> 6 & 0o7,
                'g' => mode >> 3 & 0o7,
                'o' => mode & 0o7,
                's' => {
                    bits |= if user { 0o4000 } else { 0 };
                    bits |= if group { 0o2000 } else { 0 };
                    0
                }
                't' => {
                    bits |= 0o1000;
                    0
                }
                _ => 0,
            };
            bits |= if user { three << 6 } else { 0 };
            bits |= if group { three << 3 } else { 0 };
            bits |= if other { three } else { 0 };
        }
        if nobody {
            bits &= !UMASK;
        }
        match self.operator {
            Operator::Add => mode | bits,
            Operator::Remove => mode & !bits,
            Operator::Set => {
                let mut cleared = 0;
                cleared |= if user { 0o4700 } else { 0 };
                cleared |= if group { 0o2070 } else { 0 };
                cleared |= if other { 0o1007 } else { 0 };
                // A directory keeps what lets its group and its files be inherited.
                if is_directory {
                    cleared &= !0o6000;
                }
                (mode & !cleared) | bits
            }
        }
    }
}

#[cfg(test)]
mod tests;
