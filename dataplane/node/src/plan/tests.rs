use super::*;
use contract::image::ImageRef;
use contract::task::{BridgeEnd, Host, Linux, LogTarget, Names, Root, Sharing, StopKind};
use dataplane_runtime::process::ImageDefaults;

fn desired() -> DesiredTask {
    DesiredTask {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        generation: 1,
        label: "web:1".to_owned(),
        cpu_units: Some(256),
        memory_mib: Some(512),
        interface: None,
        host: None,
        containers: vec![Container {
            name: "web".to_owned(),
            image: ImageRef {
                name: "web".to_owned(),
                digest: None,
            },
            root: Root::Image,
            entry_point: None,
            command: Some(vec!["serve".to_owned()]),
            environment: vec![("A".to_owned(), "2".to_owned())],
            working_directory: None,
            user: None,
            essential: true,
            depends_on: vec![],
            start_timeout_seconds: None,
            stop_timeout_seconds: 30,
            readonly_root: false,
            interactive: false,
            pseudo_terminal: false,
            disable_networking: false,
            cpu_units: None,
            memory_mib: Some(128),
            health_check: None,
            ulimits: vec![],
            ports: vec![],
            log: LogTarget::None,
            delivery: Default::default(),
            memory_reservation_mib: None,
            mounts: vec![],
            names: Names::default(),
            linux: Linux::default(),
            restart: None,
        }],
        volumes: vec![],
        processes: Sharing::Container,
        ipc: Sharing::Container,
        stop: None,
    }
}

fn image() -> PreparedImage {
    PreparedImage {
        digest: Some("sha256:aa".to_owned()),
        layers: vec!["/layer".into()],
        defaults: ImageDefaults {
            entry_point: vec!["/entry".to_owned()],
            command: vec!["default".to_owned()],
            environment: vec!["A=1".to_owned(), "B=x=y".to_owned()],
        },
        working_directory: Some("app".to_owned()),
        user: Some("web".to_owned()),
        stop_signal: None,
    }
}

#[test]
fn a_task_is_translated_for_its_shim() {
    let spec = task_spec(&desired(), &[image()], Place::default(), &[]).unwrap();
    let container = &spec.containers[0];
    assert_eq!(container.arguments, ["/entry", "serve"]);
    let set: Vec<_> = container
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(set, ["A=1", "B=x=y", "A=2"]);
    assert_eq!(
        (container.working_directory.as_str(), container.user.as_deref()),
        ("/app", Some("web"))
    );
    assert_eq!(
        spec.limits,
        Limits {
            cpu_units: Some(256),
            memory_mib: Some(512)
        }
    );
    assert_eq!(spec.hostname, "0123456789ab");
}

#[test]
fn nothing_to_run_is_said_with_the_containers_name() {
    let mut image = image();
    image.defaults = ImageDefaults::default();
    let mut desired = desired();
    desired.containers[0].command = None;
    let sentence = task_spec(&desired, &[image], Place::default(), &[]).unwrap_err();
    assert!(
        sentence.starts_with("container web: no command specified"),
        "{sentence}"
    );
}

#[test]
fn runtime_ids_are_the_task_and_ten_digits() {
    let (one, other) = (runtime_id("abc", 0), runtime_id("abc", 1));
    assert_ne!(one, other);
    assert!(
        one.strip_prefix("abc-")
            .unwrap()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    );
    assert_eq!(one.len(), "abc-".len() + 10);
}

#[test]
fn the_first_cause_of_an_end_stands() {
    let mut observed = provisioning(&desired());
    let cause = |kind, reason: &str| StopCause {
        kind,
        reason: reason.to_owned(),
    };
    stopped(
        &mut observed,
        cause(StopKind::Requested, "first"),
        Timestamp::UNIX_EPOCH,
    );
    stopped(
        &mut observed,
        cause(StopKind::Lost, "second"),
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(observed.stop_cause.unwrap().reason, "first");
    assert_eq!(observed.containers[0].phase, ContainerPhase::Stopped);
}

#[test]
fn names_of_a_container_replace_the_tasks() {
    let mut desired = desired();
    let pair = |name: &str, address: &str| (name.to_owned(), address.to_owned());
    desired.containers[0].names = Names {
        hostname: Some("db".to_owned()),
        hosts: vec![pair("cache", "10.0.0.9")],
        dns_servers: vec![],
        dns_search: vec!["a.example".to_owned(), "b.example".to_owned()],
    };
    let place = Place {
        network: Some("/pin".into()),
        resolver: Some([10, 0, 0, 2].into()),
        ..Place::default()
    };
    let spec = task_spec(&desired, &[image()], place, &[]).unwrap();
    let container = &spec.containers[0];
    assert_eq!(container.hostname.as_deref(), Some("db"));
    assert_eq!(
        container.hosts.as_deref(),
        Some("127.0.0.1 localhost\n127.0.0.1 db\n10.0.0.9 cache\n")
    );
    assert_eq!(
        container.resolv_conf.as_deref(),
        Some("nameserver 10.0.0.2\nsearch a.example b.example\n")
    );
    desired.containers[0].names = Names {
        dns_servers: vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()],
        ..Names::default()
    };
    let spec = task_spec(&desired, &[image()], Place::default(), &[]).unwrap();
    assert_eq!(
        spec.containers[0].resolv_conf.as_deref(),
        Some("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    );
    assert_eq!(spec.containers[0].hosts, None);
}

#[test]
fn restarts_and_notes_are_told() {
    let mut observed = provisioning(&desired());
    let status = TaskStatus {
        id: "x".to_owned(),
        phase: TaskPhase::Running,
        containers: vec![ContainerStatus {
            name: "web".to_owned(),
            runtime_id: "x-1".to_owned(),
            image_digest: None,
            phase: ContainerPhase::Running,
            exit_code: None,
            reason: None,
            health: Health::Unknown,
            started_at: None,
            stopped_at: None,
            restarts: 3,
            notes: vec!["less than asked for".to_owned()],
        }],
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        cause: None,
    };
    take_in(&mut observed, &status);
    assert_eq!(observed.containers[0].restarts, 3);
    assert_eq!(observed.containers[0].notes, ["less than asked for"]);
}

#[test]
fn a_host_runs_this_machines_own_program() {
    let mut desired = desired();
    desired.containers[0].root = Root::Machine {
        disk: "i-1".to_owned(),
    };
    let arguments = ["instance".to_owned()];
    let spec = task_spec(
        &desired,
        &[PreparedImage::default()],
        Place::default(),
        &arguments,
    )
    .unwrap();
    assert_eq!(
        spec.containers[0].arguments,
        [OWN_PROGRAM, "instance", "256", "512"]
    );
    assert_eq!(spec.containers[0].disk.as_deref(), Some("i-1"));
}

#[test]
fn containers_behind_a_bridge_have_their_own_names_and_seats() {
    let mut desired = desired();
    let end = |last| BridgeEnd {
        address: [172, 17, 0, last].into(),
        publish: vec![],
    };
    desired.host = Some(Host {
        disk: "i-1".to_owned(),
        network: HostNetwork::Bridge(vec![end(2)]),
    });
    let place = Place {
        ends: vec!["/seat".into()],
        ..Place::default()
    };
    let spec = task_spec(&desired, &[image()], place, &[]).unwrap();
    let container = &spec.containers[0];
    assert_eq!(
        (&spec.network, container.network.as_deref()),
        (&None, Some(std::path::Path::new("/seat")))
    );
    assert_eq!(
        container.hosts.as_deref(),
        Some("127.0.0.1 localhost\n172.17.0.2 0123456789ab\n")
    );
    assert_eq!(places(&desired), [runtime_id(&desired.id, 0)]);
}
