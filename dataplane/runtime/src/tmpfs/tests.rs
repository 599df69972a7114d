use super::*;

fn asked(options: &[&str]) -> Tmpfs {
    Tmpfs {
        path: "/scratch".to_owned(),
        size_mib: 3,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    }
}

#[test]
fn options_follow_the_defaults_and_the_size_is_always_there() {
    let memory = resolve(&asked(&["exec", "mode=1770", "rprivate"])).unwrap();
    assert_eq!(
        memory.options,
        ["noexec", "nosuid", "nodev", "exec", "mode=1770", "size=3m"]
    );
}

#[test]
fn what_would_mount_something_else_is_refused() {
    for option in ["bind", "rbind", "remount", "shared", "size=9g", "mode=", "huge"] {
        assert_eq!(
            resolve(&asked(&[option])).err().unwrap(),
            format!("invalid tmpfs option {option:?}")
        );
    }
    let mut inside = asked(&[]);
    inside.path = "/proc/1".to_owned();
    assert!(resolve(&inside).is_err());
}
