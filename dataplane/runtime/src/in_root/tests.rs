use std::os::unix::fs::symlink;

use super::*;

fn root(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("wharf-in-root-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(root.join("etc")).unwrap();
    root
}

#[test]
fn links_do_not_lead_out() {
    let path = root("out");
    symlink("/../../../../etc/hostname", path.join("etc/passwd")).unwrap();
    symlink("/etc", path.join("out")).unwrap();
    let inside = InRoot::open(&path).unwrap();
    assert_eq!(
        inside.read("/etc/passwd", 100).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    std::fs::write(path.join("etc/hostname"), "inner").unwrap();
    assert_eq!(inside.read("/etc/passwd", 100).unwrap(), "inner");
    inside.make_directory(Path::new("/out/deep/er")).unwrap();
    assert!(path.join("etc/deep/er").is_dir());
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn targets_are_made_and_taken_back_only_while_empty() {
    let path = root("targets");
    symlink("../run/resolve/stub.conf", path.join("etc/resolv.conf")).unwrap();
    let inside = InRoot::open(&path).unwrap();
    let made = inside.make_target(Path::new("/etc/resolv.conf"), false).unwrap();
    assert_eq!(
        made,
        [
            PathBuf::from("/run"),
            PathBuf::from("/run/resolve"),
            PathBuf::from("/run/resolve/stub.conf")
        ]
    );
    assert!(
        inside
            .make_target(Path::new("/etc/resolv.conf"), false)
            .unwrap()
            .is_empty()
    );
    std::fs::write(path.join("run/kept"), "").unwrap();
    for made in made.iter().rev() {
        inside.remove_if_empty(made);
    }
    assert!(path.join("run/kept").exists() && !path.join("run/resolve").exists());
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_pipe_is_not_waited_for() {
    let path = root("pipe");
    nix::unistd::mkfifo(&path.join("etc/passwd"), Mode::from_bits_truncate(0o644)).unwrap();
    let inside = InRoot::open(&path).unwrap();
    assert_eq!(
        inside.read("/etc/passwd", 100).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn directories_are_made_behind_links_to_what_is_not_there() {
    let path = root("dangling");
    symlink("../run", path.join("etc/run")).unwrap();
    symlink("../../../../elsewhere", path.join("etc/out")).unwrap();
    let inside = InRoot::open(&path).unwrap();
    let made = inside.make_directory(Path::new("/etc/run/web")).unwrap();
    assert_eq!(made[0], PathBuf::from("/run"));
    assert!(path.join("run/web").is_dir());
    inside.make_directory(Path::new("/etc/out/in")).unwrap();
    assert!(path.join("elsewhere/in").is_dir());
    assert_eq!(
        inside.resolve(Path::new("/etc/run/web")).unwrap(),
        Path::new("/run/web")
    );
    assert!(inside.has_links(Path::new("etc/run")) && inside.has_links(Path::new("etc/run/web")));
    assert!(!inside.has_links(Path::new("run/web/none")));
    std::fs::remove_dir_all(path).unwrap();
}
