use super::{Command, parse_pairs};

fn command(line: &str) -> Option<(String, Vec<(String, String)>, String)> {
    Command::parse(line).map(|it| (it.name, it.properties, it.data))
}

#[test]
fn commands_are_read_as_the_toolkit_writes_them() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        command("::set-output name=digest::sha256:1%0A2%25"),
        Some(("set-output".into(), vec![pair("name", "digest")], "sha256:1\n2%".into()))
    );
    assert_eq!(
        command("  ::error file=a%3Ab%2Cc.rs,line=7,title=Oh no::it broke::twice"),
        Some((
            "error".into(),
            vec![pair("file", "a:b,c.rs"), pair("line", "7"), pair("title", "Oh no")],
            "it broke::twice".into()
        ))
    );
    assert_eq!(command("##[group]Install"), Some(("group".into(), vec![], "Install".into())));
    assert_eq!(command("::endgroup::"), Some(("endgroup".into(), vec![], String::new())));
    for no_command in ["", "::", "a::b::c", ":: ::x", "::has space but no end", "http::x"] {
        assert_eq!(command(no_command), None, "{no_command}");
    }
}

#[test]
fn files_of_pairs() {
    let pairs = parse_pairs("a=1=2\n\nb<<EOF\nx\n\ny=z\nEOF\nc=\nd<<e=f\n1\ne=f\n").unwrap();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(pairs, [("a", "1=2"), ("b", "x\n\ny=z"), ("c", ""), ("d", "1")]);
    for bad in ["novalue", "=x", "a<<", "a<<E\nx", "<<E\nE"] {
        assert!(parse_pairs(bad).is_err(), "{bad}");
    }
}
