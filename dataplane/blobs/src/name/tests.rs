use super::*;

#[test]
fn short_names_mean_docker_hub() {
    for (short, full, familiar) in [
        ("python", "docker.io/library/python:latest", "python:latest"),
        ("python:3.12", "docker.io/library/python:3.12", "python:3.12"),
        (
            "docker.io/library/python:3.12",
            "docker.io/library/python:3.12",
            "python:3.12",
        ),
        (
            "index.docker.io/bitnami/redis",
            "docker.io/bitnami/redis:latest",
            "bitnami/redis:latest",
        ),
        (
            "127.0.0.1:4566/x",
            "127.0.0.1:4566/x:latest",
            "127.0.0.1:4566/x:latest",
        ),
        (
            "localhost:4566/a/b:c",
            "localhost:4566/a/b:c",
            "localhost:4566/a/b:c",
        ),
        ("ghcr.io/o/i:1", "ghcr.io/o/i:1", "ghcr.io/o/i:1"),
    ] {
        let name = Name::parse(short).unwrap();
        assert_eq!(
            (name.to_string(), name.familiar()),
            (full.to_owned(), familiar.to_owned()),
            "{short}"
        );
    }
}

#[test]
fn what_is_no_name_is_refused_with_a_reason() {
    for wrong in ["", "UPPER", "a b", "x:", "-x", &"a".repeat(600)] {
        let error = Name::parse(wrong).unwrap_err().to_string();
        assert!(error.contains("is not an image name"), "{wrong}: {error}");
    }
}
