//! Instances over a pretended data plane.

use contract::task::{Root, StopKind};

use super::*;
use crate::Instances;

pub(super) struct Cloud {
    pub(super) world: World,
    pub(super) subnet: String,
}

pub(super) async fn cloud() -> Cloud {
    let world = world();
    let vpc = world.vpc().await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await.unwrap();
    Cloud { world, subnet }
}

pub(super) fn image() -> String {
    let all = crate::model::image::all("us-east-1");
    all.iter()
        .find(|it| it.name.starts_with("amzn2-ami-ecs"))
        .unwrap()
        .id
        .clone()
}

impl Cloud {
    pub(super) fn request(&self) -> RunInstancesRequest {
        RunInstancesRequest {
            image_id: Some(image()),
            instance_type: Some(InstanceType::T3Micro),
            subnet_id: Some(self.subnet.clone()),
            min_count: 1,
            max_count: 1,
            ..Default::default()
        }
    }

    pub(super) async fn run(&self, input: RunInstancesRequest) -> Result<Vec<Instance>, ApiError> {
        let reservation = self.world.ec2.run_instances(&self.world.context, input).await?;
        Ok(reservation.instances.unwrap())
    }

    async fn one(&self) -> String {
        self.run(self.request()).await.unwrap()[0]
            .instance_id
            .clone()
            .unwrap()
    }

    pub(super) async fn reconcile(&self) {
        let reconciler = Instances::new(self.world.ec2.clone());
        reconciler.activate().await.unwrap();
    }

    /// Until everything is as it shall be.
    pub(super) async fn settle(&self) {
        for _ in 0..5 {
            self.reconcile().await;
            plane::step(&self.world.store).await;
        }
        self.reconcile().await;
    }

    pub(super) async fn describe(&self, id: &str) -> Instance {
        let input = DescribeInstancesRequest {
            instance_ids: Some(vec![id.into()]),
            ..Default::default()
        };
        let found = self
            .world
            .ec2
            .describe_instances(&self.world.context, input)
            .await;
        found.unwrap().reservations.unwrap()[0].instances.clone().unwrap()[0].clone()
    }

    async fn state(&self, id: &str) -> String {
        self.describe(id)
            .await
            .state
            .unwrap()
            .name
            .unwrap()
            .as_str()
            .to_owned()
    }

    async fn stop(&self, id: &str) -> Result<StopInstancesResult, ApiError> {
        let input = StopInstancesRequest {
            instance_ids: vec![id.into()],
            ..Default::default()
        };
        self.world.ec2.stop_instances(&self.world.context, input).await
    }

    async fn start(&self, id: &str) -> Result<StartInstancesResult, ApiError> {
        let input = StartInstancesRequest {
            instance_ids: vec![id.into()],
            ..Default::default()
        };
        self.world.ec2.start_instances(&self.world.context, input).await
    }

    async fn terminate(&self, id: &str) -> Result<TerminateInstancesResult, ApiError> {
        let input = TerminateInstancesRequest {
            instance_ids: vec![id.into()],
            ..Default::default()
        };
        self.world
            .ec2
            .terminate_instances(&self.world.context, input)
            .await
    }

    fn rows(&self) -> Vec<contract::task::DesiredTask> {
        let rows = self.world.store.snapshot().list(table::DESIRED_TASKS);
        rows.into_iter().map(|(_, row)| (*row).clone()).collect()
    }
}

#[tokio::test]
async fn an_instance_is_a_task_with_a_disk_and_its_state_is_what_is_seen() {
    let cloud = cloud().await;
    let id = cloud.one().await;
    assert_eq!(cloud.state(&id).await, "pending");
    assert!(
        cloud.rows().is_empty(),
        "an operation does not start anything itself"
    );
    cloud.reconcile().await;
    let row = &cloud.rows()[0];
    assert_eq!((row.cpu_units, row.memory_mib), (Some(2048), Some(1024)));
    assert_eq!(row.containers[0].root, Root::Machine { disk: id.clone() });
    assert_eq!(row.interface.as_ref().unwrap().subnet, cloud.subnet);
    assert_eq!(cloud.state(&id).await, "pending");
    cloud.settle().await;
    assert_eq!(cloud.state(&id).await, "running");
}

#[tokio::test]
async fn a_stopped_instance_keeps_its_row_and_a_start_is_another_boot() {
    let cloud = cloud().await;
    let id = cloud.one().await;
    cloud.settle().await;
    let first = cloud.rows()[0].id.clone();
    cloud.stop(&id).await.unwrap();
    assert_eq!(cloud.state(&id).await, "stopping");
    assert_eq!(code(cloud.start(&id).await), "IncorrectInstanceState");
    cloud.settle().await;
    assert_eq!(cloud.state(&id).await, "stopped");
    assert_eq!(cloud.rows()[0].id, first);
    let told = cloud.describe(&id).await;
    assert_eq!(
        told.state_reason.unwrap().code.unwrap(),
        "Client.UserInitiatedShutdown"
    );
    cloud.start(&id).await.unwrap();
    assert_eq!(cloud.state(&id).await, "pending");
    cloud.settle().await;
    assert_eq!(cloud.state(&id).await, "running");
    let rows = cloud.rows();
    assert_eq!(rows.len(), 1, "the old boot's row has gone");
    assert_ne!(rows[0].id, first);
    assert_eq!(rows[0].disk(), Some(id.as_str()));
}

#[tokio::test]
async fn a_reboot_is_another_boot_too_but_the_instance_is_running_all_the_while() {
    let cloud = cloud().await;
    let id = cloud.one().await;
    cloud.settle().await;
    let first = cloud.rows()[0].id.clone();
    let input = RebootInstancesRequest {
        instance_ids: vec![id.clone()],
        dry_run: None,
    };
    cloud
        .world
        .ec2
        .reboot_instances(&cloud.world.context, input)
        .await
        .unwrap();
    for _ in 0..8 {
        assert_eq!(cloud.state(&id).await, "running");
        cloud.reconcile().await;
        plane::step(&cloud.world.store).await;
    }
    assert_eq!(cloud.rows().len(), 1);
    assert_ne!(cloud.rows()[0].id, first);
    assert!(cloud.rows()[0].stop.is_none());
}

#[tokio::test]
async fn termination_gives_everything_back_and_is_told_for_a_while() {
    let cloud = cloud().await;
    let id = cloud.one().await;
    cloud.settle().await;
    let delete_subnet = DeleteSubnetRequest {
        subnet_id: cloud.subnet.clone(),
        dry_run: None,
    };
    let (ec2, context) = (&cloud.world.ec2, &cloud.world.context);
    assert_eq!(
        code(ec2.delete_subnet(context, delete_subnet.clone()).await),
        "DependencyViolation"
    );
    cloud.terminate(&id).await.unwrap();
    assert_eq!(cloud.state(&id).await, "shutting-down");
    cloud.settle().await;
    let told = cloud.describe(&id).await;
    assert_eq!(told.state.unwrap().code, Some(48));
    assert_eq!(told.private_ip_address, None);
    assert!(cloud.rows().is_empty());
    ec2.delete_subnet(context, delete_subnet).await.unwrap();
    assert_eq!(code(cloud.start(&id).await), "IncorrectInstanceState");
    cloud.terminate(&id).await.unwrap();
}

#[tokio::test]
async fn a_protected_instance_is_not_terminated() {
    let cloud = cloud().await;
    let input = RunInstancesRequest {
        disable_api_termination: Some(true),
        ..cloud.request()
    };
    let id = cloud.run(input).await.unwrap()[0].instance_id.clone().unwrap();
    assert_eq!(code(cloud.terminate(&id).await), "OperationNotPermitted");
    cloud.stop(&id).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.state(&id).await, "stopped");
}

#[tokio::test]
async fn an_end_nobody_asked_for_means_what_the_instance_says() {
    for (behaviour, kind, expected, reason) in [
        (
            None,
            StopKind::EssentialContainerExited,
            "stopped",
            "Client.InstanceInitiatedShutdown",
        ),
        (None, StopKind::Lost, "stopped", "Server.InternalError"),
        (
            Some(ShutdownBehavior::Terminate),
            StopKind::EssentialContainerExited,
            "terminated",
            "Client.InstanceInitiatedShutdown",
        ),
        (
            None,
            StopKind::FailedToStart,
            "terminated",
            "Server.InternalError",
        ),
    ] {
        let cloud = cloud().await;
        let input = RunInstancesRequest {
            instance_initiated_shutdown_behavior: behaviour,
            ..cloud.request()
        };
        let id = cloud.run(input).await.unwrap()[0].instance_id.clone().unwrap();
        cloud.settle().await;
        plane::end_all(&cloud.world.store, kind).await;
        cloud.settle().await;
        assert_eq!(cloud.state(&id).await, expected, "{kind:?}");
        let told = cloud.describe(&id).await.state_reason.unwrap().code.unwrap();
        assert_eq!(told, reason);
        assert!(cloud.rows().iter().all(|row| row.stop.is_some()));
    }
}

#[tokio::test]
async fn the_same_token_launches_once() {
    let cloud = cloud().await;
    let input = RunInstancesRequest {
        client_token: Some("t".into()),
        max_count: 2,
        ..cloud.request()
    };
    let first = cloud.run(input.clone()).await.unwrap();
    assert_eq!(cloud.run(input.clone()).await.unwrap(), first);
    let other = RunInstancesRequest {
        max_count: 3,
        ..input
    };
    assert_eq!(code(cloud.run(other).await), "IdempotentParameterMismatch");
    let all = cloud
        .world
        .ec2
        .describe_instances(&cloud.world.context, Default::default())
        .await;
    let reservations = all.unwrap().reservations.unwrap();
    assert_eq!(reservations.len(), 1);
    assert_eq!(reservations[0].instances.as_ref().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_awss_words() {
    let cloud = cloud().await;
    let request = || cloud.request();
    let cases = [
        (
            RunInstancesRequest {
                image_id: Some("ami-0".into()),
                ..request()
            },
            "InvalidAMIID.NotFound",
        ),
        (
            RunInstancesRequest {
                image_id: Some("x".into()),
                ..request()
            },
            "InvalidAMIID.Malformed",
        ),
        (
            RunInstancesRequest {
                instance_type: Some("t9.huge".into()),
                ..request()
            },
            "InvalidParameterValue",
        ),
        (
            RunInstancesRequest {
                key_name: Some("k".into()),
                ..request()
            },
            "InvalidKeyPair.NotFound",
        ),
        (
            RunInstancesRequest {
                subnet_id: Some("subnet-1".into()),
                ..request()
            },
            "InvalidSubnetID.NotFound",
        ),
        (
            RunInstancesRequest {
                security_group_ids: Some(vec!["web".into()]),
                ..request()
            },
            "InvalidGroupId.Malformed",
        ),
        (
            RunInstancesRequest {
                user_data: Some("%".into()),
                ..request()
            },
            "InvalidUserData.Malformed",
        ),
        (
            RunInstancesRequest {
                kernel_id: Some("aki-1".into()),
                ..request()
            },
            "UnsupportedOperation",
        ),
        (
            RunInstancesRequest {
                min_count: 2,
                ..request()
            },
            "InvalidParameterValue",
        ),
        (
            RunInstancesRequest {
                dry_run: Some(true),
                ..request()
            },
            "DryRunOperation",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(code(cloud.run(input).await), expected);
    }
    assert_eq!(code(cloud.stop("i-1").await), "InvalidInstanceID.Malformed");
    assert_eq!(
        code(cloud.stop("i-00000000000000001").await),
        "InvalidInstanceID.NotFound"
    );
    assert!(cloud.world.store.snapshot().list(table::INSTANCES).is_empty());
    assert!(cloud.world.store.snapshot().list(table::INTERFACES).is_empty());
}

#[tokio::test]
async fn filters_find_instances() {
    let cloud = cloud().await;
    let tags = TagSpecification {
        resource_type: Some(ResourceType::Instance),
        tags: Some(vec![Tag {
            key: Some("Name".into()),
            value: Some("web".into()),
        }]),
    };
    let input = RunInstancesRequest {
        tag_specifications: Some(vec![tags]),
        ..cloud.request()
    };
    let tagged = cloud.run(input).await.unwrap()[0].instance_id.clone();
    cloud.one().await;
    for (name, value, count) in [
        ("tag:Name", "web", 1),
        ("instance-state-name", "pending", 2),
        ("instance-state-name", "running", 0),
        ("subnet-id", &cloud.subnet, 2),
        ("private-ip-address", "10.0.1.4", 1),
        ("instance-id", tagged.as_deref().unwrap(), 1),
    ] {
        let input = DescribeInstancesRequest {
            filters: Some(vec![Filter {
                name: Some(name.into()),
                values: Some(vec![value.into()]),
            }]),
            ..Default::default()
        };
        let found = cloud
            .world
            .ec2
            .describe_instances(&cloud.world.context, input)
            .await
            .unwrap();
        assert_eq!(found.reservations.unwrap().len(), count, "{name}={value}");
    }
}

#[tokio::test]
async fn an_instance_is_known_by_its_address() {
    let cloud = cloud().await;
    let input = RunInstancesRequest {
        user_data: Some("ZWNobyBoaQ==".into()),
        ..cloud.request()
    };
    let launched = cloud.run(input).await.unwrap()[0].clone();
    let vpc = launched.vpc_id.unwrap();
    let guest = cloud.world.ec2.guest(&vpc, "10.0.1.4".parse().unwrap()).unwrap();
    assert_eq!(Some(guest.instance_id), launched.instance_id);
    assert_eq!(guest.user_data.unwrap(), b"echo hi");
    assert_eq!(guest.hostname, "ip-10-0-1-4.ec2.internal");
    assert_eq!(
        (guest.groups[0].1.as_str(), guest.zone_id.as_str()),
        ("default", "use1-az1")
    );
    assert!(cloud.world.ec2.guest(&vpc, "10.0.1.5".parse().unwrap()).is_none());
    assert!(
        cloud
            .world
            .ec2
            .guest("vpc-1", "10.0.1.4".parse().unwrap())
            .is_none()
    );
}

#[tokio::test]
async fn detailed_monitoring_is_switched_on_and_off() {
    let cloud = cloud().await;
    let id = cloud.one().await;
    let (ec2, context) = (&cloud.world.ec2, &cloud.world.context);
    let on = MonitorInstancesRequest {
        instance_ids: vec![id.clone()],
        dry_run: None,
    };
    let answer = ec2.monitor_instances(context, on).await.unwrap();
    let changed = &answer.instance_monitorings.unwrap()[0];
    assert_eq!(changed.instance_id.as_ref(), Some(&id));
    let state = |one: &Option<Monitoring>| one.as_ref().unwrap().state.as_ref().unwrap().as_str().to_owned();
    assert_eq!(state(&changed.monitoring), "enabled");
    let off = UnmonitorInstancesRequest {
        instance_ids: vec![id.clone(), "i-00000000000000000".into()],
        dry_run: None,
    };
    let refused = ec2.unmonitor_instances(context, off).await.unwrap_err();
    assert_eq!(refused.code, "InvalidInstanceID.NotFound");
    let seen = ec2
        .describe_instances(context, DescribeInstancesRequest::default())
        .await
        .unwrap();
    let reservations = seen.reservations.unwrap();
    let seen = &reservations[0].instances.as_ref().unwrap()[0];
    assert_eq!(state(&seen.monitoring), "enabled", "all or none");
}
