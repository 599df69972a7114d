use super::*;

#[test]
fn a_longer_retention_brings_nothing_back_and_hides_nothing_new() {
    let mut expired = Expired::default();
    expired.add(100, 10);
    expired.add(50, 20);
    assert!(expired.hides(99, 10), "gone before");
    assert!(!expired.hides(99, 11), "stored since, and young enough now");
    assert!(expired.hides(49, 20) && !expired.hides(49, 21) && !expired.hides(100, 1));
    expired.add(200, 30);
    assert_eq!(expired.steps, [(200, 30)]);
}
