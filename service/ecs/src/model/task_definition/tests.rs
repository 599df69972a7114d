use contract::task::{Device, Mount, Restart, Tmpfs};
use serde_json::{Value, json};

use super::container::Log;
use super::*;

fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1")
}

/// `patch` over `base`: objects are merged, everything else is replaced; the first container is under `app`.
fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch,
    }
}

fn parsed(base: Value, patch: Value) -> Result<TaskSpec, String> {
    let mut whole = base;
    merge(&mut whole, patch);
    if let Some(app) = whole.as_object_mut().and_then(|it| it.remove("app")) {
        merge(&mut whole["containerDefinitions"][0], app);
    }
    let mut request = from_json(&whole.to_string()).unwrap();
    parse(&mut request, &scope()).map_err(|error| {
        assert_eq!(error.code, "ClientException");
        error.message
    })
}

fn fargate(patch: Value) -> Result<TaskSpec, String> {
    let base = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "app", "image": "nginx"}],
    });
    parsed(base, patch)
}

fn machine(patch: Value) -> Result<TaskSpec, String> {
    let base = json!({
        "family": "web", "networkMode": "none",
        "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128}],
    });
    parsed(base, patch)
}

#[test]
fn everything_that_linux_can_is_taken_over() {
    let spec = machine(json!({
        "pidMode": "task", "ipcMode": "host",
        "volumes": [
            {"name": "scratch"}, {"name": "etc", "host": {"sourcePath": "/srv/etc"}},
            {"name": "kept", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true}},
        ],
        "app": {
            "privileged": true, "hostname": "box", "dnsServers": ["9.9.9.9"], "dnsSearchDomains": ["corp"],
            "extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.9"}], "memoryReservation": 64,
            "dockerSecurityOptions": ["no-new-privileges"], "dockerLabels": {"a": "b"},
            "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
            "mountPoints": [{"sourceVolume": "etc", "containerPath": "/etc/app", "readOnly": true}],
            "restartPolicy": {"enabled": true, "ignoredExitCodes": [0]}, "versionConsistency": "disabled",
            "linuxParameters": {
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "initProcessEnabled": true,
                "sharedMemorySize": 256, "maxSwap": 0, "swappiness": 10,
                "tmpfs": [{"containerPath": "/run", "size": 16, "mountOptions": ["noexec"]}],
                "devices": [{"hostPath": "/dev/fuse", "permissions": ["read"]}],
            },
            "logConfiguration": {"logDriver": "none"},
        },
    }))
    .unwrap();
    assert_eq!((spec.processes, spec.ipc), (Sharing::Task, Sharing::Host));
    let kept = contract::task::VolumeSource::Shared {
        key: "000000000000-us-east-1-kept".into(),
    };
    assert_eq!(spec.volumes[2].source, kept);
    let one = &spec.containers[0];
    assert_eq!(one.names.hostname.as_deref(), Some("box"));
    assert_eq!(one.names.hosts, [("db".to_owned(), "10.0.0.9".to_owned())]);
    assert_eq!(
        (&one.names.dns_servers[..], &one.names.dns_search[..]),
        (&["9.9.9.9".to_owned()][..], &["corp".to_owned()][..])
    );
    let mount = Mount {
        volume: "etc".into(),
        path: "/etc/app".into(),
        readonly: true,
    };
    assert_eq!(one.mounts, [mount]);
    let restart = Restart {
        ignored_exit_codes: vec![0],
        attempt_period_seconds: 300,
    };
    assert_eq!((one.restart.as_ref(), one.pinned), (Some(&restart), false));
    let linux = &one.linux;
    assert!(linux.privileged && linux.no_new_privileges && linux.init);
    assert_eq!(linux.capabilities_add, ["NET_ADMIN"]);
    assert_eq!(linux.capabilities_drop, ["ALL"]);
    assert_eq!(
        (linux.shared_memory_mib, linux.max_swap_mib, linux.swappiness),
        (Some(256), Some(0), Some(10))
    );
    let tmpfs = Tmpfs {
        path: "/run".into(),
        size_mib: 16,
        options: vec!["noexec".into()],
    };
    assert_eq!(linux.tmpfs, [tmpfs]);
    let device = Device {
        host_path: "/dev/fuse".into(),
        path: "/dev/fuse".into(),
        read: true,
        write: false,
        make_node: false,
    };
    assert_eq!(linux.devices, [device]);
    assert_eq!(
        linux.sysctls,
        [("net.core.somaxconn".to_owned(), "1024".to_owned())]
    );
    assert_eq!((&one.log, one.memory_reservation_mib), (&Log::None, Some(64)));
    assert!(!spec.fits_fargate);
}

#[test]
fn secrets_name_parameters_and_members_of_secrets() {
    let arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:db-AbCdEf";
    let spec = fargate(json!({"executionRoleArn": "reader", "app": {"secrets": [
        {"name": "A", "valueFrom": "/app/key"},
        {"name": "B", "valueFrom": format!("{arn}:user:AWSPREVIOUS:")},
        {"name": "C", "valueFrom": "arn:aws:ssm:us-west-2:000000000000:parameter/key"},
    ]}}))
    .unwrap();
    assert_eq!(
        spec.execution_role.as_deref(),
        Some("arn:aws:iam::000000000000:role/reader")
    );
    let regions: Vec<&str> = spec.containers[0]
        .secrets
        .iter()
        .map(|it| it.region.as_str())
        .collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1", "us-west-2"]);
    let expected = super::container::Source::Secret {
        arn: arn.into(),
        key: Some("user".into()),
        stage: Some("AWSPREVIOUS".into()),
        version: None,
    };
    assert_eq!(spec.containers[0].secrets[1].source, expected);
}

#[test]
fn where_a_task_definition_can_run_is_found_out() {
    use shape::Compatibility::{Ec2, External, Fargate};
    assert_eq!(fargate(json!({})).unwrap().compatibilities(), [Ec2, Fargate]);
    assert_eq!(machine(json!({})).unwrap().compatibilities(), [External, Ec2]);
    let sizeless = fargate(json!({"requiresCompatibilities": ["EC2"], "cpu": null})).unwrap();
    assert_eq!(sizeless.compatibilities(), [Ec2]);
}

#[test]
fn what_fargate_does_not_have_is_refused_in_the_words_of_aws() {
    let no = |what: &str| format!("Fargate compatible task definitions do not support {what}");
    for (patch, words) in [
        (
            json!({"networkMode": "bridge"}),
            "Fargate only supports network mode ‘awsvpc’.".to_owned(),
        ),
        (
            json!({"cpu": null}),
            "Fargate requires that 'cpu' be defined at the task level.".to_owned(),
        ),
        (
            json!({"memory": null}),
            "Fargate requires that 'memory' be defined at the task level.".to_owned(),
        ),
        (
            json!({"memory": "3072"}),
            "No Fargate configuration exists for given values: 256 CPU, 3072 memory.".to_owned(),
        ),
        (
            json!({"ephemeralStorage": {"sizeInGiB": 20}}),
            "Invalid setting for ephemeral storage. Size must be between 21 GiB and 200 GiB.".to_owned(),
        ),
        (
            json!({"ipcMode": "task"}),
            "Tasks using the Fargate launch type do not support ipcMode.".to_owned(),
        ),
        (
            json!({"pidMode": "host"}),
            "Tasks using the Fargate launch type do not support pidMode 'host'.".to_owned(),
        ),
        (
            json!({"placementConstraints": [{"type": "memberOf", "expression": "x"}]}),
            no("constraints"),
        ),
        (
            json!({"volumes": [{"name": "v", "host": {"sourcePath": "/x"}}]}),
            no("sourcePath"),
        ),
        (
            json!({"volumes": [{"name": "v", "dockerVolumeConfiguration": {}}]}),
            no("dockerVolumeConfiguration"),
        ),
        (json!({"app": {"privileged": true}}), no("privileged")),
        (
            json!({"app": {"dockerSecurityOptions": ["no-new-privileges"]}}),
            no("dockerSecurityOptions"),
        ),
        (
            json!({"app": {"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}}}),
            no("devices"),
        ),
        (
            json!({"app": {"linuxParameters": {"sharedMemorySize": 64}}}),
            no("sharedMemorySize"),
        ),
        (
            json!({"app": {"linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 1}]}}}),
            no("tmpfs"),
        ),
        (json!({"app": {"linuxParameters": {"maxSwap": 1}}}), no("maxSwap")),
        (
            json!({"app": {"linuxParameters": {"swappiness": 1}}}),
            no("swappiness"),
        ),
        (
            json!({"app": {"resourceRequirements": [{"type": "GPU", "value": "1"}]}}),
            no("GPU"),
        ),
    ] {
        assert_eq!(fargate(patch.clone()), Err(words), "{patch}");
    }
    assert!(
        fargate(
            json!({"app": {"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}}})
        )
        .is_ok()
    );
    assert!(fargate(json!({"pidMode": "task", "ephemeralStorage": {"sizeInGiB": 21}})).is_ok());
}

#[test]
fn bad_definitions_are_refused_in_the_words_of_aws() {
    let port = |mapping: Value| json!({"app": {"portMappings": [mapping]}});
    let log =
        |options: Value| json!({"app": {"logConfiguration": {"logDriver": "awslogs", "options": options}}});
    for (patch, words) in [
        (json!({"family": ""}), "Family cannot be null or empty."),
        (json!({"family": "a b"}), "Family contains invalid characters."),
        (
            json!({"family": "x".repeat(256)}),
            "Family name should not be longer than 255 characters.",
        ),
        (
            json!({"containerDefinitions": []}),
            "Container list cannot be empty.",
        ),
        (
            json!({"containerDefinitions": vec![json!({"name": "a"}); 11]}),
            "Too many containers.",
        ),
        (
            json!({"requiresCompatibilities": ["MOON"]}),
            "MOON is not a valid compatibility: it is one of EC2, FARGATE, EXTERNAL.",
        ),
        (
            json!({"networkMode": "wifi"}),
            "Network mode 'wifi' is not one of bridge, host, awsvpc, none.",
        ),
        (json!({"cpu": "much"}), "Invalid 'cpu' setting for task: 'much'"),
        (
            json!({"memory": "much"}),
            "Invalid 'memory' setting for task: 'much'",
        ),
        (
            json!({"taskRoleArn": "arn:aws:iam::1:role/x"}),
            "Role is not valid",
        ),
        (
            json!({"app": {"name": ""}}),
            "Container.name should not be null or empty.",
        ),
        (
            json!({"app": {"image": ""}}),
            "Container.image should not be null or empty.",
        ),
        (
            json!({"app": {"essential": false}}),
            "Task definition does not have any essential containers.",
        ),
        (
            json!({"app": {"memory": null}}),
            "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified.",
        ),
        (
            json!({"app": {"memory": 5}}),
            "Invalid 'memory' setting for container 'app': it must be at least 6 MiB.",
        ),
        (
            json!({"app": {"memoryReservation": 256}}),
            "Invalid setting for container 'app'. 'memory' must be greater than 'memoryReservation'.",
        ),
        (
            json!({"memory": "64"}),
            "The total memory of containers exceeds the task's 'memory'.",
        ),
        (
            json!({"cpu": "128", "app": {"cpu": 256}}),
            "The total CPU units of containers exceeds the task's 'cpu'.",
        ),
        (
            json!({"app": {"stopTimeout": 121}}),
            "Invalid stopTimeout for container 'app': it must be between 0 and 120 seconds.",
        ),
        (
            json!({"app": {"startTimeout": 1}}),
            "Invalid startTimeout for container 'app': it must be at least 2 seconds.",
        ),
        (
            port(json!({"containerPort": 80})),
            "Port mappings are not supported when networkMode=none.",
        ),
        (
            json!({"app": {"dependsOn": [{"containerName": "app", "condition": "START"}]}}),
            "Container 'app' cannot depend on itself.",
        ),
        (
            json!({"app": {"dependsOn": [{"containerName": "db", "condition": "START"}]}}),
            "Container 'app' depends on container 'db', which the task definition does not have.",
        ),
        (
            json!({"app": {"mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}}),
            "Unknown volume 'v'.",
        ),
        (
            json!({"app": {"volumesFrom": [{"sourceContainer": "db"}]}}),
            "Container 'app' mounts volumes from container 'db', which the task definition does not have.",
        ),
        (
            json!({"app": {"secrets": [{"name": "A", "valueFrom": "/a"}]}}),
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ),
        (
            json!({"app": {"secrets": [{"name": "A", "valueFrom": "arn:aws:s3:::x"}]}}),
            "Invalid arn syntax.",
        ),
        (
            json!({"app": {"environment": [{"name": "A", "value": "1"}], "secrets": [{"name": "A", "valueFrom": "/a"}]}}),
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'",
        ),
        (
            json!({"app": {"ulimits": [{"name": "files", "softLimit": 1, "hardLimit": 1}]}}),
            "Invalid ulimit name 'files' for container 'app': it is one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack.",
        ),
        (
            json!({"app": {"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]}}),
            "Invalid ulimit 'nofile' for container 'app': the soft limit is above the hard limit.",
        ),
        (
            json!({"app": {"linuxParameters": {"swappiness": 101}}}),
            "Invalid swappiness 101 for container 'app': it must be between 0 and 100.",
        ),
        (
            json!({"app": {"restartPolicy": {"enabled": true, "restartAttemptPeriod": 59}}}),
            "Invalid restartAttemptPeriod for container 'app': it must be between 60 and 1800 seconds.",
        ),
        (
            json!({"app": {"extraHosts": [{"hostname": "db", "ipAddress": "there"}]}}),
            "Invalid IP address 'there' in the extraHosts of container 'app'.",
        ),
        (
            log(json!({"awslogs-region": "us-east-1"})),
            "Log driver awslogs requires options: awslogs-group",
        ),
        (
            log(json!({"awslogs-group": "g"})),
            "Log driver awslogs requires options: awslogs-region",
        ),
        (
            json!({"app": {"logConfiguration": {"logDriver": "gelf"}}}),
            "Wharf does not serve the log driver gelf (container 'app') yet.",
        ),
        (
            json!({"app": {"links": ["db"]}}),
            "Links are only supported when networkMode=bridge.",
        ),
        (
            json!({"runtimePlatform": {"cpuArchitecture": "ARM64"}}),
            "runtimePlatform.cpuArchitecture is ARM64, but this machine is X86_64: its containers cannot run here.",
        ),
    ] {
        if patch.to_string().contains("ARM64") && !cfg!(target_arch = "x86_64") {
            continue;
        }
        assert_eq!(
            machine(patch.clone()).map(|_| ()),
            Err(words.to_owned()),
            "{patch}"
        );
    }
}

#[test]
fn awsvpc_and_bridge_have_their_own_rules() {
    let app = |field: &str, value: Value| json!({"app": {field: value}});
    for (patch, words) in [
        (
            app("hostname", json!("box")),
            "hostname is not supported on container when networkMode=awsvpc.",
        ),
        (
            app("dnsServers", json!(["1.1.1.1"])),
            "DNS servers are not supported on container when networkMode=awsvpc.",
        ),
        (
            app("dnsSearchDomains", json!(["x"])),
            "DNS search domains are not supported on container when networkMode=awsvpc.",
        ),
        (
            app("extraHosts", json!([{"hostname": "a", "ipAddress": "1.1.1.1"}])),
            "Extra hosts are not supported on container when networkMode=awsvpc.",
        ),
        (
            app("disableNetworking", json!(true)),
            "Disable Networking is not supported on container when networkMode=awsvpc.",
        ),
        (
            app("portMappings", json!([{"containerPort": 80, "hostPort": 8080}])),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        (
            app("portMappings", json!([{"containerPort": 0}])),
            "Container ports must be between 1 and 65535.",
        ),
        (
            app(
                "portMappings",
                json!([{"containerPortRange": "1-2", "containerPort": 1}]),
            ),
            "cannot specify both single port and port range",
        ),
        (
            app(
                "portMappings",
                json!([{"containerPort": 80, "name": "web"}, {"containerPort": 81, "name": "web"}]),
            ),
            "The port mapping name 'web' is used more than once; port mapping names must be unique in a task definition.",
        ),
    ] {
        assert_eq!(
            fargate(patch.clone()).map(|_| ()),
            Err(words.to_owned()),
            "{patch}"
        );
    }
    let bridge =
        json!({"networkMode": "bridge", "app": {"portMappings": [{"containerPort": 8502, "hostPort": 80}]}});
    assert_eq!(machine(bridge).unwrap().containers[0].ports, [8502]);
}
