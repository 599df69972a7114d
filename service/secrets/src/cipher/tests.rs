use super::*;

#[test]
fn only_the_same_key_and_place_open_a_value() {
    let key = Key::new(&[7; KEY_BYTES]);
    let sealed = key.seal("a:1", 1, b"hunter2");
    assert_eq!(key.open("a:1", &sealed).as_deref(), Some(&b"hunter2"[..]));
    assert_eq!(key.open("a:2", &sealed), None, "another place");
    assert_eq!(
        Key::new(&[8; KEY_BYTES]).open("a:1", &sealed),
        None,
        "another key"
    );
    let mut bytes = STANDARD.decode(&sealed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(key.open("a:1", &STANDARD.encode(bytes)), None, "a changed bit");
    for broken in ["", "AQ==", "not base64"] {
        assert_eq!(key.open("a:1", broken), None);
    }
}

#[test]
fn the_same_value_is_sealed_differently_each_time() {
    let key = Key::new(&[7; KEY_BYTES]);
    let (one, two) = (key.seal("a:1", 1, b"hunter2"), key.seal("a:1", 2, b"hunter2"));
    assert_ne!(one, two);
    assert!(
        !STANDARD
            .decode(&one)
            .unwrap()
            .windows(7)
            .any(|part| part == b"hunter2")
    );
}
