use super::*;

#[test]
fn a_key_leads_to_a_member_of_the_secret() {
    let get = |text: &str, key: &str| match member(text, key, "arn:x") {
        Ok(value) => value,
        Err(Failure::Never(sentence)) => format!("!{sentence}"),
        Err(Failure::Later(error)) => format!("later {error}"),
    };
    let text = r#"{"user": "web", "port": 5432, "tls": true}"#;
    assert_eq!(get(text, "user"), "web");
    assert_eq!(get(text, "port"), "5432");
    assert_eq!(get(text, "tls"), "true");
    assert!(get(text, "password").ends_with("did not contain json key password"));
    assert!(get("plain", "user").ends_with("not JSON, so it has no keys"));
}
