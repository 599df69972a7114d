//! Placing a task: which bytes its images are, where its lines go, and its place in the network.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, ecr, logs};
use base_id::Scope;
use base_store::Transaction;
use contract::image::ImageRef;
use contract::log::StreamId;
use contract::network::Interface;
use contract::task::{Container, DesiredTask, Linux, LogTarget, Names, Sharing};

use crate::Ecs;
use crate::model::container::{self, Log};
use crate::model::service::Service;
use crate::model::task::{Attachment, Task};
use crate::model::task_definition::TaskDefinition;
use crate::table::{self, SERVICES};

/// A task that is ready for the data plane.
pub(super) struct Placed {
    pub(super) attachment: Attachment,
    pub(super) digests: BTreeMap<String, String>,
    pub(super) desired: DesiredTask,
}

pub(super) enum Failure {
    /// It will not work next time either; a sentence for whoever describes the task.
    Never(String),
    /// Ours: the next activation tries again.
    Later(ApiError),
}

impl Placed {
    /// Keeps the digests with the deployment, so that its next task runs the same bytes.
    pub(super) fn pin(&self, tx: &mut Transaction, scope: &Scope, task: &Task) {
        let Some(name) = task.service() else { return };
        let place = table::key(scope, &format!("{}/{name}", task.cluster));
        let Some(service) = tx.get(SERVICES, &place) else {
            return;
        };
        let mut service = Service::clone(&service);
        if let Some(deployment) = service
            .deployments
            .iter_mut()
            .find(|it| Some(&it.id) == task.started_by.as_ref())
            && deployment.digests != self.digests
        {
            deployment.digests.extend(self.digests.clone());
            tx.put(SERVICES, &place, service);
        }
    }
}

pub(super) async fn place(ecs: &Ecs, scope: &Scope, task: &Task) -> Result<Placed, Failure> {
    let context = Ecs::own_context(scope, "ecs-tasks");
    let snapshot = ecs.store.snapshot();
    let definition = table::definition(&snapshot, scope, &task.task_definition)
        .map_err(|error| Failure::Never(format!("ResourceInitializationError: {}", error.message)))?;
    let pinned = task
        .service()
        .and_then(|name| table::service(&snapshot, scope, &task.cluster, name))
        .and_then(|service| {
            service
                .deployments
                .iter()
                .find(|it| Some(&it.id) == task.started_by.as_ref())
                .cloned()
        })
        .map(|deployment| deployment.digests)
        .unwrap_or_default();
    let mut digests = BTreeMap::new();
    for container in &definition.spec.containers {
        prepare_log(ecs, scope, container).await?;
        if let Some(digest) = digest(ecs, &context, container, pinned.get(&container.name)).await? {
            digests.insert(container.name.clone(), digest);
        }
    }
    let attachment = attach(ecs, &context, task).await?;
    let desired = desired(scope, task, &definition, &digests, &attachment);
    Ok(Placed {
        attachment,
        digests,
        desired,
    })
}

/// The digest of an image that ECR has; `None` for those of other registries, which the data plane asks itself.
async fn digest(
    ecs: &Ecs,
    context: &Context,
    container: &container::Container,
    pinned: Option<&String>,
) -> Result<Option<String>, Failure> {
    if let Some(pinned) = pinned {
        return Ok(Some(pinned.clone()));
    }
    let amazon = format!(
        "{}.dkr.ecr.{}.amazonaws.com",
        context.scope.account, context.scope.region
    );
    let heads = [format!("{}/", ecs.neighbours.registry), format!("{amazon}/")];
    let Some(rest) = heads
        .iter()
        .find_map(|head| container.image.strip_prefix(head.as_str()))
    else {
        return Ok(None);
    };
    let mut id = ecr::ImageIdentifier::default();
    let repository = match rest.split_once('@') {
        Some((repository, digest)) => {
            id.image_digest = Some(digest.to_owned());
            repository
        }
        None => {
            let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
            id.image_tag = Some(tag.to_owned());
            repository
        }
    };
    let input = ecr::BatchGetImageRequest {
        repository_name: repository.to_owned(),
        image_ids: vec![id],
        ..Default::default()
    };
    let never = |why: &str| Failure::Never(format!("CannotPullContainerError: {}: {why}", container.image));
    let answer = ecs
        .neighbours
        .ecr
        .batch_get_image(context, input)
        .await
        .map_err(|error| {
            if error.is_internal() {
                Failure::Later(error)
            } else {
                never(&error.message)
            }
        })?;
    let image = answer
        .images
        .into_iter()
        .flatten()
        .next()
        .and_then(|image| image.image_id?.image_digest);
    image.map(Some).ok_or_else(|| never("not found"))
}

/// The log group exists, or is made when the container asks for that.
async fn prepare_log(ecs: &Ecs, scope: &Scope, container: &container::Container) -> Result<(), Failure> {
    let Log::Group {
        name, region, create, ..
    } = &container.log
    else {
        return Ok(());
    };
    let context = Ecs::own_context(&Scope::new(&scope.account, region), "ecs-tasks");
    let input = logs::DescribeLogGroupsRequest {
        log_group_name_prefix: Some(name.clone()),
        ..Default::default()
    };
    let found = ecs
        .neighbours
        .logs
        .describe_log_groups(&context, input)
        .await
        .map_err(refused)?;
    if found
        .log_groups
        .into_iter()
        .flatten()
        .any(|group| group.log_group_name.as_ref() == Some(name))
    {
        return Ok(());
    }
    if !create {
        let reason = format!(
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group '{name}' defined in the task definition (container '{}'): ResourceNotFoundException: The specified log group does not exist.",
            container.name
        );
        return Err(Failure::Never(reason));
    }
    let input = logs::CreateLogGroupRequest {
        log_group_name: name.clone(),
        ..Default::default()
    };
    match ecs.neighbours.logs.create_log_group(&context, input).await {
        Err(error) if error.code != "ResourceAlreadyExistsException" => Err(refused(error)),
        _ => Ok(()),
    }
}

/// What CloudWatch Logs refuses now it refuses next time too.
fn refused(error: ApiError) -> Failure {
    if error.is_internal() {
        Failure::Later(error)
    } else {
        Failure::Never(format!(
            "ResourceInitializationError: failed to validate logger args: {}: {}",
            error.code, error.message
        ))
    }
}

/// How a task's interface describes itself, so that it is found again after a crash.
fn description(scope: &Scope, task: &Task) -> String {
    scope.arn("ecs", &format!("attachment/{}", task.id))
}

/// The interfaces that were made for a task: none, or one.
pub(super) async fn interfaces(
    ecs: &Ecs,
    context: &Context,
    task: &Task,
) -> Result<Vec<ec2::NetworkInterface>, ApiError> {
    let wanted = description(&context.scope, task);
    let filter = ec2::Filter {
        name: Some("description".into()),
        values: Some(vec![wanted]),
    };
    let input = ec2::DescribeNetworkInterfacesRequest {
        filters: Some(vec![filter]),
        ..Default::default()
    };
    Ok(ecs
        .neighbours
        .ec2
        .describe_network_interfaces(context, input)
        .await?
        .network_interfaces
        .unwrap_or_default())
}

async fn attach(ecs: &Ecs, context: &Context, task: &Task) -> Result<Attachment, Failure> {
    let made = interfaces(ecs, context, task)
        .await
        .map_err(Failure::Later)?
        .into_iter()
        .next();
    let interface = match made {
        Some(made) => made,
        None => {
            // Tasks are spread over the subnets by their ids, which are random.
            let number = task
                .id
                .get(..8)
                .and_then(|head| u32::from_str_radix(head, 16).ok())
                .unwrap_or_default();
            let subnets = &task.network.subnets;
            let subnet = subnets
                .get(number as usize % subnets.len().max(1))
                .cloned()
                .unwrap_or_default();
            let input = ec2::CreateNetworkInterfaceRequest {
                subnet_id: subnet,
                groups: Some(task.network.groups.clone()),
                description: Some(description(&context.scope, task)),
                ..Default::default()
            };
            let answer = ecs
                .neighbours
                .ec2
                .create_network_interface(context, input)
                .await
                .map_err(|error| {
                    if error.is_internal() {
                        Failure::Later(error)
                    } else {
                        Failure::Never(format!(
                            "ResourceInitializationError: unable to create a network interface: {}",
                            error.message
                        ))
                    }
                })?;
            answer.network_interface.unwrap_or_default()
        }
    };
    let address = interface
        .private_ip_address
        .as_deref()
        .and_then(|text| text.parse().ok());
    let address =
        address.ok_or_else(|| Failure::Later(ApiError::internal("an interface came without an address")))?;
    let groups = interface
        .groups
        .into_iter()
        .flatten()
        .filter_map(|group| group.group_id)
        .collect();
    Ok(Attachment {
        // A UUID's shape, from the task's own id: one task, one attachment.
        id: uuid(&task.id),
        zone: interface.availability_zone.unwrap_or_default(),
        interface: Interface {
            id: interface.network_interface_id.unwrap_or_default(),
            network: interface.vpc_id.unwrap_or_default(),
            subnet: interface.subnet_id.unwrap_or_default(),
            address,
            mac: interface.mac_address.unwrap_or_default(),
            groups,
        },
    })
}

fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

fn desired(
    scope: &Scope,
    task: &Task,
    definition: &TaskDefinition,
    digests: &BTreeMap<String, String>,
    attachment: &Attachment,
) -> DesiredTask {
    let spec = &definition.spec;
    DesiredTask {
        id: task.id.clone(),
        generation: 1,
        label: definition.label(),
        cpu_units: spec.cpu_units,
        memory_mib: spec.memory_mib,
        interface: Some(attachment.interface.clone()),
        containers: spec
            .containers
            .iter()
            .map(|one| self::container(scope, task, one, digests.get(&one.name)))
            .collect(),
        volumes: vec![],
        processes: Sharing::Container,
        ipc: Sharing::Container,
        stop: None,
    }
}

fn container(scope: &Scope, task: &Task, one: &container::Container, digest: Option<&String>) -> Container {
    let changed = task.overrides.iter().find(|it| it.container == one.name);
    // What Fargate sets, before what the definition says.
    let mut environment = vec![
        ("AWS_EXECUTION_ENV".to_owned(), "AWS_ECS_FARGATE".to_owned()),
        ("AWS_DEFAULT_REGION".to_owned(), scope.region.clone()),
        ("AWS_REGION".to_owned(), scope.region.clone()),
    ];
    environment.extend(one.environment.clone());
    environment.extend(changed.into_iter().flat_map(|it| it.environment.clone()));
    let log = match &one.log {
        Log::None => LogTarget::None,
        Log::Group {
            name, region, prefix, ..
        } => LogTarget::Stream(StreamId {
            scope: Scope::new(&scope.account, region).key(),
            group: name.clone(),
            stream: match prefix {
                Some(prefix) => format!("{prefix}/{}/{}", one.name, task.id),
                None => format!("{}/{}", one.name, task.id),
            },
        }),
    };
    Container {
        name: one.name.clone(),
        image: ImageRef {
            name: one.image.clone(),
            digest: digest.cloned(),
        },
        entry_point: one.entry_point.clone(),
        command: changed
            .and_then(|it| it.command.clone())
            .or_else(|| one.command.clone()),
        environment,
        working_directory: one.working_directory.clone(),
        user: one.user.clone(),
        essential: one.essential,
        depends_on: one.depends_on.clone(),
        start_timeout_seconds: one.start_timeout_seconds,
        stop_timeout_seconds: one.stop_timeout_seconds,
        readonly_root: one.readonly_root,
        interactive: one.interactive,
        pseudo_terminal: one.pseudo_terminal,
        disable_networking: one.disable_networking,
        cpu_units: one.cpu_units,
        memory_mib: one.memory_mib,
        health_check: one.health_check.clone(),
        ulimits: one.ulimits.clone(),
        ports: one.ports.clone(),
        log,
        memory_reservation_mib: one.memory_reservation_mib,
        mounts: vec![],
        names: Names::default(),
        linux: Linux::default(),
        restart: None,
    }
}
