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
        false,
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

fn root_user() -> User {
    User {
        uid: 0,
        gid: 0,
        additional_gids: vec![],
        home: "/".to_owned(),
    }
}

fn check(test: impl Fn(Container<'_>)) {
    let (user, capabilities) = (root_user(), Capabilities::docker());
    let arguments = ["/bin/true".to_owned()];
    let process = Process {
        arguments: &arguments,
        environment: &[],
        working_directory: "/",
        user: &user,
        terminal: false,
        rlimits: &[],
        capabilities: &capabilities,
        no_new_privileges: false,
    };
    test(Container::new(Path::new("/root"), process, "inside", "/group"));
}

#[test]
fn what_is_needed_until_exec_is_not_in_the_bounding_set() {
    check(|container| {
        let process = container.process.to_json();
        let names = |set: &str| process["capabilities"][set].as_array().unwrap().clone();
        assert!(names("effective").contains(&json!("CAP_SYS_ADMIN")));
        assert!(!names("bounding").contains(&json!("CAP_SYS_ADMIN")));
        assert_eq!(process["user"]["additionalGids"], json!([0]));
    });
}

#[test]
fn limits_are_only_there_when_asked_for() {
    check(|mut container| {
        assert!(container.resources().get("memory").is_none());
        container.limits = Limits {
            cpu_units: Some(1),
            memory_mib: Some(3),
        };
        let limited = container.resources();
        assert_eq!(
            (&limited["cpu"]["shares"], &limited["memory"]["limit"]),
            (&json!(2), &json!(3 << 20))
        );
    });
}

#[test]
fn a_privileged_container_has_no_walls() {
    check(|mut container| {
        container.privileged = true;
        let json = container.to_json();
        assert_eq!(json["linux"]["maskedPaths"], json!([]));
        assert_eq!(json["linux"]["readonlyPaths"], json!([]));
        assert_eq!(
            json["linux"]["resources"]["devices"],
            json!([{"allow": true, "access": "rwm"}])
        );
    });
}

#[test]
fn namespaces_are_own_joined_or_left_alone() {
    check(|mut container| {
        container.processes = Namespace::Join("/proc/9/ns/pid".to_owned());
        container.ipc = Namespace::Inherited;
        let kinds = container.namespaces();
        assert!(kinds.contains(&json!({"type": "pid", "path": "/proc/9/ns/pid"})));
        assert!(
            !kinds
                .iter()
                .any(|kind| kind["type"] == "ipc" || kind["type"] == "network")
        );
    });
}

#[test]
fn outer_mounts_come_first_and_read_only_is_so_all_the_way_down() {
    check(|container| {
        let bind = |target: &str, readonly| Bind {
            source: "/source".into(),
            target: target.into(),
            readonly,
        };
        let binds = [bind("/a/b/c", true), bind("/a", false)];
        let tmpfs = [Memory {
            target: "/a/b".into(),
            options: vec!["size=1m".to_owned()],
        }];
        let container = Container {
            binds: &binds,
            tmpfs: &tmpfs,
            ..container
        };
        let mounts = container.asked_mounts();
        let targets: Vec<_> = mounts.iter().map(|mount| mount["destination"].clone()).collect();
        assert_eq!(targets, ["/a", "/a/b", "/a/b/c"]);
        assert_eq!(mounts[2]["options"], json!(["rbind", "rprivate", "ro", "rro"]));
    });
}

#[test]
fn a_further_process_is_the_same_with_another_program() {
    check(|container| {
        let mut process = container.process.to_json();
        process["env"] = json!(["A=1", "B=2=3"]);
        let asked = owned(&[("A", "two")]);
        let further = further(&process, &["sh".to_owned()], &asked, true);
        assert_eq!(further["args"], json!(["sh"]));
        assert_eq!(further["env"], json!(["TERM=xterm", "A=two", "B=2=3"]));
        assert_eq!(further["terminal"], json!(true));
        assert_eq!(further["capabilities"], process["capabilities"]);
    });
}
