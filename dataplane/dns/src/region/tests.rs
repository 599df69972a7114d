use super::*;

#[test]
fn near_is_nearer_than_far() {
    for (from, near, far) in [
        ("eu-central-1", "eu-west-1", "us-east-1"),
        ("us-east-1", "us-east-2", "us-west-2"),
        ("ap-northeast-1", "ap-northeast-2", "eu-west-1"),
        ("ap-southeast-2", "ap-southeast-1", "us-east-1"),
        ("sa-east-1", "us-east-1", "ap-south-1"),
        ("nowhere-1", "nowhere-1", "us-east-1"),
        ("us-west-2", "ap-northeast-1", "nowhere-1"),
    ] {
        assert!(distance(from, near) < distance(from, far), "{from} {near} {far}");
    }
}
