use super::*;

const ASKED: Memory = Memory {
    limit_mib: Some(64),
    reservation_mib: Some(32),
    swap_mib: Some(0),
    swappiness: Some(10),
};

fn written(memory: Memory, unified: bool) -> Vec<String> {
    memory
        .settings(unified)
        .into_iter()
        .map(|setting| format!("{}={}", setting.file, setting.value))
        .collect()
}

#[test]
fn version_1_limits_memory_and_swap_together() {
    assert_eq!(
        written(ASKED, false),
        [
            "memory.limit_in_bytes=67108864",
            "memory.soft_limit_in_bytes=33554432",
            "memory.memsw.limit_in_bytes=67108864",
            "memory.swappiness=10"
        ]
    );
    let without = Memory {
        limit_mib: None,
        ..ASKED
    };
    assert!(!written(without, false).iter().any(|line| line.contains("memsw")));
    assert!(without.note(false).is_some() && without.note(true).is_none());
}

#[test]
fn version_2_limits_swap_alone() {
    assert_eq!(
        written(ASKED, true),
        [
            "memory.max=67108864",
            "memory.low=33554432",
            "memory.swap.max=0",
            "memory.swappiness=10"
        ]
    );
    assert!(written(Memory::default(), true).is_empty());
}
