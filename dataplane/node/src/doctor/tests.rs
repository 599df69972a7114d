use super::*;

#[test]
fn this_machine_has_everything() {
    let directory = tempfile::tempdir().unwrap();
    let findings = check_host(directory.path());
    assert!(findings.len() >= 9);
    for finding in findings {
        assert!(finding.ok, "{finding:?}");
        assert!(finding.remedy.is_empty());
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_state_directory_that_cannot_carry_overlays_is_found() {
    let finding = overlay(Path::new("/proc"));
    assert!(!finding.ok);
    assert!(
        finding
            .sentence
            .starts_with("no overlay can be mounted in /proc: "),
        "{finding:?}"
    );
    assert!(finding.remedy.contains("--state-dir"));
}
