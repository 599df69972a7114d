use super::*;

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

#[test]
fn the_environment_has_path_and_home_and_the_last_value_wins() {
    let set = environment(
        &owned(&[("A", "1"), ("HOME", ""), ("A", "2"), ("EMPTY", "")]),
        "/home/web",
    );
    assert_eq!(
        set,
        [
            &format!("PATH={}", crate::process::DEFAULT_PATH),
            "HOME=/home/web",
            "A=2",
            "EMPTY="
        ]
    );
}

#[test]
fn what_is_needed_until_exec_is_not_in_the_bounding_set() {
    let user = User {
        uid: 0,
        gid: 0,
        additional_gids: vec![],
        home: "/".to_owned(),
    };
    let process = Process {
        arguments: &["/bin/true".to_owned()],
        environment: &[],
        working_directory: "/",
        user: &user,
        terminal: false,
        rlimits: &[],
    }
    .to_json();
    let names = |set: &str| process["capabilities"][set].as_array().unwrap().clone();
    assert!(names("effective").contains(&json!("CAP_SYS_ADMIN")));
    assert!(!names("bounding").contains(&json!("CAP_SYS_ADMIN")));
    assert_eq!(process["user"]["additionalGids"], json!([0]));
}

#[test]
fn limits_are_only_there_when_asked_for() {
    assert!(resources(Limits::default()).get("memory").is_none());
    let limited = resources(Limits {
        cpu_units: Some(1),
        memory_mib: Some(3),
    });
    assert_eq!(
        (&limited["cpu"]["shares"], &limited["memory"]["limit"]),
        (&json!(2), &json!(3 << 20))
    );
}
