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
    match select(view, &sources, &Wanted::default()).unwrap() {
        Selection::Picked(picked) => picked
            .iter()
            .map(|one| one.name.to_string_lossy().into_owned())
            .collect(),
        Selection::Missing(number) => vec![format!("missing {number}")],
    }
}

fn key(view: &View, source: &str, ownership: Ownership) -> Key {
    let Selection::Picked(picked) = select(view, &[source.to_owned()], &Wanted::default()).unwrap() else {
        panic!("{source}")
    };
    let mut key = KeyBuilder::new("test", &[]);
    digest(&mut key, &picked, ownership, &Ignore::default()).unwrap();
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

#[test]
fn parents_keep_what_leads_to_a_source() {
    let (_directory, view) = view(&[("x/a.txt", ""), ("x/y/b.txt", ""), ("x/y/c.md", ""), ("z", "")]);
    let wanted = Wanted {
        parents: true,
        excludes: Ignore::of(&["b*".to_owned()]).unwrap(),
    };
    let found = |source: &str, wanted: &Wanted| match select(&view, &[source.to_owned()], wanted).unwrap() {
        Selection::Picked(picked) => picked.iter().map(|one| text(&one.name)).collect::<Vec<_>>(),
        Selection::Missing(_) => vec!["missing".to_owned()],
    };
    let plain = Wanted {
        excludes: Ignore::default(),
        ..wanted.clone()
    };
    assert_eq!(found("./x/a.txt", &plain), ["x/a.txt"]);
    assert_eq!(found("x/./y/b.txt", &plain), ["y/b.txt"]);
    assert_eq!(found("x/**/*.txt", &plain), ["x/a.txt", "x/y/b.txt"]);
    assert_eq!(found("x/**/*.txt", &wanted), ["x/a.txt"]);
    assert_eq!(found("x/*/*", &plain), ["x/y/b.txt", "x/y/c.md"]);
    assert_eq!(found("x/**/*.go", &plain), ["missing"]);
    // All are left out, but they are there.
    assert!(found("x/y/b.txt", &wanted).is_empty());
}

#[test]
fn what_is_left_out_does_not_count() {
    let fixed = Ownership::Fixed(crate::user::Owner { user: 0, group: 0 });
    let key = |files: &[(&str, &str)], exclude: &str| {
        let (_directory, view) = view(files);
        let Selection::Picked(picked) = select(&view, &["d".to_owned()], &Wanted::default()).unwrap() else {
            panic!()
        };
        let mut key = KeyBuilder::new("test", &[]);
        digest(
            &mut key,
            &picked,
            fixed,
            &Ignore::of(&[exclude.to_owned()]).unwrap(),
        )
        .unwrap();
        key.finish()
    };
    let (one, two) = ([("d/a", "1"), ("d/e/b", "1")], [("d/a", "1"), ("d/e/b", "2")]);
    assert_eq!(key(&one, "**/b"), key(&two, "**/b"));
    assert_eq!(key(&one, "e"), key(&two, "e"));
    assert_ne!(key(&one, "c"), key(&two, "c"));
}
