//! Conditions joined by `&&` and `||`, with brackets; `&&` binds tighter.

use super::PatternError;
use super::scan::Scan;

/// Brackets inside brackets.
const DEPTH_MAX: usize = 50;

#[derive(Clone, Debug)]
pub(super) enum Expression<T> {
    One(T),
    All(Vec<Expression<T>>),
    Any(Vec<Expression<T>>),
}

impl<T> Expression<T> {
    /// `one` reads a single condition.
    pub(super) fn parse(
        scan: &mut Scan<'_>,
        one: &mut dyn FnMut(&mut Scan<'_>) -> Result<T, PatternError>,
    ) -> Result<Self, PatternError> {
        Self::any(scan, one, 0)
    }

    fn any(
        scan: &mut Scan<'_>,
        one: &mut dyn FnMut(&mut Scan<'_>) -> Result<T, PatternError>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        let mut parts = vec![Self::all(scan, one, depth)?];
        while after_space(scan, "||") {
            parts.push(Self::all(scan, one, depth)?);
        }
        Ok(joined(parts, Self::Any))
    }

    fn all(
        scan: &mut Scan<'_>,
        one: &mut dyn FnMut(&mut Scan<'_>) -> Result<T, PatternError>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        let mut parts = vec![Self::part(scan, one, depth)?];
        while after_space(scan, "&&") {
            parts.push(Self::part(scan, one, depth)?);
        }
        Ok(joined(parts, Self::All))
    }

    fn part(
        scan: &mut Scan<'_>,
        one: &mut dyn FnMut(&mut Scan<'_>) -> Result<T, PatternError>,
        depth: usize,
    ) -> Result<Self, PatternError> {
        if depth > DEPTH_MAX {
            return Err(scan.error("Invalid filter pattern: too many brackets inside brackets"));
        }
        if after_space(scan, "(") {
            let inner = Self::any(scan, one, depth + 1)?;
            scan.expect(")", "an expression in brackets")?;
            return Ok(inner);
        }
        one(scan).map(Self::One)
    }

    pub(super) fn holds(&self, test: &dyn Fn(&T) -> bool) -> bool {
        match self {
            Self::One(one) => test(one),
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
        }
    }

    /// All conditions, in their order.
    pub(super) fn each<'a>(&'a self, see: &mut dyn FnMut(&'a T)) {
        match self {
            Self::One(one) => see(one),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(see)),
        }
    }

    /// The conditions without which the whole cannot hold.
    pub(super) fn required<'a>(&'a self, see: &mut dyn FnMut(&'a T)) {
        match self {
            Self::One(one) => see(one),
            Self::All(parts) => parts.iter().for_each(|part| part.required(see)),
            Self::Any(_) => {}
        }
    }
}

fn joined<T>(mut parts: Vec<Expression<T>>, join: fn(Vec<Expression<T>>) -> Expression<T>) -> Expression<T> {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        join(parts)
    }
}

fn after_space(scan: &mut Scan<'_>, text: &str) -> bool {
    scan.skip_space();
    scan.eat(text)
}
