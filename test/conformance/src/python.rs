//! Runs the Python half of a test.

use std::path::Path;
use std::process::Command;

/// Runs a script of `python/` and returns what it printed. A script that fails, or a machine that lacks Python,
/// boto3 or the AWS CLI, fails the test with what was printed.
pub fn run(script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let mut command = Command::new("python3");
    command.arg(&path).args(arguments);
    for name in [
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_SESSION_TOKEN",
        "AWS_CA_BUNDLE",
    ] {
        command.env_remove(name);
    }
    for (name, value) in environment {
        command.env(name, value);
    }
    let output = command.output().expect("python3 is installed");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{script} failed:\n{out}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}
