//! `on.schedule`: it never fires here, but what is wrong in it would be wrong on GitHub too.

use std::ops::RangeInclusive;

use super::Reader;
use crate::yaml::Node;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [(&str, RangeInclusive<u32>); 5] = [
    ("minute", 0..=59),
    ("hour", 0..=23),
    ("day of the month", 1..=31),
    ("month", 1..=12),
    ("day of the week", 0..=6),
];

impl Reader<'_> {
    pub(super) fn schedule(&mut self, node: &Node) {
        let items = self.list(node, "`schedule`");
        for item in items {
            let Some(fields) = self.fields(item, "an entry of `schedule`", &["cron", "timezone"]) else {
                continue;
            };
            let Some(node) = fields.get("cron") else {
                self.problem(
                    fields.head(),
                    "an entry of `schedule` has no `cron`",
                    "write `- cron: '30 5 * * 1-5'`",
                );
                continue;
            };
            if let Some(text) = self.plain(node, "cron")
                && let Err(why) = cron(&text)
            {
                self.problem(
                    node.span.clone(),
                    format!("`{text}` is no time table: {why}"),
                    "five fields: minute, hour, day of the month, month, day of the week",
                );
            }
        }
    }
}

fn cron(text: &str) -> Result<(), String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!(
            "it has {} field{}",
            fields.len(),
            if fields.len() == 1 { "" } else { "s" }
        ));
    }
    for (at, (field, (name, range))) in fields.iter().zip(FIELDS).enumerate() {
        let names: &[&str] = match at {
            3 => &MONTHS,
            4 => &DAYS,
            _ => &[],
        };
        if !field.split(',').all(|part| fits(part, &range, names)) {
            return Err(format!("`{field}` is no {name}"));
        }
    }
    Ok(())
}

/// `*`, `5`, `1-5`, and each with `/2`.
fn fits(part: &str, range: &RangeInclusive<u32>, names: &[&str]) -> bool {
    let (values, step) = match part.split_once('/') {
        Some((values, step)) => (values, Some(step)),
        None => (part, None),
    };
    if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
        return false;
    }
    let value = |text: &str| -> Option<u32> {
        let number = text.parse().ok();
        let named = || {
            let place = names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
            u32::try_from(place).ok().map(|place| place + range.start())
        };
        number.or_else(named).filter(|number| range.contains(number))
    };
    match values.split_once('-') {
        _ if values == "*" => true,
        Some((first, last)) => {
            matches!((value(first), value(last)), (Some(first), Some(last)) if first <= last)
        }
        None => value(values).is_some(),
    }
}
