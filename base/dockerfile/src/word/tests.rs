use super::*;

fn expanded(text: &str) -> Result<String, String> {
    let look_up = |name: &str| match name {
        "X" => Some("x".to_owned()),
        "EMPTY" => Some(String::new()),
        "P" => Some("/a/b/c.tar.gz".to_owned()),
        "S" => Some("***".to_owned()),
        _ => None,
    };
    expand(text, '\\', &look_up).map_err(|error| error.message)
}

#[test]
fn words_become_what_docker_makes_of_them() {
    for (text, value) in [
        ("$X-${X}", "x-x"),
        ("a${NONE}b$NONE", "ab"),
        ("${NONE:-d} ${NONE-d} ${EMPTY:-d} ${EMPTY-d} ${X:-d}", "d d d  x"),
        ("${X:+o} ${EMPTY:+o}${EMPTY+o}${NONE+o}", "o o"),
        ("${NONE:-${X}y}", "xy"),
        (r"\$X '$X' \'", "$X $X '"),
        (r#""a $X \" \$X \n""#, r#"a x " $X \n"#),
        (r"a\ b", "a b"),
        ("$ $", "$ $"),
        ("$?x$10y$@", "xy"),
        ("${P#*/} ${P##*/} ${P%/*} ${P%%/*}", "a/b/c.tar.gz c.tar.gz /a/b "),
        (
            "${P#/a} ${P%.gz} ${P%none} ${P#?}",
            "/b/c.tar.gz /a/b/c.tar /a/b/c.tar.gz a/b/c.tar.gz",
        ),
        (
            r"${P/a/A} ${P//\//-} ${P//[/x}",
            "/A/b/c.tar.gz -a-b-c.tar.gz /a/b/c.tar.gz",
        ),
        (r"${NONE#x}${NONE/a/b} ${S#\*} ${S%\*}", " ** **"),
        ("${P/$X/y} ${P#${NONE:-/a}}", "/a/b/c.tar.gz /b/c.tar.gz"),
        ("${P//./$}", "/a/b/c$tar$gz"),
        ("é$X🦀", "éx🦀"),
    ] {
        assert_eq!(expanded(text).as_deref(), Ok(value), "{text}");
    }
}

#[test]
fn what_has_no_end_is_an_error() {
    for text in [
        "'a",
        "\"a",
        "${X",
        "${X:-a",
        "${}",
        "${X^y}",
        "${X:1}",
        "${X/a}",
        "${NONE:?why}",
        &"${N:-".repeat(99),
    ] {
        assert!(expanded(text).is_err(), "{text}");
    }
    assert_eq!(expanded("${NONE:?why}"), Err("variable `NONE`: why".to_owned()));
}

#[test]
fn documents_keep_their_quotes() {
    let look_up = |name: &str| (name == "X").then(|| "x".to_owned());
    for (text, value) in [
        ("\"$X\" 'a ${X}'\n", "\"x\" 'a x'\n"),
        ("\\\n", "\n"),
        ("\\\\\n", "\\\n"),
        ("\\$X\n", "$X\n"),
    ] {
        assert_eq!(expand_document(text, &look_up).as_deref(), Ok(value), "{text}");
    }
}

#[test]
fn ports() {
    let numbers =
        |text: &str| parse_ports(text).map(|ports| ports.iter().map(|port| port.number).collect::<Vec<_>>());
    assert_eq!(numbers("80"), Ok(vec![80]));
    assert_eq!(numbers("80-82/udp"), Ok(vec![80, 81, 82]));
    for wrong in ["", "0", "65536", "x", "80/http", "82-80", "+80", "#"] {
        assert!(numbers(wrong).is_err(), "{wrong}");
    }
}
