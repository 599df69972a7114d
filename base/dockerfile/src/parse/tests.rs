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
fn what_is_not_served_says_so() {
    check(
        "FROM a\nRUN --mount=type=ssh true\nADD https://example.com/x.git /x\nRUN --security=insecure true\nADD --keep-git-dir git@a:b /x\nRUN --network=some true\nCOPY https://a/b /\n",
        expect![[r#"
            2:5: mounts of type ssh are not supported | give the key as a secret: `--mount=type=secret,id=…`
            3:5: ADD from a Git repository is not supported | clone it in a RUN, such as `RUN git clone …`, or put it into the context
            4:16: `RUN --security=insecure` is not supported | steps run in a sandbox; write the step without it
            5:5: ADD from a Git repository is not supported | clone it in a RUN, such as `RUN git clone …`, or put it into the context
            5:20: ADD from a Git repository is not supported | clone it in a RUN, such as `RUN git clone …`, or put it into the context
            6:15: there is no network `some` for RUN | the networks are `default`, `host` and `none`
            7:6: COPY takes nothing from a URL | ADD takes files from URLs"#]],
    );
}

#[test]
fn mounts_are_read_and_their_mistakes_named() {
    check(
        "FROM a\nRUN --mount=type=cache,target=/x,shring=locked true\nRUN --mount=type=cache true\nRUN --mount=type=bind,target=/ true\nRUN --mount=type=secret true\nRUN --mount=target=/x,rw=maybe true\nRUN --mount=type=disk,target=/x true\nRUN --mount=type=tmpfs,target=/x,ro true\nRUN --mount=type=cache,target=/x,sharing=all true\nRUN --mount=from=2,target=/x true\n",
        expect![[r#"
            2:5: a mount of type cache has no option `shring` | its options are: id, target, sharing, from, source, mode, uid, gid, ro
            3:5: the mount has no target | add `target=/path`
            4:5: a mount cannot take the place of `/` | name a folder below it
            5:5: a secret is mounted without its id | write `--mount=type=secret,id=NAME`
            6:5: `rw=maybe` of the mount is neither true nor false | write `rw` or `rw=false`
            7:5: there is no mount of type `disk` | the types are bind, cache, secret and tmpfs
            8:5: a mount of type tmpfs has no option `ro` | its options are: target, size
            9:5: a cache cannot be shared as `all` | write `shared`, `private` or `locked`
            10:5: there is no stage number 2 | stages count from 0; before this one there are 0"#]],
    );
    let Kind::Run(run) = &kinds(
        "FROM a\nRUN --mount=type=secret,id=k,required --mount=\"dst=/a,source=b c\" --network=none make\n",
    )[0] else {
        panic!()
    };
    assert_eq!(run.command, Command::Shell("make".to_owned()));
    assert_eq!(run.network, crate::Network::None);
    let [secret, bind] = run.mounts.as_slice() else {
        panic!()
    };
    assert!(secret.required && secret.kind == crate::MountKind::Secret);
    assert_eq!(secret.id.as_ref().map(|word| word.text.as_str()), Some("k"));
    assert!(bind.readonly && bind.kind == crate::MountKind::Bind);
}

#[test]
fn documents_are_files_of_copy_and_add() {
    let found = kinds(
        "FROM a\nCOPY --chmod=644 <<robots.txt <<-'two 2' x /www/\n$A\nrobots.txt\n\tb\ntwo 2\nADD <<EOF /one\nEOF\nONBUILD COPY <<EOF /x\nhi\nEOF\n",
    );
    let Kind::Copy(transfer) = &found[0] else { panic!() };
    let documents: Vec<_> = transfer
        .documents
        .iter()
        .map(|one| (one.name.as_str(), one.body.as_str(), one.expands))
        .collect();
    assert_eq!(documents, [("robots.txt", "$A\n", true), ("two 2", "b\n", false)]);
    assert_eq!(transfer.sources.len(), 1);
    let Kind::Add(transfer) = &found[1] else { panic!() };
    assert_eq!(
        (
            transfer.documents[0].body.as_str(),
            transfer.destination.text.as_str()
        ),
        ("", "/one")
    );
    let Kind::Onbuild(onbuild) = &found[2] else {
        panic!()
    };
    assert_eq!(onbuild.text, "COPY <<EOF /x\nhi\nEOF");
}

#[test]
fn triggers_are_checked_where_they_are_written() {
    check(
        "FROM a\nONBUILD ONBUILD RUN true\nONBUILD FROM b\nONBUILD EXPOSE x\nONBUILD COPY --from=zzz /a /a\nONBUILD RUM x\n",
        expect![[r#"
            2:9: ONBUILD cannot hold ONBUILD | write it like `ONBUILD COPY . /app`
            3:9: ONBUILD cannot hold FROM | write it like `ONBUILD COPY . /app`
            4:9: `x` is not a port: that is no number from 1 to 65535 | write a number from 1 to 65535, such as `EXPOSE 8080` or `EXPOSE 53/udp`
            6:9: unknown instruction `RUM` | write it like `ONBUILD COPY . /app`"#]],
    );
    assert!(parse_trigger("RUN a\nRUN b", '\\').is_err());
    assert!(parse_trigger("", '\\').is_err());
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
        "from a\nrun apt-get update && \\\n    apt-get install\nRUN [\"a\", \"b c\"]\nRUN ['a']\nRUN <<EOF\nset -e\necho $X\nEOF\nRUN cat <<A\nx\nA\nRUN <<PY\n#!/usr/bin/env python3\nPY\n",
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
            exec(&["/dev/pipes/PY"]),
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
