use super::foreign_label;

#[test]
fn labels_of_other_systems_are_known() {
    let foreign = |label: &str| foreign_label(&["self-hosted".to_owned(), label.to_owned()]).is_some();
    for label in ["windows-latest", "macos-15", "Windows", "macOS-latest-xlarge"] {
        assert!(foreign(label), "{label}");
    }
    for label in [
        "ubuntu-latest",
        "ubuntu-24.04",
        "linux",
        "big-machine",
        "alarm-clock",
    ] {
        assert!(!foreign(label), "{label}");
    }
    assert_eq!(foreign("ubuntu-24.04-arm"), std::env::consts::ARCH != "aarch64");
    assert_eq!(foreign("X64"), std::env::consts::ARCH != "x86_64");
}
