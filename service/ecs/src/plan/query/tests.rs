//! The language, sentence by sentence.

use proptest::prelude::*;

use super::*;

fn facts() -> Facts {
    let attribute = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    Facts {
        attributes: BTreeMap::from([
            attribute("ecs.instance-type", "t3.micro"),
            attribute("ecs.availability-zone", "us-east-1a"),
            ("flag".to_owned(), None),
            attribute("number", "9"),
        ]),
        agent_connected: true,
        agent_version: Some("1.89.2".to_owned()),
        ec2_instance: "i-0123".to_owned(),
        registered_at: "2026-05-01T10:00:00Z".parse().unwrap(),
        running_tasks: 2,
        groups: vec!["service:web".to_owned(), "family:job".to_owned()],
    }
}

#[test]
fn expressions_mean_what_they_say() {
    for (text, expected) in [
        ("attribute:ecs.instance-type == t3.micro", true),
        ("attribute:ecs.instance-type != t3.micro", false),
        ("attribute:ecs.instance-type =~ t3.*", true),
        ("attribute:ecs.instance-type =~ t3", false),
        ("attribute:ecs.instance-type matches (t2|t3)\\..*", true),
        ("(attribute:ecs.instance-type =~ t(2|3).*)", true),
        ("attribute:ecs.instance-type !~ g2.*", true),
        ("attribute:ecs.instance-type in [t2.small, t3.micro]", true),
        ("attribute:ecs.instance-type not_in [t2.small, t3.micro]", false),
        ("attribute:ecs.instance-type !in [t2.small]", true),
        ("attribute:ecs.availability-zone in us-east-1a, us-east-1b", true),
        ("attribute:flag exists", true),
        ("attribute:flag !exists", false),
        ("attribute:stack not_exists", true),
        ("attribute:stack != prod", true),
        ("attribute:number < 10", true),
        ("attribute:number >= 9.0", true),
        ("agentConnected == true", true),
        ("agentVersion > 1.9.0", true),
        ("ec2InstanceId in ['i-0123', 'i-4']", true),
        ("registeredAt >= 2026-01-01T00:00:00Z", true),
        ("registeredAt < 2026-01-01T00:00:00+00:00", false),
        ("runningTasksCount > 1 and runningTasksCount <= 2", true),
        ("task:group == service:web", true),
        ("not(task:group == service:web)", false),
        ("task:group != database", true),
        ("agentConnected == false or attribute:flag exists", true),
        ("agentConnected == true && !(attribute:flag exists)", false),
        (
            "attribute:a exists and attribute:b exists or agentConnected equals true",
            true,
        ),
    ] {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.holds(&facts()), expected, "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in [
        "",
        "attribute:",
        "attribute:a",
        "attribute:a ==",
        "attribute:a = b",
        "nonsense == 1",
        "(attribute:a exists",
        "attribute:a exists)",
        "attribute:a in [b",
        "attribute:a =~ (",
        "attribute:a == 'b",
        "attribute:a !== b",
        "attribute:a exists attribute:b exists",
        &"(".repeat(500),
        &format!("attribute:a == {}", "x".repeat(3000)),
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_sentence_is_too_strange(words in prop::collection::vec(
        prop::sample::select(vec!["attribute:a", "==", "!", "in", "[", "]", ",", "(", ")", "=~", "x.*", "and", "not", "'q'"]),
        0..12,
    )) {
        if let Ok(query) = parse(&words.join(" ")) {
            query.holds(&facts());
        }
    }

    #[test]
    fn a_negation_is_the_opposite(value in "[a-z0-9.]{1,8}") {
        let text = format!("attribute:ecs.instance-type == {value}");
        let (a, b) = (parse(&text).unwrap(), parse(&format!("not({text})")).unwrap());
        prop_assert_ne!(a.holds(&facts()), b.holds(&facts()));
    }
}
