use super::*;

#[test]
fn names_are_the_same_however_they_are_written() {
    assert_eq!(plain(r"a\100b.web."), b"a@b.web.");
    assert_eq!(plain("a@b.web."), b"a@b.web.");
    assert_eq!(plain(r"a\1"), br"a\1");
    assert_ne!(plain(r"a\072b."), plain("a@b."));
}
