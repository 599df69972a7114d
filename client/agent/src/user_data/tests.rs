//! What is taken for a script, and what becomes of it.

use super::*;

#[test]
fn kinds_are_told_by_the_first_bytes() {
    assert_eq!(kind("#!/bin/bash\necho"), Kind::Script);
    // As people indent it in a template.
    assert_eq!(kind("\n  #!/bin/bash\necho"), Kind::Script);
    assert_eq!(kind(" \n"), Kind::Empty);
    assert_eq!(kind("#cloud-config\n"), Kind::Other("text/cloud-config"));
    assert_eq!(kind("echo"), Kind::Other("text/x-not-multipart"));
}

#[tokio::test]
async fn a_script_runs_and_its_output_and_failure_are_told() {
    let root = tempfile::tempdir().unwrap();
    let journal = Journal::new(root.path(), "log");
    let mark = root.path().join(MARK);
    let text = "\n#!/bin/sh\necho one; echo two >&2; sleep 1000 & exit 3\n";
    let script = write(root.path(), text, &mark).unwrap();
    assert!(mark.exists());
    run(&script, &journal).await;
    let log = fs::read_to_string(root.path().join("log")).unwrap();
    assert!(log.contains("The user data failed: exit status: 3"), "{log}");
}
