use super::*;

fn parsed(method: &str, path: &str) -> Result<Route, Refusal> {
    parse(&method.parse().unwrap(), &path.parse().unwrap())
}

#[test]
fn names_have_slashes_and_may_look_like_paths() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let blob = parsed("HEAD", &format!("/v2/a/blobs/c/blobs/{digest}")).unwrap();
    assert_eq!(
        blob,
        Route::Blob {
            repository: "a/blobs/c".to_owned(),
            digest: digest.clone(),
            action: BlobAction::Head
        }
    );
    let encoded = parsed("GET", &format!("/v2/a/manifests/sha256%3A{}", "0".repeat(64))).unwrap();
    assert!(
        matches!(encoded, Route::Manifest { reference, action: ManifestAction::Get, .. } if reference == digest)
    );
    assert!(matches!(parsed("GET", "/v2/"), Ok(Route::Base)));
    // Plus signs of media types come as they are, or encoded.
    for kind in ["application/x+json", "application%2Fx%2Bjson"] {
        let listed = parsed("GET", &format!("/v2/a/b/referrers/{digest}?artifactType={kind}")).unwrap();
        assert!(
            matches!(&listed, Route::Referrers { artifact_type: Some(found), .. } if found == "application/x+json"),
            "{listed:?}"
        );
    }
    assert!(matches!(
        parsed("PUT", "/v2/a/manifests/sha256:0?tag=1&tag=2"),
        Ok(Route::Manifest { action: ManifestAction::Put { tags }, .. }) if tags == ["1", "2"]
    ));
    assert!(matches!(
        parsed("POST", "/v2/a/blobs/uploads/?mount=x&from=y"),
        Ok(Route::UploadBegin {
            begin: Begin::Mount { from: Some(_), .. },
            ..
        })
    ));
    assert!(matches!(
        parsed("PATCH", "/v2/a/b/blobs/uploads/12"),
        Ok(Route::Upload {
            action: UploadAction::Append,
            ..
        })
    ));
}

#[test]
fn what_means_nothing_is_refused() {
    for (method, path) in [
        ("POST", "/v2/"),
        ("PATCH", "/v2/a/blobs/sha256:0"),
        ("POST", "/v2/a/blobs/uploads/?digest-algorithm=md5"),
        ("POST", "/v2/a/referrers/sha256:0"),
        ("PUT", "/v2/a/blobs/uploads/12"),
        ("GET", "/v2/A/tags/list"),
        ("GET", "/v2/a..b/tags/list"),
        ("GET", "/v2/a//b/tags/list"),
        ("GET", "/v2/-a/tags/list"),
        ("GET", "/v2//tags/list"),
        ("GET", "/v2/a/nothing"),
        ("GET", "/v2/a/tags/list?n=-1"),
    ] {
        assert!(parsed(method, path).is_err(), "{method} {path}");
    }
    assert!(parsed("GET", &format!("/v2/{}/tags/list", "a".repeat(257))).is_err());
}
