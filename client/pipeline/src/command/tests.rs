use super::{Command, parse_pairs};

fn command(name: &str, properties: &[(&str, &str)], data: &str) -> Option<Command> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Some(Command {
        name: name.to_owned(),
        properties: properties.iter().map(owned).collect(),
        data: data.to_owned(),
    })
}

#[test]
fn commands_are_read_as_the_toolkit_writes_them() {
    assert_eq!(
        Command::parse("::set-output name=digest::sha256:1%0A2%25"),
        command("set-output", &[("name", "digest")], "sha256:1\n2%")
    );
    let place = [("file", "a:b,c.rs"), ("line", "7"), ("title", "Oh no")];
    assert_eq!(
        Command::parse("  ::error file=a%3Ab%2Cc.rs,line=7,title=Oh no::it broke::twice"),
        command("error", &place, "it broke::twice")
    );
    assert_eq!(
        Command::parse("##[group]Install"),
        command("group", &[], "Install")
    );
    assert_eq!(Command::parse("::endgroup::"), command("endgroup", &[], ""));
    for no_command in ["", "::", "a::b::c", ":: ::x", "::has space but no end", "http::x"] {
        assert_eq!(Command::parse(no_command), None, "{no_command}");
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
