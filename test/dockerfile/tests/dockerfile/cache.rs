//! What the cache takes for the same.

use std::fs;

use contract::image::{BuildRequest, BuildSecret};

use crate::tests;
use crate::yard::{Test, Yard};

pub const TESTS: &[Test] = tests![
    times_do_not_count_and_content_does,
    an_argument_counts_only_after_its_line,
    what_a_mount_brings_counts,
    documents_and_modes_count,
    a_link_layer_does_not_ask_what_is_below,
    excluded_files_do_not_count,
    caches_of_commands_are_kept_from_build_to_build,
];

fn plain() -> BuildRequest {
    BuildRequest::default()
}

fn argument(name: &str, value: &str) -> BuildRequest {
    BuildRequest {
        build_args: vec![(name.to_owned(), Some(value.to_owned()))],
        ..BuildRequest::default()
    }
}

fn times_do_not_count_and_content_does(yard: &Yard) {
    let folder = yard.folder(
        "app",
        &[
            (
                "Dockerfile",
                "FROM busybox:1.35\nCOPY src /src/\nRUN cat /src/a > /b\n",
            ),
            ("src/a", "1"),
        ],
    );
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    let file = fs::File::options()
        .write(true)
        .open(folder.join("src/a"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(yard.cached(&folder, plain()), [true, true]);
    fs::write(folder.join("src/a"), "2").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    // What is not copied does not count.
    fs::write(folder.join("other"), "x").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [true, true]);
    fs::rename(folder.join("src/a"), folder.join("src/c")).unwrap();
    let built = yard.build(&folder, plain());
    assert!(
        built.result.unwrap_err().contains("exit code 1"),
        "a name counts: {}",
        built.text
    );
}

fn an_argument_counts_only_after_its_line(yard: &Yard) {
    let dockerfile = "ARG BASE=1.35\nFROM busybox:${BASE}\nRUN echo before > /1\nARG A=1\nRUN echo \"$A\" > /2\nENV B=$A\n";
    let folder = yard.folder("app", &[("Dockerfile", dockerfile)]);
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    assert_eq!(yard.cached(&folder, argument("A", "1")), [true, true]);
    assert_eq!(yard.cached(&folder, argument("A", "2")), [true, false]);
    // A proxy is none of the image's business.
    assert_eq!(
        yard.cached(&folder, argument("http_proxy", "http://x")),
        [true, true]
    );
}

fn what_a_mount_brings_counts(yard: &Yard) {
    let dockerfile = "FROM busybox:1.35\nRUN --mount=type=bind,source=in,target=/in cat /in/a > /a\nRUN --mount=type=secret,id=s cat /run/secrets/s > /s || true\n";
    let folder = yard.folder("app", &[("Dockerfile", dockerfile), ("in/a", "1"), ("out", "1")]);
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    fs::write(folder.join("out"), "2").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [true, true]);
    fs::write(folder.join("in/a"), "2").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    // As BuildKit has it: a secret changes nothing.
    let with_secret = BuildRequest {
        secrets: vec![BuildSecret {
            id: "s".to_owned(),
            value: "x".into(),
        }],
        ..plain()
    };
    assert_eq!(yard.cached(&folder, with_secret), [true, true]);
}

fn documents_and_modes_count(yard: &Yard) {
    let dockerfile = |body: &str, mode: &str| {
        format!(
            "FROM busybox:1.35\nCOPY --chmod={mode} <<EOF /x\n{body}\nEOF\nRUN <<EOF\n#!/bin/sh\necho {body}\nEOF\n"
        )
    };
    let folder = yard.folder("app", &[("Dockerfile", &dockerfile("a", "600"))]);
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    assert_eq!(yard.cached(&folder, plain()), [true, true]);
    fs::write(folder.join("Dockerfile"), dockerfile("b", "600")).unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    fs::write(folder.join("Dockerfile"), dockerfile("b", "u+x")).unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
}

fn a_link_layer_does_not_ask_what_is_below(yard: &Yard) {
    let dockerfile = |before: &str| format!("FROM busybox:1.35\nRUN echo {before} > /x\nCOPY --link a /a\n");
    let folder = yard.folder("app", &[("Dockerfile", &dockerfile("1")), ("a", "a")]);
    assert_eq!(yard.cached(&folder, plain()), [false, false]);
    fs::write(folder.join("Dockerfile"), dockerfile("2")).unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false, true]);
}

fn excluded_files_do_not_count(yard: &Yard) {
    let folder = yard.folder(
        "app",
        &[
            (
                "Dockerfile",
                "FROM busybox:1.35\nCOPY --exclude=**/*.log --exclude=Dockerfile . /all/\n",
            ),
            ("a", "a"),
            ("sub/x.log", "1"),
        ],
    );
    assert_eq!(yard.cached(&folder, plain()), [false]);
    fs::write(folder.join("sub/x.log"), "2").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [true]);
    fs::write(folder.join("sub/y"), "2").unwrap();
    assert_eq!(yard.cached(&folder, plain()), [false]);
}

fn caches_of_commands_are_kept_from_build_to_build(yard: &Yard) {
    let dockerfile = "FROM busybox:1.35\nARG RUN=1\nRUN --mount=type=cache,target=/c echo $RUN >> /c/log && cp /c/log /log\n";
    let folder = yard.folder("app", &[("Dockerfile", dockerfile)]);
    let log = |request: BuildRequest| {
        let digest = yard.build(&folder, request).result.unwrap();
        let layers = yard.runtime.block_on(yard.workshop.layers(&digest)).unwrap();
        fs::read_to_string(layers.last().unwrap().join("log")).unwrap()
    };
    assert_eq!(log(plain()), "1\n");
    assert_eq!(log(argument("RUN", "2")), "1\n2\n");
    // Its content is no part of a step's key.
    assert_eq!(log(plain()), "1\n");
}
