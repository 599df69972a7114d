use super::*;

fn list(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn entry_point_and_command_merge_like_docker() {
    let image = ImageDefaults {
        entry_point: list("entry"),
        command: list("a b"),
        ..Default::default()
    };
    let run = |entry: Option<&str>, command: Option<&str>| {
        arguments(&image, entry.map(list).as_deref(), command.map(list).as_deref())
            .unwrap()
            .join(" ")
    };
    assert_eq!(run(None, None), "entry a b");
    assert_eq!(run(None, Some("c")), "entry c");
    assert_eq!(run(Some("other"), None), "other");
    assert_eq!(run(Some("other"), Some("c d")), "other c d");
    assert_eq!(run(Some(""), Some("")), "entry a b");
    assert!(arguments(&ImageDefaults::default(), None, None).is_err());
}
