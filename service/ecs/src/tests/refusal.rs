//! Every error of CreateService and UpdateService that a caller can provoke, in AWS's words.

use aws_protocol::ApiError;
use aws_shape::ecs::*;

use super::world::World;

fn said<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (String, String) {
    let error = result.unwrap_err();
    (error.code.to_string(), error.message)
}

const INVALID: &str = "InvalidParameterException";
const CLIENT: &str = "ClientException";

fn configuration(change: impl FnOnce(&mut DeploymentConfiguration)) -> Option<DeploymentConfiguration> {
    let mut configuration = DeploymentConfiguration::default();
    change(&mut configuration);
    Some(configuration)
}

fn item(provider: &str, base: i32, weight: i32) -> CapacityProviderStrategyItem {
    CapacityProviderStrategyItem {
        capacity_provider: provider.into(),
        base: Some(base),
        weight: Some(weight),
    }
}

fn subnets(subnets: &[&str], groups: &[&str]) -> Option<NetworkConfiguration> {
    let text = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    Some(NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: text(subnets),
            security_groups: Some(text(groups)),
            assign_public_ip: None,
        }),
    })
}

/// What both operations refuse, as changes of either request.
struct Common {
    what: &'static str,
    code: &'static str,
    words: String,
    load_balancers: Option<Vec<LoadBalancer>>,
    network: Option<NetworkConfiguration>,
    configuration: Option<DeploymentConfiguration>,
    strategy: Option<Vec<CapacityProviderStrategyItem>>,
    other: fn(&mut CreateServiceRequest, &mut UpdateServiceRequest),
}

impl Common {
    fn new(what: &'static str, code: &'static str, words: impl Into<String>) -> Self {
        Self {
            what,
            code,
            words: words.into(),
            load_balancers: None,
            network: None,
            configuration: None,
            strategy: None,
            other: |_, _| {},
        }
    }
}

fn balancer(group: &str, container: &str, port: i32) -> Option<Vec<LoadBalancer>> {
    Some(vec![LoadBalancer {
        target_group_arn: Some(group.into()),
        container_name: Some(container.into()),
        container_port: Some(port),
        ..Default::default()
    }])
}

fn of_configuration() -> Vec<Common> {
    let case = |what, code, words: &str, change: fn(&mut DeploymentConfiguration)| Common {
        configuration: configuration(change),
        ..Common::new(what, code, words)
    };
    vec![
        case(
            "both 100",
            INVALID,
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
            |it| {
                (it.minimum_healthy_percent, it.maximum_percent) = (Some(100), Some(100));
            },
        ),
        case(
            "minimum",
            INVALID,
            "minimumHealthyPercent must be between 0 and 100, not 101.",
            |it| {
                it.minimum_healthy_percent = Some(101);
            },
        ),
        case(
            "maximum",
            INVALID,
            "maximumPercent must be between 0 and 200, not -1.",
            |it| {
                it.maximum_percent = Some(-1);
            },
        ),
        case(
            "maximum below 100",
            INVALID,
            "maximumPercent must be at least 100.",
            |it| {
                it.maximum_percent = Some(99);
            },
        ),
        case(
            "unknown strategy",
            INVALID,
            "Deployment strategy should be one of [ROLLING,BLUE_GREEN,LINEAR,CANARY]",
            |it| {
                it.strategy = Some("SLOW".into());
            },
        ),
        case(
            "blue and green",
            CLIENT,
            "Wharf does not serve deployment strategies other than ROLLING yet.",
            |it| {
                it.strategy = Some(DeploymentStrategy::BlueGreen);
            },
        ),
        case(
            "alarms",
            CLIENT,
            "Wharf does not serve deployment alarms and lifecycle hooks yet.",
            |it| {
                it.alarms = Some(DeploymentAlarms {
                    alarm_names: vec!["a".into()],
                    enable: true,
                    rollback: false,
                });
            },
        ),
        case(
            "bake time",
            CLIENT,
            "Wharf does not serve bake times, linear and canary deployments yet.",
            |it| {
                it.bake_time_in_minutes = Some(5);
            },
        ),
    ]
}

fn of_strategy() -> Vec<Common> {
    let case = |what, words: &str, strategy: Vec<CapacityProviderStrategyItem>| Common {
        strategy: Some(strategy),
        ..Common::new(what, INVALID, words)
    };
    vec![
        case(
            "unknown provider",
            "The specified capacity provider was not found. Specify a valid name or ARN and try again.",
            vec![item("MINE", 0, 1)],
        ),
        case(
            "twice",
            "A capacity provider may only be specified once in a strategy.",
            vec![item("FARGATE", 0, 1), item("FARGATE", 0, 1)],
        ),
        case(
            "not associated",
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
            vec![item("FARGATE_SPOT", 0, 1)],
        ),
        case(
            "weight",
            "Invalid capacity provider base or weight.",
            vec![item("FARGATE", 0, 1001)],
        ),
        case(
            "no weight",
            "At least one capacity provider must have a weight value greater than zero.",
            vec![item("FARGATE", 1, 0)],
        ),
        case(
            "too many",
            "A capacity provider strategy can contain a maximum of 20 capacity providers.",
            vec![item("FARGATE", 0, 1); 21],
        ),
    ]
}

fn of_neighbours(world: &World) -> Vec<Common> {
    let group = &world.group;
    let unknown = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/no/0000000000000000";
    let balancer = |what, words: String, load_balancers| Common {
        load_balancers,
        ..Common::new(what, INVALID, words)
    };
    let network = |what, words: &str, network| Common {
        network,
        ..Common::new(what, INVALID, words)
    };
    let own = &world.subnets[0];
    vec![
        balancer(
            "port",
            "The container app did not have a container port 81 defined.".into(),
            self::balancer(group, "app", 81),
        ),
        balancer(
            "container",
            "The container no does not exist in the task definition.".into(),
            self::balancer(group, "no", 80),
        ),
        balancer(
            "group",
            format!("The specified target group does not exist. (targetGroupArn: {unknown})"),
            self::balancer(unknown, "app", 80),
        ),
        balancer(
            "classic",
            "Classic Load Balancers are not supported with Fargate.".into(),
            Some(vec![LoadBalancer {
                load_balancer_name: Some("old".into()),
                ..Default::default()
            }]),
        ),
        balancer(
            "no group",
            "Target Group ARN can not be blank.".into(),
            Some(vec![LoadBalancer::default()]),
        ),
        balancer(
            "too many",
            "load balancers can have at most 5 items.".into(),
            Some(vec![self::balancer(group, "app", 80).unwrap().remove(0); 6]),
        ),
        network("no subnet", "subnets can not be empty.", subnets(&[], &[])),
        network(
            "unknown subnet",
            "Error retrieving subnet information for [subnet]: The subnet ID 'subnet-0123' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
            subnets(&["subnet-0123"], &[]),
        ),
        network(
            "unknown group",
            "Error retrieving security group information for [security group]: The security group 'sg-0123' does not exist (ErrorCode: InvalidGroup.NotFound)",
            subnets(&[own], &["sg-0123"]),
        ),
    ]
}

fn of_members() -> Vec<Common> {
    let case = |what, code, words: &str, other| Common {
        other,
        ..Common::new(what, code, words)
    };
    vec![
        case(
            "unknown cluster",
            "ClusterNotFoundException",
            "Cluster not found.",
            |create, update| {
                (create.cluster, update.cluster) = (Some("no".into()), Some("no".into()));
            },
        ),
        case(
            "unknown definition",
            CLIENT,
            "TaskDefinition not found.",
            |create, update| {
                (create.task_definition, update.task_definition) = (Some("no:1".into()), Some("no:1".into()));
            },
        ),
        case(
            "inactive definition",
            CLIENT,
            "TaskDefinition is inactive",
            |create, update| {
                (create.task_definition, update.task_definition) =
                    (Some("web:2".into()), Some("web:2".into()));
            },
        ),
        case(
            "too many tasks",
            INVALID,
            "desiredCount must be between 0 and 5000.",
            |create, update| {
                (create.desired_count, update.desired_count) = (Some(5001), Some(5001));
            },
        ),
        case(
            "grace",
            INVALID,
            "healthCheckGracePeriodSeconds must be between 0 and 2147483647.",
            |create, update| {
                (
                    create.health_check_grace_period_seconds,
                    update.health_check_grace_period_seconds,
                ) = (Some(-1), Some(-1));
            },
        ),
        case(
            "unknown platform",
            "PlatformUnknownException",
            "The specified platform does not exist.",
            |create, update| {
                (create.platform_version, update.platform_version) =
                    (Some("9.9.9".into()), Some("9.9.9".into()));
            },
        ),
        case(
            "old platform",
            CLIENT,
            "Wharf does not serve the platform version 1.3.0 yet.",
            |create, update| {
                (create.platform_version, update.platform_version) =
                    (Some("1.3.0".into()), Some("1.3.0".into()));
            },
        ),
        case(
            "tags of whom",
            INVALID,
            "propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]",
            |create, update| {
                (create.propagate_tags, update.propagate_tags) = (Some("ALL".into()), Some("ALL".into()));
            },
        ),
        case(
            "zones",
            INVALID,
            "availabilityZoneRebalancing should be one of [ENABLED,DISABLED]",
            |create, update| {
                (
                    create.availability_zone_rebalancing,
                    update.availability_zone_rebalancing,
                ) = (Some("YES".into()), Some("YES".into()));
            },
        ),
        case(
            "zones without room",
            INVALID,
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.",
            |create, update| {
                let tight = configuration(|it| {
                    (it.minimum_healthy_percent, it.maximum_percent) = (Some(50), Some(100))
                });
                (create.deployment_configuration, update.deployment_configuration) = (tight.clone(), tight);
                create.availability_zone_rebalancing = Some(AvailabilityZoneRebalancing::Enabled);
                update.availability_zone_rebalancing = Some(AvailabilityZoneRebalancing::Enabled);
            },
        ),
        case(
            "unknown controller",
            INVALID,
            "Deployment controller type should be one of [ECS,CODE_DEPLOY,EXTERNAL]",
            |create, update| {
                let controller = Some(DeploymentController { type_: "MINE".into() });
                (create.deployment_controller, update.deployment_controller) =
                    (controller.clone(), controller);
            },
        ),
        case(
            "other controller",
            CLIENT,
            "Wharf does not serve the deployment controller CODE_DEPLOY yet.",
            |create, update| {
                let controller = Some(DeploymentController {
                    type_: DeploymentControllerType::CodeDeploy,
                });
                (create.deployment_controller, update.deployment_controller) =
                    (controller.clone(), controller);
            },
        ),
        case(
            "registries",
            INVALID,
            "Registry ARN can not be blank.",
            |create, update| {
                (create.service_registries, update.service_registries) =
                    (Some(vec![Default::default()]), Some(vec![Default::default()]));
            },
        ),
        case(
            "constraints",
            INVALID,
            "Placement constraints and placement strategies are not supported with FARGATE launch type.",
            |create, update| {
                (create.placement_constraints, update.placement_constraints) =
                    (Some(vec![Default::default()]), Some(vec![Default::default()]));
            },
        ),
        case(
            "placement",
            INVALID,
            "Placement constraints and placement strategies are not supported with FARGATE launch type.",
            |create, update| {
                (create.placement_strategy, update.placement_strategy) =
                    (Some(vec![Default::default()]), Some(vec![Default::default()]));
            },
        ),
        case(
            "volumes",
            CLIENT,
            "Wharf does not serve the service's volumeConfigurations yet.",
            |create, update| {
                (create.volume_configurations, update.volume_configurations) =
                    (Some(vec![Default::default()]), Some(vec![Default::default()]));
            },
        ),
        case(
            "lattice",
            CLIENT,
            "Wharf does not serve the service's vpcLatticeConfigurations yet.",
            |create, update| {
                (
                    create.vpc_lattice_configurations,
                    update.vpc_lattice_configurations,
                ) = (Some(vec![Default::default()]), Some(vec![Default::default()]));
            },
        ),
        case(
            "service connect",
            INVALID,
            "Service Connect needs a namespace: name one in the service or in the cluster's serviceConnectDefaults.",
            |create, update| {
                let on = ServiceConnectConfiguration {
                    enabled: true,
                    ..Default::default()
                };
                (
                    create.service_connect_configuration,
                    update.service_connect_configuration,
                ) = (Some(on.clone()), Some(on));
            },
        ),
    ]
}

/// A cluster that FARGATE is associated with, `web:2` inactive, and the service `there`.
async fn prepared() -> World {
    let world = World::new().await;
    let input = PutClusterCapacityProvidersRequest {
        cluster: "default".into(),
        capacity_providers: vec!["FARGATE".into()],
        default_capacity_provider_strategy: vec![],
    };
    world
        .ecs
        .put_cluster_capacity_providers(&world.context, input)
        .await
        .unwrap();
    let second = world.define("web").await;
    let input = DeregisterTaskDefinitionRequest {
        task_definition: second,
    };
    world
        .ecs
        .deregister_task_definition(&world.context, input)
        .await
        .unwrap();
    world.create(world.service("there", 1)).await.unwrap();
    world
}

#[tokio::test]
async fn what_both_operations_refuse() {
    let world = prepared().await;
    let all = of_configuration()
        .into_iter()
        .chain(of_strategy())
        .chain(of_neighbours(&world))
        .chain(of_members());
    for case in all {
        let mut create = world.service("new", 1);
        let mut update = UpdateServiceRequest {
            service: "there".into(),
            ..Default::default()
        };
        if let Some(strategy) = case.strategy {
            (create.launch_type, create.capacity_provider_strategy) = (None, Some(strategy.clone()));
            update.capacity_provider_strategy = Some(strategy);
        }
        if let Some(network) = case.network {
            (create.network_configuration, update.network_configuration) =
                (Some(network.clone()), Some(network));
        }
        (create.load_balancers, update.load_balancers) = (case.load_balancers.clone(), case.load_balancers);
        (create.deployment_configuration, update.deployment_configuration) =
            (case.configuration.clone(), case.configuration);
        (case.other)(&mut create, &mut update);
        let expected = (case.code.to_owned(), case.words);
        assert_eq!(
            said(world.create(create).await),
            expected,
            "CreateService: {}",
            case.what
        );
        assert_eq!(
            said(world.update(update).await),
            expected,
            "UpdateService: {}",
            case.what
        );
    }
    // Nothing of all that has left a trace.
    assert_eq!(world.describe("there").await.deployments.unwrap().len(), 1);
}

#[tokio::test]
async fn what_only_create_service_refuses() {
    let world = prepared().await;
    type Change = fn(&mut CreateServiceRequest);
    let daemon: Change = |it| {
        (it.scheduling_strategy, it.desired_count) = (Some(SchedulingStrategy::Daemon), None);
    };
    let cases: Vec<(&str, &str, Vec<Change>)> = vec![
        (
            INVALID,
            "Service names contain only letters, numbers, hyphens, and underscores.",
            vec![|it| it.service_name = "a b".into()],
        ),
        (
            INVALID,
            "TaskDefinition can not be blank.",
            vec![|it| it.task_definition = None],
        ),
        (
            INVALID,
            "DesiredCount is missing",
            vec![|it| it.desired_count = None],
        ),
        (
            INVALID,
            "DesiredCount can not be lesser than 0",
            vec![|it| it.desired_count = Some(-1)],
        ),
        (
            INVALID,
            "idempotency token longer than 36.",
            vec![|it| it.client_token = Some("x".repeat(37))],
        ),
        (
            INVALID,
            "The platform version must be null when specifying an EC2 launch type.",
            vec![|it| {
                (it.launch_type, it.platform_version) = (Some(LaunchType::Ec2), Some("LATEST".into()));
            }],
        ),
        (
            INVALID,
            "Invalid field 'disk' for placement strategy type binpack.",
            vec![|it| it.launch_type = Some(LaunchType::Ec2), |it| {
                it.placement_strategy = Some(vec![PlacementStrategy {
                    type_: Some(PlacementStrategyType::Binpack),
                    field: Some("disk".into()),
                }])
            }],
        ),
        (
            INVALID,
            "Placement constraint type should be one of [memberOf,distinctInstance]",
            vec![|it| it.launch_type = Some(LaunchType::Ec2), |it| {
                it.placement_constraints = Some(vec![Default::default()])
            }],
        ),
        (
            INVALID,
            "Assign public IP is not supported for this launch type.",
            vec![|it| it.launch_type = Some(LaunchType::Ec2), |it| {
                let vpc = it
                    .network_configuration
                    .as_mut()
                    .unwrap()
                    .awsvpc_configuration
                    .as_mut();
                vpc.unwrap().assign_public_ip = Some(AssignPublicIp::Enabled);
            }],
        ),
        (
            INVALID,
            "launch type should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], not MOON",
            vec![|it| it.launch_type = Some("MOON".into())],
        ),
        (
            CLIENT,
            "Wharf does not serve the launch type EXTERNAL yet.",
            vec![|it| it.launch_type = Some(LaunchType::External)],
        ),
        (
            INVALID,
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            vec![|it| it.capacity_provider_strategy = Some(vec![item("FARGATE", 0, 1)])],
        ),
        (
            INVALID,
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            vec![|it| it.network_configuration = None],
        ),
        (
            INVALID,
            "Scheduling strategy should be one of [REPLICA,DAEMON]",
            vec![|it| it.scheduling_strategy = Some("EACH".into())],
        ),
        (
            INVALID,
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
            vec![daemon, |it| it.desired_count = Some(1)],
        ),
        (
            INVALID,
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
            vec![daemon, |it| {
                it.placement_strategy = Some(vec![Default::default()])
            }],
        ),
        (
            INVALID,
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again",
            vec![daemon, |it| {
                it.deployment_configuration = configuration(|it| it.maximum_percent = Some(200))
            }],
        ),
        (
            INVALID,
            "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON scheduling strategy.",
            vec![daemon, |it| {
                it.capacity_provider_strategy = Some(vec![item("FARGATE", 0, 1)])
            }],
        ),
        (
            INVALID,
            "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try again",
            vec![daemon],
        ),
        (
            INVALID,
            "You cannot specify an IAM role for services that require a service linked role.",
            vec![|it| it.role = Some("r".into())],
        ),
        (
            INVALID,
            "Creation of service was not idempotent.",
            vec![|it| it.service_name = "there".into()],
        ),
    ];
    for (code, words, changes) in cases {
        let mut input = world.service("new", 1);
        changes.into_iter().for_each(|change| change(&mut input));
        assert_eq!(
            said(world.create(input).await),
            (code.to_owned(), words.to_owned())
        );
    }
    world.delete("there").await.unwrap();
    let again = world.create(world.service("there", 1)).await;
    assert_eq!(said(again).1, "Unable to Start a service that is still Draining.");
}

#[tokio::test]
async fn what_only_update_service_refuses() {
    let world = prepared().await;
    let update = |service: &str, count| UpdateServiceRequest {
        service: service.into(),
        desired_count: Some(count),
        ..Default::default()
    };
    let refused = said(world.update(update("there", -1)).await);
    assert_eq!(
        refused,
        (INVALID.into(), "Task count can not be lesser than 0".into())
    );
    let refused = said(world.update(update("nowhere", 1)).await);
    assert_eq!(
        refused,
        ("ServiceNotFoundException".into(), "Service not found.".into())
    );
    world.delete("there").await.unwrap();
    let refused = said(world.update(update("there", 1)).await);
    assert_eq!(
        refused,
        (
            "ServiceNotActiveException".into(),
            "Service was not ACTIVE.".into()
        )
    );
}

#[tokio::test]
async fn the_same_request_again_is_answered_and_another_with_its_token_refused() {
    let world = World::new().await;
    let input = CreateServiceRequest {
        client_token: Some("once".into()),
        ..world.service("web", 1)
    };
    let first = world.create(input.clone()).await.unwrap();
    let again = world.create(input.clone()).await.unwrap();
    assert_eq!(first.deployments.unwrap()[0].id, again.deployments.unwrap()[0].id);
    let other = CreateServiceRequest {
        desired_count: Some(2),
        ..input
    };
    assert_eq!(
        said(world.create(other).await).1,
        "Creation of service was not idempotent."
    );
}

#[tokio::test]
async fn what_the_official_action_sends_changes_nothing() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    let input = UpdateServiceRequest {
        service: "web".into(),
        volume_configurations: Some(vec![]),
        service_registries: Some(vec![]),
        placement_constraints: Some(vec![]),
        placement_strategy: Some(vec![]),
        vpc_lattice_configurations: Some(vec![]),
        capacity_provider_strategy: Some(vec![]),
        force_new_deployment: Some(false),
        enable_execute_command: Some(false),
        enable_ecs_managed_tags: Some(false),
        propagate_tags: Some(PropagateTags::None),
        ..Default::default()
    };
    let service = world.update(input).await.unwrap();
    assert_eq!(service.deployments.unwrap().len(), 1);
}
