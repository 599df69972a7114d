use super::*;

/// What `chmod` of coreutils makes of the same.
#[test]
fn symbolic_modes_are_those_of_chmod() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let folder = directory.path().join("folder");
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir(&folder).unwrap();
    for text in [
        "u=rwX,go=rX",
        "a+x",
        "+x",
        "+w",
        "go-rwx",
        "u+s,g+s",
        "+t",
        "a=",
        "u=g",
        "g=u,o-x",
        "ug+rw-x",
        "o=rwx,o-w",
        "=r",
        "755",
        "0640",
        "u-s",
    ] {
        for before in [0o644, 0o755, 0o600, 0o4711] {
            for (path, is_directory) in [(&file, false), (&folder, true)] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(before)).unwrap();
                let status = std::process::Command::new("sh")
                    .arg("-c")
                    .arg(format!("umask 022; chmod {text} {}", path.display()))
                    .status();
                assert!(status.unwrap().success(), "{text}");
                let expected = std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
                let found = Change::parse(text).unwrap().apply(before, is_directory);
                // Octal digits of chmod leave a directory's set-user-id bit alone; Docker's do not.
                if !(text.starts_with(|c: char| c.is_ascii_digit()) && is_directory) {
                    assert_eq!(found, expected, "{text} on {before:o}, directory: {is_directory}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_mode_is_none() {
    for text in [
        "", "8", "77777", "u", "x=r", "u=rz", "u=gr", "rw", "-1", "u=r,", "0x1",
    ] {
        assert_eq!(Change::parse(text), None, "{text}");
    }
}
