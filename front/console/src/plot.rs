//! Plots as SVG: numbers over time.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::read::Line;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 128.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 18.0;
const TOP: f64 = 8.0;

/// A part of the past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) end: Timestamp,
    pub(crate) seconds: i64,
    /// Between two points; a longer pause is a gap in the line.
    pub(crate) period: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Percent,
    Count,
    Seconds,
}

impl Unit {
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", number(value)),
            Self::Count => number(value),
            Self::Seconds if value < 1.0 => format!("{} ms", number(value * 1000.0)),
            Self::Seconds => format!("{} s", number(value)),
        }
    }
}

/// Three digits, and thousands as k.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000_000.0 {
        format!("{:.1}M", value / 1_000_000.0)
    } else if size >= 1000.0 {
        format!("{:.1}k", value / 1000.0)
    } else if size >= 100.0 || size.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|step| step * power >= value * 0.999);
    step.unwrap_or(10.0) * power
}

/// A plot with a title, its last numbers, and a sentence for those who do not see it.
pub(crate) fn plot(title: &str, unit: Unit, lines: &[Line], window: Window) -> Markup {
    let all = lines.iter().flat_map(|line| &line.points);
    let most = round_up(all.map(|(_, value)| *value).fold(0.0, f64::max));
    let said = said(title, unit, lines);
    html! {
        figure.plot {
            figcaption {
                span.plot-title { (title) }
                @for (index, line) in lines.iter().enumerate() {
                    @if let Some((_, value)) = line.points.last() {
                        span.plot-value { i class=(format!("key line-{index}")) {} @if lines.len() > 1 { (line.title) " " } b { (unit.text(*value)) } }
                    }
                }
            }
            svg role="img" aria-label=(said) viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="xMidYMid meet" {
                @for (share, is_base) in [(0.0, true), (0.5, false), (1.0, false)] {
                    line class=(if is_base { "base" } else { "grid" }) x1=(LEFT) x2=(WIDTH) y1=(up(share)) y2=(up(share)) {}
                    text.scale x=(LEFT - 6.0) y=(up(share) + 3.5) text-anchor="end" { (unit.text(most * share)) }
                }
                @for (share, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
                    text.scale x=(LEFT + (WIDTH - LEFT) * share) y=(HEIGHT - 4.0) text-anchor=(anchor) { (clock(window, share)) }
                }
                @for (index, line) in lines.iter().enumerate() {
                    @for run in runs(line, window) {
                        polyline class=(format!("line line-{index}")) points=(points(&run, most)) {}
                    }
                }
            }
        }
    }
}

/// A small one without scales.
pub(crate) fn spark(title: &str, line: &Line, window: Window) -> Markup {
    let most = line
        .points
        .iter()
        .map(|(_, value)| *value)
        .fold(0.0, f64::max)
        .max(1.0);
    html! {
        svg.spark role="img" aria-label=(said(title, Unit::Count, std::slice::from_ref(line))) viewBox="0 0 120 28" preserveAspectRatio="none" {
            line.base x1="0" x2="120" y1="27" y2="27" {}
            @for run in runs(line, window) {
                polyline.line.line-0 points=(run.iter().map(|(share, value)| {
                    format!("{:.1},{:.1} ", share * 120.0, 26.0 - value / most * 23.0)
                }).collect::<String>()) {}
            }
        }
    }
}

fn up(share: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share
}

fn clock(window: Window, share: f64) -> String {
    let back = (window.seconds as f64 * (1.0 - share)) as i64;
    let at = window.end - SignedDuration::from_secs(back);
    at.strftime("%H:%M").to_string()
}

/// Pieces without a gap: share of the window, and value.
fn runs(line: &Line, window: Window) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let gap = i64::from(window.period) * 5 / 2;
    let mut before: Option<i64> = None;
    for (at, value) in &line.points {
        let age = window.end.as_second() - at.as_second();
        let share = (1.0 - age as f64 / window.seconds as f64).clamp(0.0, 1.0);
        let is_next = before.is_some_and(|it| at.as_second() - it <= gap);
        before = Some(at.as_second());
        match runs.last_mut() {
            Some(run) if is_next => run.push((share, *value)),
            _ => runs.push(vec![(share, *value)]),
        }
    }
    // A single point would not be seen.
    for run in &mut runs {
        if let [(share, value)] = run[..] {
            run.push((share + 0.004, value));
        }
    }
    runs
}

fn points(run: &[(f64, f64)], most: f64) -> String {
    let point = |(share, value): &(f64, f64)| {
        format!(
            "{:.1},{:.1} ",
            LEFT + (WIDTH - LEFT) * share,
            up((value / most).min(1.0))
        )
    };
    run.iter().map(point).collect()
}

fn said(title: &str, unit: Unit, lines: &[Line]) -> String {
    let mut words = format!("{title}:");
    for line in lines {
        let most = line
            .points
            .iter()
            .map(|(_, value)| *value)
            .fold(f64::MIN, f64::max);
        match line.points.last() {
            Some((_, last)) => {
                words += &format!(
                    " {} now {}, at most {};",
                    line.title,
                    unit.text(*last),
                    unit.text(most)
                );
            }
            None => words += &format!(" {} has no measurements;", line.title),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_gaps_are_gaps() {
        assert_eq!(round_up(0.0), 1.0);
        assert_eq!(round_up(37.0), 50.0);
        assert_eq!(round_up(0.012), 0.02);
        let at = |second| (Timestamp::from_second(second).unwrap(), 1.0);
        let line = Line {
            title: "x",
            points: vec![at(0), at(60), at(600), at(660)],
        };
        let window = Window {
            end: Timestamp::from_second(3600).unwrap(),
            seconds: 3600,
            period: 60,
        };
        assert_eq!(runs(&line, window).len(), 2);
    }
}
