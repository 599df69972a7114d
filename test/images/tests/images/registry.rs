//! The registry, by skopeo and by hand.

use test_images::PASSWORD;

use crate::bench::{Bench, Test};
use crate::tests;

pub const TESTS: &[Test] = tests![
    skopeo_copies_in_and_out,
    uploads_come_in_pieces,
    what_is_wrong_is_refused_with_its_code,
    blobs_are_served_in_ranges,
    lists_come_in_pages,
    images_come_through_a_mirror,
];

fn user() -> String {
    format!("AWS:{PASSWORD}")
}

fn skopeo_copies_in_and_out(bench: &mut Bench) {
    bench.busybox();
    bench.service.catalog.create("deep/er/busybox", false);
    let archive = bench.path("in.tar");
    bench
        .docker(&["save", "-o", archive.to_str().unwrap(), "busybox:1.35"])
        .ok();
    let (from, to) = (
        format!("docker-archive:{}", archive.display()),
        format!("docker://{}", bench.image("deep/er/busybox:1")),
    );
    bench
        .skopeo(&[
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            &user(),
            &from,
            &to,
        ])
        .ok();
    let out = format!("dir:{}", bench.path("out").display());
    bench
        .skopeo(&[
            "copy",
            "--src-tls-verify=false",
            "--src-creds",
            &user(),
            &to,
            &out,
        ])
        .ok();
    let inspected = bench
        .skopeo(&["inspect", "--tls-verify=false", "--creds", &user(), &to])
        .ok();
    assert!(
        inspected.contains("\"RepoTags\": [\n        \"1\"\n    ]"),
        "{inspected}"
    );
    bench
        .skopeo(&["delete", "--tls-verify=false", "--creds", &user(), &to])
        .ok();
    bench
        .skopeo(&["inspect", "--tls-verify=false", "--creds", &user(), &to])
        .fails();
    let refused = format!("docker://{}", bench.image("not/made:1"));
    let text = bench
        .skopeo(&[
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            &user(),
            &from,
            &refused,
        ])
        .fails();
    assert!(text.contains("does not exist in the registry"), "{text}");
}

fn uploads_come_in_pieces(bench: &mut Bench) {
    bench.service.catalog.create("web", false);
    let begin = bench
        .curl(&[
            "-i",
            "-u",
            &user(),
            "-X",
            "POST",
            &bench.url("web/blobs/uploads/"),
        ])
        .ok();
    assert!(begin.starts_with("HTTP/1.1 202"), "{begin}");
    let location = header(&begin, "location");
    assert!(location.starts_with("/v2/web/blobs/uploads/"), "{location}");
    let url = format!("http://{}{location}", bench.service.registry);
    let piece = |range: &str, content: &str| {
        bench
            .curl(&[
                "-i",
                "-u",
                &user(),
                "-X",
                "PATCH",
                "-H",
                &format!("Content-Range: {range}"),
                "--data-binary",
                content,
                &url,
            ])
            .ok()
    };
    assert_eq!(header(&piece("0-2", "hel"), "range"), "0-2");
    assert!(piece("7-8", "lo").starts_with("HTTP/1.1 416"));
    assert_eq!(header(&piece("3-4", "lo"), "range"), "0-4");
    let status = bench.curl(&["-i", "-u", &user(), &url]).ok();
    assert!(
        status.starts_with("HTTP/1.1 204") && header(&status, "range") == "0-4",
        "{status}"
    );
    let digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let end = bench
        .curl(&[
            "-i",
            "-u",
            &user(),
            "-X",
            "PUT",
            &format!("{url}?digest={digest}"),
        ])
        .ok();
    assert!(end.starts_with("HTTP/1.1 201"), "{end}");
    assert_eq!(header(&end, "docker-content-digest"), digest);
    assert_eq!(
        bench
            .curl(&["-u", &user(), &bench.url(&format!("web/blobs/{digest}"))])
            .ok(),
        "hello"
    );
    let mounted = bench
        .curl(&[
            "-i",
            "-u",
            &user(),
            "-X",
            "POST",
            &bench.url(&format!("web/blobs/uploads/?mount={digest}&from=web")),
        ])
        .ok();
    assert!(mounted.starts_with("HTTP/1.1 201"), "{mounted}");
}

fn what_is_wrong_is_refused_with_its_code(bench: &mut Bench) {
    bench.service.catalog.create("web", true);
    let anonymous = bench.curl(&["-i", &bench.url("")]).ok();
    assert!(
        anonymous.starts_with("HTTP/1.1 401")
            && header(&anonymous, "www-authenticate").starts_with("Basic realm=")
    );
    let manifest = |digest: &str| {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":2}},"layers":[]}}"#
        )
    };
    let put = |reference: &str, body: &str| {
        let kind = "Content-Type: application/vnd.oci.image.manifest.v1+json";
        bench
            .curl(&[
                "-u",
                &user(),
                "-X",
                "PUT",
                "-H",
                kind,
                "--data-binary",
                body,
                &bench.url(&format!("web/manifests/{reference}")),
            ])
            .ok()
    };
    let missing = format!("sha256:{}", "0".repeat(64));
    assert!(put("1", &manifest(&missing)).contains("MANIFEST_BLOB_UNKNOWN"));
    assert!(put("1", "{").contains("MANIFEST_INVALID"));
    let large = bench.path("large");
    std::fs::write(&large, " ".repeat(5 << 20)).unwrap();
    assert!(put("1", &format!("@{}", large.display())).contains("at most 4194304 bytes"));
    let blob = |content: &str| {
        let store = &bench.service.store;
        let digest = store.put(content.as_bytes()).unwrap().to_string();
        bench.service.catalog.give("web", &digest);
        digest
    };
    let (first, second) = (manifest(&blob("{}")), manifest(&blob("[]")));
    assert!(put("-x", &first).contains("TAG_INVALID"));
    assert!(put(&missing, &first).contains("DIGEST_INVALID"));
    assert_eq!(put("1", &first), "");
    assert_eq!(put("1", &first), "", "the same again is no change");
    assert!(
        put("1", &second).contains("TAG_INVALID"),
        "the repository is immutable"
    );
    for (path, code) in [
        ("none/manifests/1", "NAME_UNKNOWN"),
        ("Upper/manifests/1", "NAME_INVALID"),
        ("web/manifests/2", "MANIFEST_UNKNOWN"),
        (&format!("web/blobs/{missing}"), "BLOB_UNKNOWN"),
        ("web/blobs/sha256:zz", "DIGEST_INVALID"),
        ("web/blobs/uploads/0123", "BLOB_UPLOAD_UNKNOWN"),
        ("none/tags/list", "NAME_UNKNOWN"),
        ("web/tags/list?n=x", "PAGINATION_NUMBER_INVALID"),
        ("web/other", "UNSUPPORTED"),
    ] {
        let text = bench.curl(&["-u", &user(), &bench.url(path)]).ok();
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{path}: {text}");
    }
}

fn blobs_are_served_in_ranges(bench: &mut Bench) {
    bench.service.catalog.create("web", false);
    let digest = bench.service.store.put(b"0123456789").unwrap();
    bench.service.catalog.give("web", digest.as_str());
    let url = bench.url(&format!("web/blobs/{digest}"));
    let get = |range: &str| {
        bench
            .curl(&["-i", "-u", &user(), "-H", &format!("Range: {range}"), &url])
            .ok()
    };
    let part = get("bytes=2-4");
    assert!(
        part.starts_with("HTTP/1.1 206") && part.ends_with("\r\n\r\n234"),
        "{part}"
    );
    assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
    assert!(get("bytes=8-").ends_with("\r\n\r\n89"));
    assert!(get("bytes=-3").ends_with("\r\n\r\n789"));
    assert!(get("bytes=10-11").starts_with("HTTP/1.1 416"));
    assert!(get("lines=1-2").ends_with("\r\n\r\n0123456789"));
    let head = bench.curl(&["-I", "-u", &user(), &url]).ok();
    assert_eq!(header(&head, "content-length"), "10");
}

fn lists_come_in_pages(bench: &mut Bench) {
    for name in ["a/1", "b", "c"] {
        bench.service.catalog.create(name, false);
    }
    let first = bench
        .curl(&["-i", "-u", &user(), &bench.url("_catalog?n=2")])
        .ok();
    assert!(first.ends_with(r#"{"repositories":["a/1","b"]}"#), "{first}");
    let next = header(&first, "link");
    assert_eq!(next, "</v2/_catalog?n=2&last=b>; rel=\"next\"");
    let second = bench
        .curl(&["-i", "-u", &user(), &bench.url("_catalog?n=2&last=b")])
        .ok();
    assert!(
        second.ends_with(r#"{"repositories":["c"]}"#) && !second.contains("link:"),
        "{second}"
    );
}

fn header(response: &str, name: &str) -> String {
    let found = response.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no {name} in\n{response}"))
}

fn images_come_through_a_mirror(bench: &mut Bench) {
    bench.busybox();
    bench.service.catalog.create("library/busybox", false);
    bench.login();
    let remote = bench.image("library/busybox:1.35");
    bench.docker(&["tag", "busybox:1.35", &remote]).ok();
    bench.docker(&["push", &remote]).ok();
    let wanted = bench.service.store.find("busybox:1.35").unwrap();

    let elsewhere = bench.elsewhere();
    let folder = elsewhere.folder("app", &[("Dockerfile", "FROM busybox:1.35\nRUN true\n")]);
    let text = elsewhere.build(&folder, &[]).ok();
    assert!(text.contains("Pull complete"), "{text}");
    assert_eq!(elsewhere.service.store.find("busybox:1.35").unwrap(), wanted);
    // What is here is not asked for again.
    let text = elsewhere.build(&folder, &[]).ok();
    assert!(!text.contains("Pull") && text.contains("CACHED"), "{text}");
}
