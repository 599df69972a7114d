//! Disks of hosts: laid out once, and never a way out of them.

use super::*;

fn empty(name: &str) -> PathBuf {
    let disk = std::env::temp_dir().join(format!("wharf-machine-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&disk);
    fs::create_dir_all(&disk).unwrap();
    disk
}

fn disk(name: &str) -> PathBuf {
    let disk = empty(name);
    lay_out(&disk).unwrap();
    disk
}

#[test]
fn a_disk_is_laid_out_once_and_keeps_what_its_host_wrote() {
    let disk = disk("once");
    let root = root_of(&disk);
    fs::write(root.join("etc/ecs/ecs.config"), "ECS_CLUSTER=web\n").unwrap();
    lay_out(&disk).unwrap();
    assert_eq!(
        fs::read_to_string(root.join("etc/ecs/ecs.config")).unwrap(),
        "ECS_CLUSTER=web\n"
    );
    let mode = fs::metadata(root.join("tmp")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777);
}

#[test]
fn half_a_layout_is_thrown_away() {
    let disk = empty("half");
    fs::create_dir_all(root_of(&disk).join("etc")).unwrap();
    lay_out(&disk).unwrap();
    assert!(root_of(&disk).join("var/lib/ecs/data").is_dir());
}

#[test]
fn the_machines_programs_cannot_be_changed_from_inside() {
    let disk = disk("binds");
    let root = InRoot::open(&root_of(&disk)).unwrap();
    let binds = binds(&disk, &root).unwrap();
    assert!(binds.iter().all(|bind| bind.readonly));
    assert!(binds.iter().any(|bind| bind.target == Path::new("/usr")));
    assert!(binds.iter().any(|bind| bind.target == Path::new(OWN_PROGRAM)));
    let secret = |bind: &Bind| bind.source.starts_with("/root") || bind.source.starts_with("/etc/shadow");
    assert!(!binds.iter().any(secret));
}

#[test]
fn paths_of_a_host_stay_on_its_disk() {
    let disk = disk("paths");
    let root = root_of(&disk);
    symlink("/etc/shadow", root.join("srv/link")).unwrap();
    symlink("../../../../../../..", root.join("srv/up")).unwrap();
    assert_eq!(
        path_of(&disk, Path::new("/srv/data")).unwrap(),
        root.join("srv/data")
    );
    assert!(root.join("srv/data").is_dir());
    assert!(path_of(&disk, Path::new("/srv/link")).unwrap().starts_with(&root));
    assert!(path_of(&disk, Path::new("/srv/up/x")).unwrap().starts_with(&root));
    assert_eq!(path_of(&disk, Path::new("/proc")).unwrap(), Path::new("/proc"));
}
