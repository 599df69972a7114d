use super::*;

fn service(desired: i32, minimum: i32, maximum: i32) -> ecs::Service {
    ecs::Service {
        service_name: Some("web".into()),
        desired_count: Some(desired),
        deployment_configuration: Some(ecs::DeploymentConfiguration {
            minimum_healthy_percent: Some(minimum),
            maximum_percent: Some(maximum),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[test]
fn a_roll_out_without_room_is_found() {
    for (desired, minimum, maximum, expected) in [
        (1, 50, 100, true),
        (2, 50, 100, false),
        (1, 100, 200, false),
        (1, 0, 100, false),
        (4, 100, 110, true),
        (10, 100, 110, false),
        (3, 67, 100, true),
        (0, 100, 100, false),
    ] {
        let found = blocked(&service(desired, minimum, maximum), None, "c");
        assert_eq!(
            found.is_some(),
            expected,
            "{desired} tasks, {minimum} to {maximum} %"
        );
    }
    let found = blocked(&service(1, 50, 100), None, "wharf").unwrap();
    assert_eq!(
        found.message,
        "a roll-out of web can never proceed: with 1 task desired, minimumHealthyPercent 50 means that at least 1 run, and maximumPercent 100 that at most 1 do, so none can be replaced"
    );
    assert!(
        blocked(&service(1, 50, 100), Some(2), "c").is_none(),
        "another count has room"
    );
}
