//! `wharf logs`.

use std::sync::Arc;

use client_deploy::{LogLine, LogOptions};
use jiff::{SignedDuration, Timestamp};

use crate::arguments::Logs;
use crate::command::Session;
use crate::exit::{End, Ended, USAGE};
use crate::place::app_name;

/// Of a task's id, enough to tell tasks apart.
const TASK_DIGITS: usize = 6;
/// As in `ESC [ colour m`: those that can be read on dark and on light; red is for errors.
const COLOURS: [u8; 10] = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96];
/// Of the hash FNV-1a.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

impl Session {
    pub(super) fn logs(&self, logs: &Logs) -> Ended {
        let name = app_name(&logs.name)?;
        let since = match &logs.since {
            Some(text) => Some(parse_since(text, Timestamp::now())?),
            None => None,
        };
        let deployer = self.deployer(&logs.place, Arc::new(|_| ()))?;
        let options = LogOptions {
            since,
            follow: logs.follow,
            grep: logs.grep.clone(),
        };
        let mut ended: Ended = Ok(());
        let mut show = |line: LogLine| {
            ended = self.line(&line, logs.json);
            ended.is_ok()
        };
        self.runtime.block_on(async {
            tokio::select! {
                read = deployer.logs(&name, options, &mut show) => read,
                // Whoever has seen enough has got what was asked for.
                _ = tokio::signal::ctrl_c() => Ok(()),
            }
        })?;
        ended
    }

    fn line(&self, line: &LogLine, json: bool) -> Ended {
        if json {
            self.output.print(serde_json::to_string(line)?)?;
            return Ok(());
        }
        let task: String = line.task.chars().take(TASK_DIGITS).collect();
        let at = line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let message = line.message.trim_end_matches('\n');
        let mut whose = format!("{at} {}/{task}", line.container);
        if self.output.colour_results {
            whose = format!("\u{1b}[{}m{whose}\u{1b}[0m", colour(&line.task));
        }
        self.output.print(format!("{whose}  {message}"))?;
        Ok(())
    }
}

/// The same for a task whenever it is shown: its id decides.
fn colour(task: &str) -> u8 {
    let sum = task.bytes().fold(FNV_OFFSET, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(FNV_PRIME)
    });
    COLOURS[sum as usize % COLOURS.len()]
}

/// `15m`, or a point in time.
fn parse_since(text: &str, now: Timestamp) -> Ended<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let refuse = || {
        End::new(USAGE, format!("`{text}` is no time to begin at"))
            .hint("write 90s, 15m, 2h, 1d, or a time such as 2026-01-02T03:04:05Z")
    };
    let split = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
    let (number, unit) = text.split_at(split);
    let number: i64 = number.parse().map_err(|_| refuse())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(refuse()),
    };
    let ago = number
        .checked_mul(seconds)
        .filter(|ago| *ago >= 0)
        .ok_or_else(refuse)?;
    now.checked_sub(SignedDuration::from_secs(ago))
        .map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_have_colours_of_their_own() {
        let ids = (0..50_u64).map(|n| format!("{:032x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let used: std::collections::BTreeSet<u8> = ids.map(|id| colour(&id)).collect();
        assert!(used.len() > COLOURS.len() / 2, "{used:?}");
        assert_eq!(colour("0123"), colour("0123"));
    }

    #[test]
    fn a_time_to_begin_at_is_read() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for (text, expected) in [
            ("5s", "2026-01-02T03:04:00Z"),
            ("4m", "2026-01-02T03:00:05Z"),
            ("3h", "2026-01-02T00:04:05Z"),
            ("1d", "2026-01-01T03:04:05Z"),
            ("2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z"),
        ] {
            assert_eq!(parse_since(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "m",
            "5",
            "-5m",
            "5y",
            "99999999999999999999d",
            "9999999999999999d",
            "5ü",
        ] {
            assert_eq!(parse_since(text, now).unwrap_err().code, USAGE, "{text}");
        }
    }
}
