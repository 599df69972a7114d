use super::*;

fn linux(add: &[&str], drop: &[&str]) -> Linux {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Linux {
        capabilities_add: owned(add),
        capabilities_drop: owned(drop),
        ..Linux::default()
    }
}

fn everything() -> Capabilities {
    Capabilities((0..NAMES.len() as u8).collect())
}

fn names(add: &[&str], drop: &[&str]) -> Vec<String> {
    resolve(&linux(add, drop), &everything()).unwrap().0.names()
}

#[test]
fn numbers_are_the_kernels() {
    for (name, known) in [
        ("CHOWN", 0),
        ("NET_ADMIN", 12),
        ("SYS_ADMIN", 21),
        ("SETFCAP", 31),
        ("CHECKPOINT_RESTORE", 40),
    ] {
        assert_eq!(number(name), Some(known), "{name}");
    }
}

#[test]
fn what_is_asked_for_changes_the_default_set() {
    assert_eq!(
        Capabilities::docker().names(),
        names(&[], &[]),
        "nothing asked for, nothing changed"
    );
    assert_eq!(
        names(&["NET_ADMIN", "cap_chown"], &["ALL"]),
        ["CAP_CHOWN", "CAP_NET_ADMIN"]
    );
    assert!(!names(&[], &["NET_RAW"]).contains(&"CAP_NET_RAW".to_owned()));
    let all = names(&["ALL"], &["SYS_ADMIN"]);
    assert!(all.contains(&"CAP_SYS_TIME".to_owned()) && !all.contains(&"CAP_SYS_ADMIN".to_owned()));
    // Dropped first, then added.
    assert!(names(&["KILL"], &["KILL"]).contains(&"CAP_KILL".to_owned()));
}

#[test]
fn what_is_not_there_is_said() {
    let mut own = everything();
    own.0.remove(&number("SYS_RESOURCE").unwrap());
    let (set, notes) = resolve(&linux(&["SYS_RESOURCE"], &[]), &own).unwrap();
    assert!(!set.has("SYS_RESOURCE"));
    assert_eq!(
        notes,
        ["capability SYS_RESOURCE was not given: this machine does not have it itself"]
    );
    let (_, notes) = resolve(&linux(&["ALL"], &[]), &own).unwrap();
    assert!(notes.is_empty(), "all is all there is");
    assert_eq!(
        resolve(&linux(&["FLY"], &[]), &own).unwrap_err(),
        "unknown capability: \"FLY\""
    );
}
