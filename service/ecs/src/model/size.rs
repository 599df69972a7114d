//! CPU and memory: how people write them, and which pairs Fargate has.

use aws_protocol::ApiError;

use crate::error::client;

/// `256`, `.25 vCPU`, `1vcpu`: units, of which 1024 are one CPU.
pub(crate) fn cpu(text: &str) -> Result<u32, ApiError> {
    let refuse = || client(format!("Invalid 'cpu' setting for task: '{text}'"));
    let lower = text.trim().to_ascii_lowercase();
    let units = match lower.strip_suffix("vcpu") {
        Some(number) => number
            .trim()
            .parse::<f64>()
            .ok()
            .map(|cpus| (cpus * 1024.0).round() as u32),
        None => lower.parse().ok(),
    };
    units
        .filter(|units| (128..=196_608).contains(units))
        .ok_or_else(refuse)
}

/// `512`, `1GB`, `0.5 GB`: MiB.
pub(crate) fn memory(text: &str) -> Result<u32, ApiError> {
    let refuse = || client(format!("Invalid 'memory' setting for task: '{text}'"));
    let lower = text.trim().to_ascii_lowercase();
    let mib = match lower.strip_suffix("gb") {
        Some(number) => number
            .trim()
            .parse::<f64>()
            .ok()
            .map(|gib| (gib * 1024.0).round() as u32),
        None => lower.parse().ok(),
    };
    mib.filter(|mib| *mib >= 4).ok_or_else(refuse)
}

/// # Errors
/// When Fargate has no task of this size.
pub(crate) fn check_fargate(cpu: u32, memory: u32) -> Result<(), ApiError> {
    let gib =
        |from: u32, to: u32, step: u32| (from..=to).step_by(step as usize).any(|gib| gib * 1024 == memory);
    let known = match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => gib(1, 4, 1),
        1024 => gib(2, 8, 1),
        2048 => gib(4, 16, 1),
        4096 => gib(8, 30, 1),
        8192 => gib(16, 60, 4),
        16384 => gib(32, 120, 8),
        32768 => [60, 120, 244].iter().any(|gib| gib * 1024 == memory),
        _ => false,
    };
    if known {
        return Ok(());
    }
    Err(client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [("256", 256), (".25 vCPU", 256), ("1vcpu", 1024), ("2 VCPU", 2048)] {
            assert_eq!(cpu(text).unwrap(), expected, "{text}");
        }
        for (text, expected) in [("512", 512), ("1GB", 1024), ("0.5 gb", 512)] {
            assert_eq!(memory(text).unwrap(), expected, "{text}");
        }
        for text in ["", "many", "-1", "1"] {
            assert!(cpu(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fargate_has_certain_sizes_only() {
        for (cpu, memory, expected) in [
            (256, 512, true),
            (256, 3072, false),
            (512, 1024, true),
            (1024, 8192, true),
            (300, 512, false),
            (8192, 17408, false),
        ] {
            assert_eq!(check_fargate(cpu, memory).is_ok(), expected, "{cpu} {memory}");
        }
    }
}
