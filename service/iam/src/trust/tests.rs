use super::*;

const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/app/s";
const ROLE: &str = "arn:aws:iam::111111111111:role/team/app";

fn principal() -> Caller {
    Caller::Principal {
        account: "111111111111".into(),
        arn: SESSION.into(),
        role_arn: Some(ROLE.into()),
    }
}

fn asks(statements: &str, caller: &Caller, facts: &[(&str, &str)]) -> bool {
    let facts = facts
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let question = Question {
        caller,
        action: "sts:AssumeRole",
        facts: &facts,
    };
    allows(&format!(r#"{{"Statement": [{statements}]}}"#), &question)
}

fn statement(effect: &str, principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "{effect}", "Principal": {principal}, "Action": "sts:AssumeRole"{}}}"#,
        if condition.is_empty() {
            String::new()
        } else {
            format!(r#", "Condition": {condition}"#)
        }
    )
}

#[test]
fn principals_are_named_by_account_role_session_or_star() {
    for (value, trusted) in [
        (r#""*""#, true),
        (r#"{"AWS": "*"}"#, true),
        (r#"{"AWS": "111111111111"}"#, true),
        (
            r#"{"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:root"]}"#,
            true,
        ),
        (r#"{"AWS": "arn:aws:iam::111111111111:role/team/app"}"#, true),
        (r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/app/s"}"#, true),
        (r#"{"AWS": "arn:aws:iam::111111111111:role/app"}"#, false),
        (r#"{"AWS": "222222222222"}"#, false),
        (r#"{"Service": "ecs-tasks.amazonaws.com"}"#, false),
        (r#"{"Federated": "x"}"#, false),
    ] {
        assert_eq!(
            asks(&statement("Allow", value, ""), &principal(), &[]),
            trusted,
            "{value}"
        );
    }
    let service = Caller::Service("ecs-tasks.amazonaws.com".into());
    for (value, trusted) in [
        (
            r#"{"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}"#,
            true,
        ),
        (r#"{"Service": "ecs.amazonaws.com"}"#, false),
        (r#"{"AWS": "*"}"#, false),
    ] {
        assert_eq!(
            asks(&statement("Allow", value, ""), &service, &[]),
            trusted,
            "{value}"
        );
    }
}

#[test]
fn a_denial_wins_and_silence_denies() {
    let allow = statement("Allow", r#""*""#, "");
    let deny = statement("Deny", r#"{"AWS": "111111111111"}"#, "");
    assert!(asks(&allow, &principal(), &[]));
    assert!(!asks(&format!("{allow}, {deny}"), &principal(), &[]));
    assert!(!asks(&deny, &principal(), &[]));
    let other = allow.replace("sts:AssumeRole", "sts:TagSession");
    assert!(!asks(&other, &principal(), &[]));
    assert!(asks(&allow.replace("sts:AssumeRole", "sts:*"), &principal(), &[]));
}

#[test]
fn conditions_hold_or_are_not_understood() {
    let external = r#"{"StringEquals": {"sts:ExternalId": ["a", "b"]}}"#;
    let cases = [
        (external, vec![("sts:externalid", "b")], true),
        (external, vec![("sts:externalid", "c")], false),
        (external, vec![], false),
        (r#"{"StringNotEquals": {"sts:ExternalId": "a"}}"#, vec![], true),
        (
            r#"{"StringEqualsIfExists": {"sts:ExternalId": "a"}}"#,
            vec![],
            true,
        ),
        (
            r#"{"Null": {"sts:ExternalId": "false"}}"#,
            vec![("sts:externalid", "a")],
            true,
        ),
        (r#"{"Null": {"sts:ExternalId": "false"}}"#, vec![], false),
        (
            r#"{"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:111111111111:*"}}"#,
            vec![("aws:sourcearn", "arn:aws:ecs:us-east-1:111111111111:task/c/t")],
            true,
        ),
        (r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#, vec![], false),
        (
            r#"{"NumericLessThan": {"sts:ExternalId": "5"}}"#,
            vec![("sts:externalid", "4")],
            false,
        ),
    ];
    for (condition, facts, trusted) in cases {
        let allow = statement("Allow", r#""*""#, condition);
        assert_eq!(asks(&allow, &principal(), &facts), trusted, "{condition}");
    }
    // A denial that nobody understands denies.
    let allow = statement("Allow", r#""*""#, "");
    let deny = statement(
        "Deny",
        r#""*""#,
        r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
    );
    assert!(!asks(&format!("{allow}, {deny}"), &principal(), &[]));
    // Unless another part of it certainly does not fit.
    let deny = deny.replace(r#""Principal": "*""#, r#""Principal": {"AWS": "222222222222"}"#);
    assert!(asks(&format!("{allow}, {deny}"), &principal(), &[]));
}

#[test]
fn patterns_match_whole_texts() {
    for (pattern, text, fits) in [
        ("", "", true),
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "abcd", false),
        ("*bc", "abcbc", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("a*b*c", "axxbyyc", true),
    ] {
        assert_eq!(like(pattern, text), fits, "{pattern} {text}");
    }
}
