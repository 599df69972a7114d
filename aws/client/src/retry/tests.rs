use super::*;

#[test]
fn what_may_pass_is_tried_again() {
    for (status, code, again) in [
        (500, "ServerException", true),
        (503, "EndpointUnreachable", true),
        (502, "502", true),
        (504, "504", true),
        (400, "ThrottlingException", true),
        (400, "RequestLimitExceeded", true),
        (400, "RequestTimeout", true),
        (400, "ClusterNotFoundException", false),
        (403, "ExpiredToken", false),
        (404, "NoSuchEntity", false),
        (501, "NotImplemented", false),
    ] {
        assert_eq!(
            may_pass(&ApiError::with_status(status, code, "")),
            again,
            "{status} {code}"
        );
    }
}

#[test]
fn waits_double_up_to_a_limit() {
    assert_eq!(wait(0, 0.5), Duration::from_millis(500));
    assert_eq!(wait(1, 0.5), Duration::from_secs(1));
    assert_eq!(wait(3, 1.0), Duration::from_secs(8));
    assert_eq!(wait(1000, 1.0), Duration::from_secs(20));
    assert_eq!(wait(5, 0.0), Duration::ZERO);
}
