use super::{Kind, Node, load};
use crate::value::Value;

fn loaded(text: &str) -> Node {
    let mut problems = Vec::new();
    let node = load(text, &mut problems);
    assert_eq!(problems, [], "{text:?}");
    node.unwrap()
}

fn child<'a>(node: &'a Node, name: &str) -> &'a Node {
    let Kind::Map(entries) = &node.kind else {
        panic!("{node:?} is no mapping");
    };
    &entries.iter().find(|(key, _)| key.text == name).unwrap().1
}

#[test]
fn places_are_bytes_of_the_file() {
    let text = "ä: 'ö'\nlist:\n  - ü ü\n  - b: |\n      one\n      zwö\n\n\nend: x\n";
    let root = loaded(text);
    assert_eq!(&text[child(&root, "ä").span.clone()], "'ö'");
    assert_eq!(&text[child(&root, "end").span.clone()], "x");
    let list = child(&root, "list");
    let Kind::List(items) = &list.kind else {
        panic!("no list");
    };
    assert_eq!(&text[items[0].span.clone()], "ü ü");
    assert!(text[list.span.clone()].ends_with("zwö"));
    let block = &text[child(&items[1], "b").span.clone()];
    assert!(block.ends_with("one\n      zwö"), "{block:?}");
    let Kind::Map(entries) = &root.kind else {
        panic!("no mapping");
    };
    assert_eq!(&text[entries[2].0.span.clone()], "end");
}

#[test]
fn a_mark_at_the_beginning_is_no_part_of_the_text() {
    let text = "\u{feff}on: push\n";
    let root = loaded(text);
    assert_eq!(&text[child(&root, "on").span.clone()], "push");
}

#[test]
fn plain_scalars_have_types() {
    for (written, wanted) in [
        ("~", Value::Null),
        ("null", Value::Null),
        ("True", Value::Bool(true)),
        ("yes", Value::from("yes")),
        ("on", Value::from("on")),
        ("0x1F", Value::Number(31.0)),
        ("0o17", Value::Number(15.0)),
        ("010", Value::Number(10.0)),
        ("1_000", Value::from("1_000")),
        ("1:30", Value::from("1:30")),
        ("-.5", Value::Number(-0.5)),
        ("+1e3", Value::Number(1000.0)),
        ("-.inf", Value::Number(f64::NEG_INFINITY)),
        ("Infinity", Value::from("Infinity")),
        ("2026-11-22", Value::from("2026-11-22")),
        ("1.2.3", Value::from("1.2.3")),
        ("'5'", Value::from("5")),
        ("\"true\"", Value::from("true")),
        ("!!str 5", Value::from("5")),
        ("!!int 5", Value::Number(5.0)),
        ("!<tag:yaml.org,2002:float> 5", Value::Number(5.0)),
        ("!<tag:yaml.org,2002:str> 5", Value::from("5")),
    ] {
        let root = loaded(&format!("a: {written}"));
        let Kind::Scalar(_, value) = &child(&root, "a").kind else {
            panic!("no scalar");
        };
        assert_eq!(value, &wanted, "{written}");
    }
}

#[test]
fn what_is_wrong_is_said_beside_the_tree() {
    let mut problems = Vec::new();
    let node = load(
        "a: 1\nA: 2\n[x]: 3\nb: !own 4\nc: !!int x\nd: !!int '5'\n",
        &mut problems,
    );
    assert!(node.is_some());
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages.len(), 5, "{messages:?}");
    assert_eq!(messages[0], "`A` is already there");
    assert_eq!(messages[1], "a list cannot be a key");
    assert!(messages[2].contains("means nothing here"));
    assert!(messages[3].starts_with("`x` is not what the tag"));
    assert!(messages[4].starts_with("`5` is not what the tag"));
}
