use super::*;
use crate::cache::Key;

fn view(files: &[(&str, &str)]) -> (tempfile::TempDir, View) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let view = View::new(&[directory.path().to_owned()]);
    (directory, view)
}

fn names(view: &View, sources: &[&str]) -> Vec<String> {
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    match select(view, &sources).unwrap() {
        Selection::Picked(picked) => picked
            .iter()
            .map(|one| one.name.to_string_lossy().into_owned())
            .collect(),
        Selection::Missing(number) => vec![format!("missing {number}")],
    }
}

fn key(view: &View, source: &str, ownership: Ownership) -> Key {
    let Selection::Picked(picked) = select(view, &[source.to_owned()]).unwrap() else {
        panic!("{source}")
    };
    let mut key = KeyBuilder::new("test", &[]);
    digest(&mut key, &picked, ownership).unwrap();
    key.finish()
}

#[test]
fn sources_are_paths_or_patterns() {
    let (_directory, view) = view(&[("a.txt", ""), ("b.txt", ""), ("d/a.txt", ""), ("d/e/f", "")]);
    assert_eq!(names(&view, &["a.txt", "/d/e"]), ["a.txt", "e"]);
    assert_eq!(names(&view, &["*.txt"]), ["a.txt", "b.txt"]);
    assert_eq!(names(&view, &["d/*"]), ["a.txt", "e"]);
    assert_eq!(names(&view, &["."]), [""]);
    assert_eq!(names(&view, &["../../a.txt"]), ["a.txt"]);
    assert_eq!(names(&view, &["a.txt", "none"]), ["missing 1"]);
    assert_eq!(names(&view, &["*.go"]), ["missing 0"]);
}

#[test]
fn a_key_depends_on_content_not_on_time_or_owner() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let fixed = Ownership::Fixed(crate::user::Owner { user: 0, group: 0 });
    let (directory, one) = view(&[("d/a", "1"), ("d/b", "2")]);
    let (_other, same) = view(&[("d/a", "1"), ("d/b", "2")]);
    let (_third, different) = view(&[("d/a", "2"), ("d/b", "1")]);
    assert_eq!(key(&one, "d", fixed), key(&same, "d", fixed));
    assert_ne!(key(&one, "d", fixed), key(&different, "d", fixed));
    chown(directory.path().join("d/a"), Some(7), Some(7)).unwrap();
    assert_eq!(key(&one, "d", fixed), key(&same, "d", fixed));
    assert_ne!(key(&one, "d", Ownership::Keep), key(&same, "d", Ownership::Keep));
    fs::set_permissions(directory.path().join("d/a"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_ne!(key(&one, "d", fixed), key(&same, "d", fixed));
}
