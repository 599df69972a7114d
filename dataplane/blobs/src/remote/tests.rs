use super::*;

#[test]
fn only_this_machine_is_spoken_to_without_tls() {
    for (registry, plain) in [
        ("127.0.0.1:4566", true),
        ("127.3.2.1", true),
        ("localhost:5000", true),
        ("000000000000.dkr.ecr.us-east-1.localhost:4566", true),
        ("[::1]:5000", true),
        ("10.0.0.1:5000", false),
        ("localhost.example.com", false),
        ("ghcr.io", false),
    ] {
        assert_eq!(is_on_this_machine(registry), plain, "{registry}");
    }
}

#[test]
fn mirrors_come_first_and_only_for_their_prefix() {
    let mirror = Mirror {
        prefix: "docker.io/library".to_owned(),
        hosts: vec!["127.0.0.1:5000".to_owned()],
    };
    let remote = Remote::new(RemoteConfig {
        mirrors: vec![mirror],
        ..RemoteConfig::default()
    })
    .unwrap();
    let hosts = |name: &str| -> Vec<String> {
        let sources = remote.sources(&Name::parse(name).unwrap());
        sources
            .iter()
            .map(|source| source.resolve_registry().to_owned())
            .collect()
    };
    assert_eq!(hosts("python:3.12"), ["127.0.0.1:5000", "index.docker.io"]);
    assert_eq!(hosts("bitnami/redis"), ["index.docker.io"]);
    assert_eq!(hosts("librarything.io/x"), ["librarything.io"]);
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlobStore::open(directory.path()).unwrap();
    let image = contract::image::ImageRef {
        name: "127.0.0.1:1/web:7".to_owned(),
        digest: None,
    };
    let error = store
        .resolve(&image, None, Arc::new(|_| {}))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("pull of image 127.0.0.1:1/web:7 failed: 127.0.0.1:1 cannot be reached: "),
        "{error}"
    );
    assert!(error.contains("refused"), "{error}");
}
