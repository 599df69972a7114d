use super::*;

#[test]
fn the_profile_compiles_for_this_processor() {
    let filters = Filters::docker_default().unwrap();
    assert_eq!(filters.0.len(), 3);
    assert!(filters.0[0].len() > 300, "one comparison per call at least");
}

#[test]
fn the_profile_compiles_for_the_other_processor() {
    let facts: Facts = serde_json::from_str(FACTS).unwrap();
    for (arch, own) in [
        (TargetArch::x86_64, &facts.x86_64),
        (TargetArch::aarch64, &facts.aarch64),
    ] {
        let rules: Vec<Value> = facts
            .common
            .iter()
            .chain(own)
            .map(|name| json!({"syscall": name}))
            .collect();
        let text =
            json!({"a": {"mismatch_action": "allow", "match_action": "trap", "filter": rules}}).to_string();
        seccompiler::compile_from_json(text.as_bytes(), arch).unwrap();
    }
}

#[test]
fn what_a_container_must_not_do_is_not_on_the_list() {
    let facts: Facts = serde_json::from_str(FACTS).unwrap();
    for name in [
        "mount",
        "unshare",
        "setns",
        "keyctl",
        "add_key",
        "bpf",
        "perf_event_open",
        "reboot",
        "io_uring_setup",
        "kexec_load",
        "init_module",
    ] {
        assert!(
            !facts
                .common
                .iter()
                .chain(&facts.x86_64)
                .any(|allowed| allowed == name),
            "{name}"
        );
    }
}
