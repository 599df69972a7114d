//! Real clients against a front with small services behind it.

use std::sync::atomic::Ordering;

use aws_signature::Mode;
use test_conformance::fake::Front;
use test_conformance::python;

async fn drive(script: &'static str, front: &Front) {
    let url = front.url();
    tokio::task::spawn_blocking(move || {
        python::run(script, &[&url], &[]);
    })
    .await
    .expect("the script passes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_speaks_every_protocol() {
    drive("protocols.py", &Front::start(Mode::Sigv4).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_signature_is_answered_as_aws_does() {
    drive("signatures.py", &Front::start(Mode::Sigv4).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_hosts_and_origins_are_refused() {
    drive("hosts.py", &Front::start(Mode::Sigv4).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_mode_takes_any_signature_and_resets() {
    let front = Front::start(Mode::Open).await;
    drive("open_mode.py", &front).await;
    assert_eq!(front.resets.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_cli_works_with_an_endpoint_alone() {
    drive("cli.py", &Front::start(Mode::Sigv4).await).await;
}

#[test]
fn every_operation_of_ecs_is_served_or_a_gap_with_a_reason() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = |name: &str| root.join(name).display().to_string();
    python::run(
        "gaps.py",
        &[&path("aws/model/served.txt"), &path("docs/book/gaps.md")],
        &[],
    );
}
