//! CPU and memory: how people write them, and which pairs Fargate has. The table is AWS's.

/// CPU units with the MiB that go with them: from, to, in steps of.
const FARGATE: [(u32, u32, u32, u32); 6] = [
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];
/// The smallest size has memory that follows no rule.
const SMALLEST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);

/// `256`, `.25 vCPU`: units, of which 1024 are one CPU.
pub(super) fn cpu(text: &str) -> Option<u32> {
    units(text, "vcpu")
}

/// `512`, `1GB`: MiB.
pub(super) fn memory(text: &str) -> Option<u32> {
    units(text, "gb")
}

fn units(text: &str, unit: &str) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    match lower.strip_suffix(unit) {
        Some(number) => {
            let number: f64 = number.trim().parse().ok()?;
            let units = (number * 1024.0).round();
            (units.is_finite() && units > 0.0 && units < f64::from(u32::MAX)).then_some(units as u32)
        }
        None => lower.parse().ok().filter(|units| *units > 0),
    }
}

/// What may be written for the CPU.
pub(super) fn cpus() -> String {
    let rest = FARGATE.iter().map(|(cpu, ..)| cpu.to_string());
    std::iter::once(SMALLEST.0.to_string())
        .chain(rest)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The memory that goes with so much CPU, in words; `None` when Fargate has no such CPU.
pub(super) fn memories(cpu: u32) -> Option<String> {
    if cpu == SMALLEST.0 {
        let all = SMALLEST.1.map(|mib| mib.to_string());
        return Some(all.join(", "));
    }
    let (_, from, to, step) = FARGATE.iter().find(|(known, ..)| *known == cpu)?;
    Some(format!("{from} to {to} in steps of {step}"))
}

pub(super) fn is_pair(cpu: u32, memory: u32) -> bool {
    if cpu == SMALLEST.0 {
        return SMALLEST.1.contains(&memory);
    }
    FARGATE.iter().any(|(known, from, to, step)| {
        *known == cpu && (*from..=*to).contains(&memory) && (memory - from).is_multiple_of(*step)
    })
}
