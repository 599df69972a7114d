//! When a schedule is due: `at(…)`, `rate(…)` and `cron(…)`, and the five fields of a crontab.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// A schedule without a time in so many days has none.
const DAYS_AHEAD_MAX: usize = 366 * 5;
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

#[derive(Clone, Debug, PartialEq)]
pub enum When {
    At(DateTime),
    Rate(SignedDuration),
    Cron(Cron),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    /// `None`: any. 0 stands for the last day of the month.
    days: Option<BTreeSet<i16>>,
    months: BTreeSet<i16>,
    /// Sunday is 1.
    weekdays: Option<BTreeSet<i16>>,
    years: Option<BTreeSet<i16>>,
    /// A day of the month or of the week is enough, where both are said.
    is_either_day: bool,
}

/// # Errors
/// What is wrong with it, in a sentence.
pub fn parse(text: &str) -> Result<When, String> {
    let (kind, rest) = text
        .split_once('(')
        .ok_or("it is none of at(…), rate(…) and cron(…)")?;
    let inner = rest.strip_suffix(')').ok_or("its bracket is not closed")?.trim();
    match kind {
        "at" => inner
            .parse()
            .map(When::At)
            .map_err(|_| format!("{inner} is not of the form yyyy-mm-ddThh:mm:ss")),
        "rate" => rate(inner).map(When::Rate),
        "cron" => cron(inner).map(When::Cron),
        _ => Err("it is none of at(…), rate(…) and cron(…)".to_owned()),
    }
}

fn rate(text: &str) -> Result<SignedDuration, String> {
    let wanted = || format!("rate({text}) is not of the form rate(5 minutes)");
    let (count, unit) = text.split_once(' ').ok_or_else(wanted)?;
    let count: i64 = count
        .parse()
        .ok()
        .filter(|it| (1..=100_000).contains(it))
        .ok_or_else(wanted)?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(wanted()),
    };
    Ok(SignedDuration::from_secs(count * seconds))
}

fn cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays, years] = fields[..] else {
        return Err(
            "cron(…) has six fields: minutes, hours, day of month, month, day of week, year".to_owned(),
        );
    };
    if (days == "?") == (weekdays == "?") {
        return Err("one of day of month and day of week is ?".to_owned());
    }
    let any = |text: &str| matches!(text, "?" | "*");
    Ok(Cron {
        minutes: field(minutes, 0, 59, &[])?,
        hours: field(hours, 0, 23, &[])?,
        days: if any(days) {
            None
        } else if days == "L" {
            Some(BTreeSet::from([0]))
        } else {
            Some(field(days, 1, 31, &[])?)
        },
        months: field(months, 1, 12, &MONTHS)?,
        weekdays: if any(weekdays) {
            None
        } else {
            Some(field(weekdays, 1, 7, &DAYS)?)
        },
        years: if any(years) {
            None
        } else {
            Some(field(years, 1970, 2199, &[])?)
        },
        is_either_day: false,
    })
}

/// Minute, hour, day of the month, month, day of the week; Sunday is 0, and 7 as well.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn crontab(text: &str) -> Result<When, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = fields[..] else {
        return Err("it has five fields: minute, hour, day of month, month, day of week".to_owned());
    };
    let of_week = || {
        let found = field(weekdays, 0, 7, &DAYS)?.into_iter();
        Ok::<_, String>(found.map(|day| day % 7 + 1).collect())
    };
    Ok(When::Cron(Cron {
        minutes: field(minutes, 0, 59, &[])?,
        hours: field(hours, 0, 23, &[])?,
        days: (days != "*").then(|| field(days, 1, 31, &[])).transpose()?,
        months: field(months, 1, 12, &MONTHS)?,
        weekdays: (weekdays != "*").then(of_week).transpose()?,
        years: None,
        is_either_day: true,
    }))
}

/// `*`, `5`, `1-5`, `*/15`, `0/15`, `MON,WED`.
fn field(text: &str, least: i16, most: i16, names: &[&str]) -> Result<BTreeSet<i16>, String> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| i16::try_from(at).ok()).map(|at| at + least);
        let number = named
            .or_else(|| text.parse().ok())
            .filter(|it| (least..=most).contains(it));
        number.ok_or_else(|| format!("{text} is not between {least} and {most}"))
    };
    let mut found = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: usize = step
                    .parse()
                    .ok()
                    .filter(|it| *it > 0)
                    .ok_or_else(|| format!("{step} is no step"))?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(format!("{part} ends before it begins"));
        }
        found.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    Ok(found)
}

/// The first time after `after`; `since` is when a rate began to count.
pub fn next(when: &When, zone: &TimeZone, since: Timestamp, after: Timestamp) -> Option<Timestamp> {
    match when {
        When::At(at) => zone.to_timestamp(*at).ok().filter(|it| *it > after),
        When::Rate(every) => {
            let passed = after.duration_since(since).as_secs().max(0) / every.as_secs();
            since
                .checked_add(SignedDuration::from_secs((passed + 1) * every.as_secs()))
                .ok()
        }
        When::Cron(cron) => {
            let begin = zone.to_datetime(after);
            let mut day = begin.date();
            for _ in 0..DAYS_AHEAD_MAX {
                if cron.is_day(day) {
                    let times = cron
                        .hours
                        .iter()
                        .flat_map(|hour| cron.minutes.iter().map(move |minute| (*hour, *minute)));
                    for (hour, minute) in times {
                        let time =
                            Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
                        let at = zone.to_timestamp(day.to_datetime(time)).ok()?;
                        if at > after {
                            return Some(at);
                        }
                    }
                }
                day = day.checked_add(1.day()).ok()?;
            }
            None
        }
    }
}

impl Cron {
    fn is_day(&self, day: Date) -> bool {
        let of_month = |days: &BTreeSet<i16>| {
            days.contains(&i16::from(day.day())) || (days.contains(&0) && day.day() == day.days_in_month())
        };
        let of_week = |days: &BTreeSet<i16>| days.contains(&i16::from(day.weekday().to_sunday_one_offset()));
        let is_day = match (&self.days, &self.weekdays) {
            (Some(days), Some(weekdays)) if self.is_either_day => of_month(days) || of_week(weekdays),
            (days, weekdays) => days.as_ref().is_none_or(of_month) && weekdays.as_ref().is_none_or(of_week),
        };
        is_day
            && self.months.contains(&i16::from(day.month()))
            && self.years.as_ref().is_none_or(|it| it.contains(&day.year()))
    }
}

#[cfg(test)]
mod tests;
