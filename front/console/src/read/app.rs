//! ECS services and their tasks.

use std::collections::HashMap;

use aws_protocol::ApiError;
use aws_shape::ecs;

use crate::picture::{App, Check, Deployment, Event, LogPlace, System, Target, Task};
use crate::source::{PAGES_MAX, Source, last, sentence};

/// Services that one DescribeServices may name.
const SERVICES_ASKED_MAX: usize = 10;
/// Tasks that one DescribeTasks may name.
const TASKS_ASKED_MAX: usize = 100;
/// How long ECS lets a container stop when nothing is said, in seconds.
const STOP_DEFAULT_SECONDS: i32 = 30;
const CHECK_DEFAULT: Check = Check {
    interval_seconds: 30,
    retries: 3,
};

/// Expects target groups to be read.
pub(super) async fn read(source: &Source, system: &mut System) {
    if let Err(error) = clusters(source, system).await {
        system.unread.push(format!("applications: {}", sentence(&error)));
    }
    system
        .apps
        .sort_by_key(|app| (app.condition(), app.cluster.clone(), app.name.clone()));
}

async fn clusters(source: &Source, system: &mut System) -> Result<(), ApiError> {
    let context = source.context();
    let answer = source
        .ecs
        .list_clusters(&context, ecs::ListClustersRequest::default())
        .await?;
    let mut definitions = Definitions::default();
    for cluster in answer.cluster_arns.into_iter().flatten() {
        let mut tasks = Vec::new();
        for wanted in [ecs::DesiredStatus::Running, ecs::DesiredStatus::Stopped] {
            tasks.extend(self::tasks(source, &cluster, wanted).await?);
        }
        let mut tasks: Vec<Task> = tasks.into_iter().map(|one| task(one, system)).collect();
        tasks.sort_by_key(|it| (it.is_over(), std::cmp::Reverse(it.created)));
        for service in services(source, &cluster).await? {
            let definition = service.task_definition.clone().unwrap_or_default();
            let definition = definitions.find(source, &definition).await;
            let group = format!("service:{}", service.service_name.as_deref().unwrap_or_default());
            let (own, others) = tasks.into_iter().partition(|it| it.group == group);
            tasks = others;
            system.apps.push(app(service, own, definition.as_ref(), system));
        }
        system.lone_tasks.extend(tasks);
    }
    Ok(())
}

async fn services(source: &Source, cluster: &str) -> Result<Vec<ecs::Service>, ApiError> {
    let context = source.context();
    let (mut arns, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let input = ecs::ListServicesRequest {
            cluster: Some(cluster.to_owned()),
            max_results: Some(100),
            next_token: token,
            ..Default::default()
        };
        let page = source.ecs.list_services(&context, input).await?;
        arns.extend(page.service_arns.into_iter().flatten());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let mut services = Vec::new();
    for some in arns.chunks(SERVICES_ASKED_MAX) {
        let input = ecs::DescribeServicesRequest {
            cluster: Some(cluster.to_owned()),
            services: some.to_vec(),
            ..Default::default()
        };
        let answer = source.ecs.describe_services(&context, input).await?;
        services.extend(answer.services.into_iter().flatten());
    }
    Ok(services)
}

async fn tasks(
    source: &Source,
    cluster: &str,
    wanted: ecs::DesiredStatus,
) -> Result<Vec<ecs::Task>, ApiError> {
    let context = source.context();
    let (mut arns, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let input = ecs::ListTasksRequest {
            cluster: Some(cluster.to_owned()),
            desired_status: Some(wanted.clone()),
            next_token: token,
            ..Default::default()
        };
        let page = source.ecs.list_tasks(&context, input).await?;
        arns.extend(page.task_arns.into_iter().flatten());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let mut tasks = Vec::new();
    for some in arns.chunks(TASKS_ASKED_MAX) {
        let input = ecs::DescribeTasksRequest {
            cluster: Some(cluster.to_owned()),
            tasks: some.to_vec(),
            ..Default::default()
        };
        tasks.extend(
            source
                .ecs
                .describe_tasks(&context, input)
                .await?
                .tasks
                .into_iter()
                .flatten(),
        );
    }
    Ok(tasks)
}

/// Each definition is asked for once.
#[derive(Default)]
struct Definitions(HashMap<String, Option<ecs::TaskDefinition>>);

impl Definitions {
    async fn find(&mut self, source: &Source, arn: &str) -> Option<ecs::TaskDefinition> {
        if let Some(found) = self.0.get(arn) {
            return found.clone();
        }
        let input = ecs::DescribeTaskDefinitionRequest {
            task_definition: arn.to_owned(),
            ..Default::default()
        };
        let answer = source
            .ecs
            .describe_task_definition(&source.context(), input)
            .await;
        let found = answer.ok().and_then(|it| it.task_definition);
        self.0.insert(arn.to_owned(), found.clone());
        found
    }
}

fn app(
    service: ecs::Service,
    tasks: Vec<Task>,
    definition: Option<&ecs::TaskDefinition>,
    system: &System,
) -> App {
    let balancers = service.load_balancers.unwrap_or_default();
    let groups: Vec<String> = balancers
        .into_iter()
        .filter_map(|it| it.target_group_arn)
        .collect();
    let serves = |it: &&crate::picture::Balancer| {
        let mut listeners = it.listeners.iter();
        listeners.any(|it| it.groups.iter().any(|arn| groups.contains(arn)))
    };
    let containers = definition
        .and_then(|it| it.container_definitions.as_deref())
        .unwrap_or_default();
    let stop = containers
        .iter()
        .map(|it| it.stop_timeout.unwrap_or(STOP_DEFAULT_SECONDS));
    let check = containers.iter().find_map(|it| it.health_check.as_ref());
    let events = service.events.into_iter().flatten();
    App {
        cluster: last(&service.cluster_arn.unwrap_or_default()).to_owned(),
        name: service.service_name.unwrap_or_default(),
        url: system.balancers.iter().find(serves).and_then(|it| it.url.clone()),
        definition: revision(&service.task_definition.unwrap_or_default()),
        images: containers.iter().filter_map(|it| it.image.clone()).collect(),
        desired: service.desired_count.unwrap_or_default(),
        running: service.running_count.unwrap_or_default(),
        pending: service.pending_count.unwrap_or_default(),
        deployments: service
            .deployments
            .into_iter()
            .flatten()
            .map(deployment)
            .collect(),
        tasks,
        events: events
            .map(|it| Event {
                at: it.created_at,
                message: it.message.unwrap_or_default(),
            })
            .collect(),
        groups,
        logs: log_places(containers),
        grace_seconds: service.health_check_grace_period_seconds.unwrap_or_default(),
        stop_seconds: stop.max().unwrap_or(STOP_DEFAULT_SECONDS),
        check: check.map(|it| Check {
            interval_seconds: it.interval.unwrap_or(CHECK_DEFAULT.interval_seconds),
            retries: it.retries.unwrap_or(CHECK_DEFAULT.retries),
        }),
    }
}

fn log_places(containers: &[ecs::ContainerDefinition]) -> Vec<LogPlace> {
    let mut places = Vec::new();
    for container in containers {
        let options = container
            .log_configuration
            .as_ref()
            .and_then(|it| it.options.as_ref());
        let Some(options) = options else { continue };
        let Some(group) = options.get("awslogs-group").cloned() else {
            continue;
        };
        let name = container.name.as_deref().unwrap_or_default();
        let prefix = options
            .get("awslogs-stream-prefix")
            .map(|it| format!("{it}/{name}/"));
        places.push(LogPlace { group, prefix });
    }
    places
}

fn deployment(one: ecs::Deployment) -> Deployment {
    Deployment {
        id: one.id.unwrap_or_default(),
        status: one.status.unwrap_or_default(),
        definition: revision(&one.task_definition.unwrap_or_default()),
        desired: one.desired_count.unwrap_or_default(),
        running: one.running_count.unwrap_or_default(),
        pending: one.pending_count.unwrap_or_default(),
        failed: one.failed_tasks.unwrap_or_default(),
        rollout: one.rollout_state.map(|it| it.to_string()).unwrap_or_default(),
        reason: one.rollout_state_reason.unwrap_or_default(),
        created: one.created_at,
    }
}

fn task(one: ecs::Task, system: &System) -> Task {
    let details: Vec<_> = one
        .attachments
        .iter()
        .flatten()
        .flat_map(|it| it.details.iter().flatten())
        .collect();
    let detail = |name: &str| {
        let found = details.iter().find(|it| it.name.as_deref() == Some(name));
        found.and_then(|it| it.value.clone())
    };
    let containers = one.containers.as_deref().unwrap_or_default();
    let said = containers.iter().find_map(|it| {
        let code = it
            .exit_code
            .filter(|code| *code != 0)
            .map(|code| format!("exit code {code}"));
        it.reason.clone().or(code)
    });
    let reason = match (one.stopped_reason, said) {
        (Some(reason), Some(said)) if !reason.contains(&said) => Some(format!("{reason} ({said})")),
        (reason, said) => reason.or(said),
    };
    let address = detail("privateIPv4Address");
    let all = system.groups.iter().flat_map(|it| &it.targets);
    let targets: Vec<Target> = match &address {
        Some(address) => all.filter(|it| it.id == *address).cloned().collect(),
        None => Vec::new(),
    };
    Task {
        id: last(&one.task_arn.unwrap_or_default()).to_owned(),
        group: one.group.unwrap_or_default(),
        cluster: last(&one.cluster_arn.unwrap_or_default()).to_owned(),
        definition: revision(&one.task_definition_arn.unwrap_or_default()),
        deployment: one.started_by.unwrap_or_default(),
        status: one.last_status.unwrap_or_default(),
        wanted: one.desired_status.unwrap_or_default(),
        health: one.health_status.map(|it| it.to_string()).unwrap_or_default(),
        targets: if one.stopped_at.is_some() {
            Vec::new()
        } else {
            targets
        },
        address,
        subnet: detail("subnetId"),
        zone: one.availability_zone.unwrap_or_default(),
        host: one.container_instance_arn.map(|it| last(&it).to_owned()),
        created: one.created_at,
        started: one.started_at,
        stopping: one.stopping_at,
        stopped: one.stopped_at,
        reason,
    }
}

/// `arn:…:task-definition/web:7` → `web:7`
fn revision(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}
