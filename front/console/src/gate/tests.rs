use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()));
    pairs.collect()
}

fn here() -> Option<SocketAddr> {
    Some("127.0.0.1:5000".parse().unwrap())
}

#[test]
fn without_a_password_only_this_machine_comes_in() {
    let gate = Gate::new(None, [1; 32]);
    let from = |peer: Option<SocketAddr>| gate.visitor(peer, &HeaderMap::new(), 1, NOW);
    assert!(from(here()).unwrap().may_enter);
    assert_eq!(
        from(Some("192.0.2.1:5000".parse().unwrap())),
        Err(Refusal::Elsewhere)
    );
    assert_eq!(from(None), Err(Refusal::Elsewhere));
}

#[test]
fn with_a_password_a_session_is_needed_and_a_forged_or_old_one_is_none() {
    let gate = Gate::new(Some(Password::new("right")), [1; 32]);
    let with = |session: &str, now| {
        let headers = headers(&[("cookie", &format!("a=b; {COOKIE}={session}"))]);
        gate.visitor(here(), &headers, 1, now).unwrap().may_enter
    };
    assert!(!gate.visitor(here(), &HeaderMap::new(), 1, NOW).unwrap().may_enter);
    let session = gate.enter("right", 7, NOW).unwrap();
    assert!(with(&session, NOW));
    assert!(!with(&session.replace("in.", "out."), NOW));
    assert!(!with(&session[..session.len() - 1], NOW));
    assert!(!with(&session, Timestamp::from_second(SESSION_SECONDS).unwrap()));
    let outside = gate.visitor(here(), &HeaderMap::new(), 1, NOW).unwrap().session;
    assert!(!with(&outside.replace("out.", "in."), NOW));
}

#[test]
fn after_five_wrong_passwords_even_the_right_one_waits() {
    let gate = Gate::new(Some(Password::new("right")), [1; 32]);
    for _ in 0..5 {
        assert_eq!(gate.enter("wrong", 1, NOW), Err(Refusal::Wrong));
    }
    assert_eq!(gate.enter("right", 1, NOW), Err(Refusal::Wait(60)));
    let later = Timestamp::from_second(61).unwrap();
    assert!(gate.enter("right", 1, later).is_ok());
}

#[test]
fn a_token_goes_with_its_session_alone() {
    let gate = Gate::new(None, [1; 32]);
    let token = gate.token("one");
    assert!(gate.is_token("one", &token));
    assert!(!gate.is_token("two", &token));
    assert!(!gate.is_token("one", ""));
    assert!(!gate.is_token("one", "zz"));
}

#[test]
fn forms_of_other_pages_are_told_apart() {
    let from = |origin: &str| headers(&[("host", "127.0.0.1:4566"), ("origin", origin)]);
    assert!(is_own_page(&from("http://127.0.0.1:4566")));
    for origin in [
        "http://127.0.0.1:80",
        "http://evil.test",
        "null",
        "http://app.localhost:4566",
    ] {
        assert!(!is_own_page(&from(origin)), "{origin}");
    }
    assert!(!is_own_page(&headers(&[
        ("host", "127.0.0.1"),
        ("sec-fetch-site", "same-site")
    ])));
    assert!(is_own_page(&headers(&[
        ("host", "127.0.0.1"),
        ("sec-fetch-site", "same-origin")
    ])));
}
