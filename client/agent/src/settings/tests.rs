//! Files as people write them.

use super::*;

#[test]
fn a_file_as_people_write_it() {
    let text = "\n# joins\nECS_CLUSTER=web\nECS_INSTANCE_ATTRIBUTES={\"stack\": \"blue\"}\nECS_RESERVED_MEMORY=64\n\
                ECS_RESERVED_PORTS=[22, 51678]\nECS_ENABLE_TASK_IAM_ROLE=true\nECS_CONTAINER_INSTANCE_TAGS='{\"a\":\"b\"}'\n";
    let settings = Settings::parse(text);
    assert_eq!(settings.cluster.as_deref(), Some("web"));
    assert_eq!(settings.attributes["stack"], "blue");
    assert_eq!(settings.tags["a"], "b");
    assert_eq!(
        (settings.reserved_memory_mib, settings.reserved_ports),
        (64, vec![22, 51678])
    );
    assert_eq!(settings.notes, Vec::<String>::new());
}

#[test]
fn what_has_no_effect_is_said() {
    let settings = Settings::parse("ECS_CLUSTER=\nECS_RESERVED_MEMORY=much\nnonsense\nECS_GPU=1");
    assert_eq!(settings.cluster, None);
    assert_eq!(
        settings.notes,
        [
            "ECS_RESERVED_MEMORY is not a number of MiB: \"much\".",
            "\"nonsense\" is not of the form NAME=value.",
            "ECS_GPU has no effect here.",
        ]
    );
}

#[test]
fn the_last_line_counts() {
    let settings = Settings::parse("ECS_CLUSTER=one\nECS_CLUSTER=\"two\"\n");
    assert_eq!(settings.cluster.as_deref(), Some("two"));
}
