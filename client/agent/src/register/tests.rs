//! What is told of an instance.

use std::path::PathBuf;

use super::*;

fn agent(root: &Path) -> Agent {
    Agent {
        endpoint: "http://169.254.170.2:4566".to_owned(),
        root: PathBuf::from(root),
        cpu_units: 2048,
        memory_mib: 4096,
        joins_by_default: false,
    }
}

#[test]
fn resources_are_what_the_instance_has_less_what_is_kept_back() {
    let settings = Settings::parse(
        "ECS_RESERVED_MEMORY=96\nECS_RESERVED_PORTS=[80]\nECS_INSTANCE_ATTRIBUTES={\"a\":\"b\"}",
    );
    let input = input(&agent(Path::new("/")), &settings, "web", "{}");
    let resources = input.total_resources.unwrap();
    let value = |name: &str| {
        let found = resources
            .iter()
            .find(|it| it.name.as_deref() == Some(name))
            .unwrap();
        (found.integer_value, found.string_set_value.clone())
    };
    assert_eq!(value("CPU").0, Some(2048));
    assert_eq!(value("MEMORY").0, Some(4000));
    assert_eq!(
        value("PORTS").1.unwrap(),
        ["22", "2375", "2376", "51678", "51679", "80"]
    );
    let attributes = input.attributes.unwrap();
    assert!(
        attributes
            .iter()
            .any(|it| it.name == "a" && it.value.as_deref() == Some("b"))
    );
    assert_eq!(input.tags, None);
}

#[test]
fn an_instance_is_the_same_after_a_reboot_and_another_in_another_cluster() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("var/lib/ecs/data")).unwrap();
    let settings = Settings::parse("ECS_CLUSTER=web");
    assert_eq!(remembered(root.path(), "web"), None);
    remember(root.path(), &settings, "arn:1");
    assert_eq!(remembered(root.path(), "web").as_deref(), Some("arn:1"));
    assert_eq!(remembered(root.path(), "other"), None);
}
