use base_diagnostic::position;
use expect_test::{Expect, expect};

use super::*;

/// Problems, one a line: `line:column: what | hint`.
fn check(text: &str, expected: Expect) {
    let problems = parse(text).err().unwrap_or_default();
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| {
            let (line, column) = position(text, problem.span.start);
            format!(
                "{line}:{column}: {} | {}",
                problem.message,
                problem.hint.as_deref().unwrap_or("-")
            )
        })
        .collect();
    expected.assert_eq(&lines.join("\n"));
}

fn kinds(text: &str) -> Vec<Kind> {
    let dockerfile = parse(text).unwrap_or_else(|problems| panic!("{problems:?}"));
    dockerfile
        .stages
        .into_iter()
        .flat_map(|stage| stage.instructions)
        .map(|one| one.kind)
        .collect()
}

#[test]
fn all_problems_come_at_once_with_their_places() {
    check(
        "FROM scratch\nCOPPY hello /hello\nEXPOSE 80800\nRUM true\nCOPY --chwon=1 a b\nCOPY lonely\nWORKDIR\n",
        expect![[r#"
            2:1: unknown instruction `COPPY` | did you mean `COPY`?
            3:8: `80800` is not a port: that is no number from 1 to 65535 | write a number from 1 to 65535, such as `EXPOSE 8080` or `EXPOSE 53/udp`
            4:1: unknown instruction `RUM` | did you mean `RUN`?
            5:6: COPY has no flag `--chwon` | did you mean `--chown`?
            6:6: COPY has a source but no destination | write it like `COPY source /destination`
            7:1: WORKDIR has no arguments | write it like `WORKDIR /app`"#]],
    );
}

#[test]
fn a_file_must_begin_from_something() {
    check(
        "",
        expect![
            "1:1: there is no FROM: an image must begin from something | begin with `FROM scratch`, or with an image such as `FROM python:3.12`"
        ],
    );
    check(
        "RUN true\nFROM scratch\n",
        expect!["1:1: RUN stands before the first FROM | only ARG and comments may stand there"],
    );
    // A misspelt FROM is one mistake, not one per line.
    check(
        "FORM python\nRUN true\n",
        expect!["1:1: unknown instruction `FORM` | did you mean `FROM`?"],
    );
    check(
        "FROM a b\nFROM a AS 1x\n",
        expect![[r#"
            1:6: FROM takes an image and perhaps `AS name` | write it like `FROM python:3.12 AS build`
            2:11: `1x` cannot be the name of a stage | a name begins with a letter, and has letters, digits, `-`, `_` and `.`"#]],
    );
}

#[test]
fn stages_must_exist_before_they_are_copied_from() {
    check(
        "FROM a AS build\nFROM b\nCOPY --from=biuld /x /x\nCOPY --from=7 /x /x\nCOPY --from=nginx /x /x\nCOPY --from=1 /x /x\n",
        expect![[r#"
            3:13: there is no stage `biuld` | did you mean `build`? If an image is meant, write its tag too: `biuld:latest`
            4:13: there is no stage number 7 | stages count from 0; before this one there are 1
            6:13: stage `1` cannot copy from itself | leave `--from` out to copy from the build context"#]],
    );
}

#[test]
fn what_is_not_there_yet_says_so() {
    check(
        "FROM a\nRUN --mount=type=cache,target=/x true\nADD https://example.com/x /x\nONBUILD RUN true\nCOPY <<EOF /x\nhi\nEOF\n",
        expect![[r#"
            2:5: `RUN --mount` is not supported yet | write the step without it
            3:5: ADD from a URL is not supported yet | fetch it in a RUN, such as `RUN curl -fsSLO …`, or put it into the context
            4:1: ONBUILD is not supported yet | put the instructions into the Dockerfile that builds on this image
            5:6: a here-document in COPY is not supported yet | put the text into a file of the context, or write it in a RUN"#]],
    );
}

#[test]
fn places_are_right_behind_continued_lines() {
    check(
        "FROM a\nENV A=b \\\n  # a comment\n\n    wrong \\\n  C=d\n",
        expect!["5:5: `wrong` is not `name=value` | a value with spaces needs quotes: `NAME=\"two words\"`"],
    );
    check(
        "FROM a\r\nEXPOSE \\\r\n   x\r\n",
        expect![
            "3:4: `x` is not a port: that is no number from 1 to 65535 | write a number from 1 to 65535, such as `EXPOSE 8080` or `EXPOSE 53/udp`"
        ],
    );
}

#[test]
fn commands_are_json_or_for_the_shell() {
    let shell = |text: &str| Command::Shell(text.to_owned());
    let exec = |words: &[&str]| Command::Exec(words.iter().map(|word| (*word).to_owned()).collect());
    let found: Vec<Command> = kinds(
        "from a\nrun apt-get update && \\\n    apt-get install\nRUN [\"a\", \"b c\"]\nRUN ['a']\nRUN <<EOF\nset -e\necho $X\nEOF\nRUN cat <<A\nx\nA\n",
    )
    .into_iter()
    .map(|kind| match kind {
        Kind::Run(run) => run.command,
        other => panic!("{other:?}"),
    })
    .collect();
    assert_eq!(
        found,
        [
            shell("apt-get update &&     apt-get install"),
            exec(&["a", "b c"]),
            shell("['a']"),
            shell("set -e\necho $X\n"),
            shell("cat <<A\nx\nA\n"),
        ]
    );
}

#[test]
fn directives_comments_and_the_other_escape_character() {
    let text = "# syntax=docker/dockerfile:1\n# escape=`\n\nFROM a\nCOPY a `\n  b /c\\d/\n";
    let Kind::Copy(transfer) = &kinds(text)[0] else {
        panic!()
    };
    assert_eq!(
        transfer
            .sources
            .iter()
            .map(|word| word.text.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(transfer.destination.text, "/c\\d/");
    // Too late for a directive: it is a comment.
    assert!(parse("# hello\n# escape=x\nFROM a\n").is_ok());
    check(
        "# escape=x\nFROM a\n",
        expect![
            "1:1: the escape character must be `\\` or a backtick | write `# escape=\\` or leave the line out"
        ],
    );
}

#[test]
fn env_has_two_forms() {
    let Kind::Env(pairs) = &kinds("FROM a\nENV A=\"b c\" D=e\\ f\n")[0] else {
        panic!()
    };
    let texts: Vec<_> = pairs
        .iter()
        .map(|pair| (pair.name.text.as_str(), pair.value.text.as_str()))
        .collect();
    assert_eq!(texts, [("A", "\"b c\""), ("D", "e\\ f")]);
    let Kind::Env(pairs) = &kinds("FROM a\nENV A b  c=d\n")[0] else {
        panic!()
    };
    assert_eq!(
        (pairs[0].name.text.as_str(), pairs[0].value.text.as_str()),
        ("A", "b  c=d")
    );
    check(
        "FROM a\nENV A\n",
        expect!["2:5: ENV `A` has no value | write it like `ENV NAME=value`"],
    );
}

#[test]
fn health_checks_have_durations() {
    let text = "FROM a\nHEALTHCHECK --interval=1m30s --retries=5 CMD curl -f http://localhost/ || exit 1\nHEALTHCHECK NONE\n";
    let found = kinds(text);
    let Kind::Healthcheck(crate::Healthcheck::Probe(probe)) = &found[0] else {
        panic!()
    };
    assert_eq!(
        (probe.interval_nanos, probe.retries, probe.timeout_nanos),
        (Some(90_000_000_000), Some(5), None)
    );
    assert_eq!(
        probe.command,
        Command::Shell("curl -f http://localhost/ || exit 1".to_owned())
    );
    assert_eq!(found[1], Kind::Healthcheck(crate::Healthcheck::None));
    check(
        "FROM a\nHEALTHCHECK --interval=90 CMD true\nHEALTHCHECK true\n",
        expect![[r#"
            2:24: `90` is not a duration | write a number with a unit, such as `30s` or `1m30s`
            3:13: HEALTHCHECK takes `CMD` with a command, or `NONE` | write it like `HEALTHCHECK --interval=30s CMD curl -f http://localhost/`"#]],
    );
}

#[test]
fn only_needed_stages_are_named() {
    let dockerfile =
        parse("ARG BASE=b\nFROM x AS a\nFROM y AS unused\nFROM ${BASE}\nCOPY --from=a /1 /\nFROM scratch AS last\nCOPY --from=2 /1 /\n").unwrap();
    let global = dockerfile.global_scope(&[]).unwrap();
    assert_eq!(dockerfile.needed(3, &global).unwrap(), [0, 2, 3]);
    assert_eq!(dockerfile.target(Some("Unused")), Some(1));
    assert_eq!(dockerfile.target(Some("none")), None);
    assert_eq!(
        dockerfile.base(2, &global).unwrap(),
        crate::Base::Image("b".to_owned())
    );
}

#[test]
fn exposed_ports_come_from_the_last_stage_and_what_it_builds_on() {
    let dockerfile = parse(
        "FROM a AS base\nEXPOSE 80\nFROM b\nEXPOSE 1\nFROM base\nARG PORT=8502\nENV P=$PORT\nEXPOSE $P 53/udp 80/TCP\n",
    )
    .unwrap();
    let ports = |args: &[(String, Option<String>)]| -> Vec<u16> {
        dockerfile
            .exposed_ports(args)
            .iter()
            .map(|port| port.number)
            .collect()
    };
    assert_eq!(ports(&[]), [80, 8502, 53]);
    assert_eq!(
        ports(&[("PORT".to_owned(), Some("9000".to_owned()))]),
        [80, 9000, 53]
    );
}
