use super::*;

fn policy(selection: &str) -> String {
    format!(r#"{{"rules":[{{"rulePriority":1,"selection":{selection},"action":{{"type":"expire"}}}}]}}"#)
}

#[test]
fn policies_of_every_kind_are_read() {
    for (selection, tags, limit) in [
        (
            r#"{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14}"#,
            Tags::Untagged,
            Limit::PushedDays(14),
        ),
        (
            r#"{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3}"#,
            Tags::Any,
            Limit::Count(3),
        ),
        (
            r#"{"tagStatus":"tagged","tagPrefixList":["v","w"],"countType":"imageCountMoreThan","countNumber":1}"#,
            Tags::Like(vec!["v*".to_owned(), "w*".to_owned()]),
            Limit::Count(1),
        ),
        (
            r#"{"tagStatus":"tagged","tagPatternList":["*-rc*"],"countType":"sinceImagePulled","countUnit":"days","countNumber":2}"#,
            Tags::Like(vec!["*-rc*".to_owned()]),
            Limit::PulledDays(2),
        ),
    ] {
        let rule = Policy::parse(&policy(selection)).unwrap().rules.remove(0);
        assert_eq!((rule.tags, rule.limit), (tags, limit), "{selection}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_said_as_aws_does() {
    let rule = |priority: i32, status: &str| {
        format!(
            r#"{{"rulePriority":{priority},"selection":{{"tagStatus":"{status}","countType":"imageCountMoreThan","countNumber":1}},"action":{{"type":"expire"}}}}"#
        )
    };
    let rules = |rules: &[String]| format!(r#"{{"rules":[{}]}}"#, rules.join(","));
    for (text, reason) in [
        ("no JSON".to_owned(), "expected"),
        ("{}".to_owned(), "missing field `rules`"),
        (r#"{"rules":[]}"#.to_owned(), "from 1 to 50"),
        (rules(&[rule(0, "any")]), "rulePriority 0"),
        (rules(&[rule(1, "all")]), "not one of [tagged, untagged, any]"),
        (
            rules(&[rule(1, "tagged")]),
            "either tagPrefixList or tagPatternList",
        ),
        (rules(&[rule(1, "untagged"), rule(1, "any")]), "not unique"),
        (
            rules(&[rule(1, "untagged"), rule(2, "untagged")]),
            "only one rule",
        ),
        (
            rules(&[rule(1, "any"), rule(2, "untagged")]),
            "highest rulePriority",
        ),
        (
            policy(r#"{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":0}"#),
            "countNumber 0",
        ),
        (
            policy(
                r#"{"tagStatus":"any","countType":"imageCountMoreThan","countUnit":"days","countNumber":1}"#,
            ),
            "countUnit is not for",
        ),
        (
            policy(r#"{"tagStatus":"any","countType":"sinceImagePushed","countNumber":1}"#),
            "needs the countUnit days",
        ),
        (
            policy(r#"{"tagStatus":"any","countType":"x","countNumber":1}"#),
            "not one of [imageCountMoreThan",
        ),
        (
            policy(
                r#"{"tagStatus":"any","tagPrefixList":["a"],"countType":"imageCountMoreThan","countNumber":1}"#,
            ),
            "for the tagStatus tagged",
        ),
        (
            policy(
                r#"{"tagStatus":"tagged","tagPatternList":["*a*b*c*d*"],"countType":"imageCountMoreThan","countNumber":1}"#,
            ),
            "more than 4 wildcards",
        ),
        (
            rules(&[rule(1, "any").replace("expire", "keep")]),
            "not one of [expire]",
        ),
        (
            rules(&[rule(1, "any").replace("rulePriority", "priority")]),
            "unknown field",
        ),
    ] {
        let error = Policy::parse(&text).unwrap_err();
        assert_eq!(error.code, "InvalidParameterException");
        let head = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ";
        assert!(
            error.message.starts_with(head) && error.message.contains(reason),
            "{text}: {}",
            error.message
        );
    }
}
