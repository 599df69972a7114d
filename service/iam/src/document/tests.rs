use super::*;

fn permissions(statement: &str) -> Result<(), String> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    check_permissions(&text).map_err(|error| error.message)
}

fn trust(statement: &str) -> Result<(), String> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#);
    check_trust(&text).map_err(|error| error.message)
}

#[test]
fn what_is_no_policy_is_told_so() {
    let cases = [
        ("x", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ("{}", "Syntax errors in policy."),
        (r#"{"Statement": []}"#, "Syntax errors in policy."),
        (
            r#"{"Version": "2020-01-01", "Statement": []}"#,
            "The policy must contain a valid version string.",
        ),
        (r#"{"Statment": []}"#, "Syntax errors in policy."),
    ];
    for (text, message) in cases {
        let error = check_permissions(text).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("MalformedPolicyDocument", message)
        );
    }
}

#[test]
fn permissions_have_actions_and_resources_and_no_principal() {
    assert_eq!(
        permissions(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#),
        Ok(())
    );
    assert_eq!(
        permissions(r#"{"Effect": "Allow", "Action": "s3:*"}"#).unwrap_err(),
        "Policy statement must contain resources."
    );
    assert_eq!(
        permissions(r#"{"Effect": "Allow", "Resource": "*"}"#).unwrap_err(),
        "Policy statement must contain actions."
    );
    assert_eq!(
        permissions(r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}"#).unwrap_err(),
        "Policy document should not specify a principal."
    );
    assert!(permissions(r#"{"Effect": "Perhaps", "Action": "*", "Resource": "*"}"#).is_err());
    assert!(permissions(r#"{"Effect": "Allow", "Action": "read", "Resource": "*"}"#).is_err());
}

#[test]
fn trust_has_a_principal_and_no_resource() {
    let service = r#"{"Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"]}, "Action": "sts:AssumeRole"}"#;
    assert_eq!(trust(service), Ok(()));
    assert_eq!(
        trust(r#"{"Effect": "Allow", "Action": "sts:AssumeRole"}"#).unwrap_err(),
        "Missing required field Principal"
    );
    assert_eq!(
        trust(r#"{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}"#)
            .unwrap_err(),
        "Has prohibited field Resource"
    );
    assert_eq!(
        trust(r#"{"Effect": "Allow", "Principal": {"AWS": "bob"}, "Action": "sts:AssumeRole"}"#).unwrap_err(),
        "Invalid principal in policy: \"AWS\":\"bob\""
    );
    assert_eq!(
        trust(r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}"#).unwrap_err(),
        "AssumeRole policy may only specify STS AssumeRole actions."
    );
}
