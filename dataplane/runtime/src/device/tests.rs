use super::*;

fn device(host_path: &str, path: &str) -> Device {
    Device {
        host_path: host_path.to_owned(),
        path: path.to_owned(),
        read: true,
        write: false,
        make_node: true,
    }
}

#[test]
fn a_device_becomes_a_node_and_a_rule() {
    let nodes = resolve(&[device("/dev/zero", "/dev/nought")]).unwrap();
    assert_eq!(
        nodes[0].rule(),
        json!({"allow": true, "type": "c", "major": 1, "minor": 5, "access": "rm"})
    );
    let node = nodes[0].to_json();
    assert_eq!(
        (&node["path"], &node["minor"]),
        (&json!("/dev/nought"), &json!(5))
    );
}

#[test]
fn what_is_no_device_or_lies_elsewhere_is_refused() {
    for (host, path, sentence) in [
        (
            "/etc/passwd",
            "/dev/x",
            "/etc/passwd is not a device of this machine",
        ),
        ("/dev/none", "", "device /dev/none cannot be given"),
        ("/dev/null", "/etc/null", "device /etc/null cannot be made"),
        ("/dev/null", "/dev/../null", "device /dev/../null cannot be made"),
    ] {
        let refused = resolve(&[device(host, path)]).unwrap_err();
        assert!(refused.starts_with(sentence), "{refused}");
    }
}

#[test]
fn a_privileged_container_gets_the_hosts_devices_but_not_its_terminals() {
    let paths: Vec<_> = all().into_iter().map(|node| node.path).collect();
    assert!(paths.contains(&PathBuf::from("/dev/null")));
    assert!(!paths.iter().any(|path| path.starts_with("/dev/pts")));
}
