use std::os::unix::fs::symlink;

use super::*;

#[test]
fn everything_of_a_directory_is_copied() {
    let place = std::env::temp_dir().join(format!("wharf-fill-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    let (from, to) = (place.join("from"), place.join("to"));
    fs::create_dir_all(from.join("deep")).unwrap();
    fs::create_dir(&to).unwrap();
    fs::write(from.join("deep/file"), "content").unwrap();
    fs::set_permissions(from.join("deep/file"), fs::Permissions::from_mode(0o4750)).unwrap();
    fs::hard_link(from.join("deep/file"), from.join("twin")).unwrap();
    symlink("/etc/passwd", from.join("link")).unwrap();
    nix::unistd::mkfifo(&from.join("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
    fs::set_permissions(&from, fs::Permissions::from_mode(0o1777)).unwrap();

    fill(&from, &to).unwrap();

    assert_eq!(fs::read_to_string(to.join("twin")).unwrap(), "content");
    let file = fs::metadata(to.join("deep/file")).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o4750);
    assert_eq!(file.ino(), fs::metadata(to.join("twin")).unwrap().ino());
    assert_eq!(
        file.mtime_nsec(),
        fs::metadata(from.join("twin")).unwrap().mtime_nsec()
    );
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/etc/passwd"));
    assert_eq!(fs::metadata(&to).unwrap().mode() & 0o7777, 0o1777);
    assert_eq!(
        fs::metadata(to.join("pipe")).unwrap().mode() & SFlag::S_IFMT.bits(),
        SFlag::S_IFIFO.bits()
    );
    fs::remove_dir_all(place).unwrap();
}
