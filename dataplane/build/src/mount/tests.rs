use super::*;

#[test]
fn sizes_are_dockers() {
    for (text, bytes) in [
        ("4096", Some(4096)),
        ("64k", Some(65_536)),
        ("100MB", Some(104_857_600)),
        ("1GiB", Some(1 << 30)),
        ("2g", Some(2 << 30)),
        ("", None),
        ("0", None),
        ("x", None),
        ("-1", None),
        ("99999999999999g", None),
    ] {
        assert_eq!(parse_size(text), bytes, "{text}");
    }
}

#[test]
fn a_secret_is_readable_to_nobody_else_from_the_first_byte() {
    use std::os::unix::fs::MetadataExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let owner = Owner { user: 7, group: 8 };
    write_secret(&path, b"x", 0o440, owner).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (7, 8, 0o440));
    assert!(write_secret(&path, b"y", 0o440, owner).is_err());
}
