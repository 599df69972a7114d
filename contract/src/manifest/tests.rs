use super::*;

const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn descriptor(kind: &str) -> String {
    format!(r#"{{"mediaType":"{kind}","digest":"{EMPTY}","size":2}}"#)
}

#[test]
fn images_indexes_and_artifacts_are_told_apart() {
    let layer = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    let config = descriptor("application/vnd.oci.empty.v1+json");
    let image = format!(
        r#"{{"schemaVersion":2,"artifactType":"a/b","config":{config},"layers":[{layer}],"subject":{config}}}"#
    );
    let found = Manifest::parse(image.as_bytes(), Some(OCI_MANIFEST)).unwrap();
    assert_eq!(found.media_type, OCI_MANIFEST);
    assert_eq!(found.artifact_type.as_deref(), Some("a/b"));
    assert_eq!(found.subject.as_deref(), Some(EMPTY));
    assert_eq!(
        found.blobs.iter().map(|it| it.is_foreign).collect::<Vec<_>>(),
        [false, true]
    );
    // Neither the header nor the manifest says what it is: `mediaType` is optional in OCI.
    assert_eq!(
        Manifest::parse(image.as_bytes(), None).unwrap().media_type,
        OCI_MANIFEST
    );
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{config}]}}"#);
    let found = Manifest::parse(index.as_bytes(), None).unwrap();
    assert_eq!((found.media_type.as_str(), found.manifests.len()), (OCI_INDEX, 1));
    let artifact = format!(r#"{{"mediaType":"{OCI_ARTIFACT}","artifactType":"a/b","blobs":[{config}]}}"#);
    assert_eq!(Manifest::parse(artifact.as_bytes(), None).unwrap().blobs.len(), 1);
}

#[test]
fn what_does_not_hang_together_is_refused() {
    let config = descriptor("application/vnd.oci.empty.v1+json");
    for (text, declared, sentence) in [
        ("{".to_owned(), OCI_MANIFEST, "cannot be read"),
        ("[]".to_owned(), OCI_MANIFEST, "cannot be read"),
        (
            format!(r#"{{"schemaVersion":1,"config":{config}}}"#),
            OCI_MANIFEST,
            "version 1",
        ),
        (
            format!(r#"{{"config":{config}}}"#),
            OCI_MANIFEST,
            "no schemaVersion",
        ),
        (r#"{"schemaVersion":2}"#.to_owned(), OCI_MANIFEST, "no config"),
        (
            r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(),
            OCI_MANIFEST,
            "no list",
        ),
        (
            format!(r#"{{"schemaVersion":2,"config":{config}}}"#),
            OCI_INDEX,
            "neither config",
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#),
            DOCKER_INDEX,
            "but the manifest says",
        ),
        (
            r#"{"schemaVersion":2}"#.to_owned(),
            "text/plain",
            "not the media type",
        ),
        (
            format!(r#"{{"schemaVersion":2,"config":{{"digest":"{EMPTY}","size":-1}}}}"#),
            OCI_MANIFEST,
            "cannot be read",
        ),
    ] {
        let error = Manifest::parse(text.as_bytes(), Some(declared)).unwrap_err();
        assert!(error.contains(sentence), "{text}: {error}");
    }
}
