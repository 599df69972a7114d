use super::*;

#[test]
fn the_profile_compiles_for_this_processor() {
    let filters = Filters::docker(&Capabilities::docker()).unwrap();
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

#[test]
fn the_profile_compiles_for_every_capability() {
    let linux = contract::task::Linux {
        capabilities_add: vec!["ALL".to_owned()],
        ..Default::default()
    };
    let own = Capabilities::own();
    let (all, _) = crate::capability::resolve(&linux, &own).unwrap();
    let (with, without) = (
        Filters::docker(&all).unwrap(),
        Filters::docker(&Capabilities::docker()).unwrap(),
    );
    assert!(
        own.bits() == 0 || with.0[0].len() > without.0[0].len(),
        "capabilities open further calls"
    );
}
