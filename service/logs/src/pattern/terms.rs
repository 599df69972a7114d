//! Terms: `a b` wants both, `?a ?b` one of them, `-a` none of it, `"a b"` the phrase. Case counts.

use super::PatternError;
use super::scan::Scan;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Terms {
    pub(super) fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        let mut terms = Self::default();
        loop {
            scan.skip_space();
            let list = match scan.peek() {
                None => return Ok(terms),
                Some('?') => &mut terms.any,
                Some('-') => &mut terms.none,
                Some(_) => &mut terms.all,
            };
            if let Some(sign @ ('?' | '-')) = scan.peek() {
                scan.next();
                if scan.peek().is_none_or(char::is_whitespace) {
                    return Err(scan.error(format!("Invalid filter pattern: no term follows '{sign}'")));
                }
            }
            list.push(term(scan)?);
        }
    }

    pub(super) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        // As AWS says, optional terms have no say beside required and excluded ones.
        let alone = self.all.is_empty() && self.none.is_empty();
        let any = !alone || self.any.is_empty() || self.any.iter().any(has);
        self.all.iter().all(has) && any && !self.none.iter().any(has)
    }

    pub(super) fn contains(&self) -> Vec<String> {
        match (self.all.as_slice(), self.any.as_slice()) {
            ([], [only]) if self.none.is_empty() => vec![only.clone()],
            // `" "` is AWS's way to write "everything".
            (all, _) => all.iter().filter(|it| !it.trim().is_empty()).cloned().collect(),
        }
    }
}

/// A word of letters, digits and underscores, or a phrase in quotation marks.
fn term(scan: &mut Scan<'_>) -> Result<String, PatternError> {
    if scan.peek() == Some('"') {
        let phrase = scan.quoted('"')?;
        // Matches everything, as AWS documents it; lines without a space too.
        return Ok(if phrase == " " { String::new() } else { phrase });
    }
    let word = scan.take_while(|c| c.is_alphanumeric() || c == '_');
    match scan.peek() {
        Some(other) if !other.is_whitespace() => Err(scan.invalid_character(other)),
        _ => Ok(word.to_owned()),
    }
}
