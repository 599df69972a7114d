//! The registry and ECR, by the letter of the OCI distribution specification and by the clients that people use.

use test_conformance::python;
use test_conformance::registry::Registry;

async fn drive(script: &'static str) {
    let registry = Registry::start().await;
    let (url, folder) = (registry.front.url(), registry.folder.path().display().to_string());
    tokio::task::spawn_blocking(move || {
        python::run(script, &[&url, &folder], &[]);
    })
    .await
    .expect("the script passes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_must_of_the_distribution_specification_holds() {
    drive("distribution.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_or_wrong_is_refused_and_leaves_nothing() {
    drive("distribution_refused.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_podman_buildah_and_oras_push_and_pull() {
    drive("registry_clients.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_finds_ecr_as_aws_documents_it() {
    drive("ecr.py").await;
}
