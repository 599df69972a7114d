use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pending() -> Pending {
    Pending {
        token: "secret".into(),
        task: "t".into(),
        container: "web".into(),
        arguments: vec!["sh".into()],
        join_until: at(60),
    }
}

#[test]
fn a_session_is_joined_once_with_its_token_and_in_time() {
    let sessions = Sessions::default();
    sessions.add("one".into(), pending(), at(0));
    assert_eq!(sessions.join("one", "wrong", at(1)), None);
    assert_eq!(sessions.join("two", "secret", at(1)), None);
    let request = sessions.join("one", "secret", at(1)).unwrap();
    assert_eq!((request.task.as_str(), request.container.as_str()), ("t", "web"));
    assert_eq!(sessions.join("one", "secret", at(1)), None, "joined already");
    sessions.add("late".into(), pending(), at(0));
    assert_eq!(sessions.join("late", "secret", at(60)), None);
}

#[test]
fn there_is_a_limit_to_waiting_sessions() {
    let sessions = Sessions::default();
    for number in 0..WAITING_MAX + 5 {
        let join_until = at(60 + number as i64);
        sessions.add(
            number.to_string(),
            Pending {
                join_until,
                ..pending()
            },
            at(0),
        );
    }
    assert_eq!(sessions.join("4", "secret", at(1)), None);
    assert!(sessions.join("5", "secret", at(1)).is_some());
}
