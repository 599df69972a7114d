//! How instances are: status checks, root volumes, what they have written to their console.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{instance_describe, tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, with_code};
use crate::filter::{self, Facts};
use crate::model::instance::{self, State};
use crate::table;

/// As much as AWS keeps.
const CONSOLE_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn describe_instance_status(
    ec2: &Ec2,
    context: &Context,
    input: DescribeInstanceStatusRequest,
) -> Result<DescribeInstanceStatusResult, Error> {
    dry_run(input.dry_run)?;
    let snapshot = ec2.store.snapshot();
    let all = input.include_all_instances == Some(true);
    let mut found = Vec::new();
    for one in table::instances(&snapshot, &context.scope, input.instance_ids.as_deref())? {
        let state = instance_describe::state(&snapshot, &one);
        let status = check(state);
        let facts = Facts::new(&one.tags)
            .with("availability-zone", &one.zone)
            .with("instance-state-code", state.code())
            .with("instance-state-name", state.as_str())
            .with("instance-status.status", status.as_str())
            .with(
                "instance-status.reachability",
                reachability(&status).map_or("", |it| it.as_str()),
            )
            .with("system-status.status", status.as_str())
            .with(
                "system-status.reachability",
                reachability(&status).map_or("", |it| it.as_str()),
            );
        let told = all || state == State::Running;
        if told && facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(status_shape(&one, state, &status));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeInstanceStatusResult {
        instance_statuses: Some(found),
        next_token,
    })
}

fn check(state: State) -> SummaryStatus {
    match state {
        State::Running => SummaryStatus::Ok,
        State::Pending => SummaryStatus::Initializing,
        _ => SummaryStatus::NotApplicable,
    }
}

/// What a check says, where there is one.
#[derive(Clone, Copy)]
enum Reach {
    Passed,
    Initializing,
}

impl Reach {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Initializing => "initializing",
        }
    }
}

fn reachability(status: &SummaryStatus) -> Option<Reach> {
    match status {
        SummaryStatus::Ok => Some(Reach::Passed),
        SummaryStatus::Initializing => Some(Reach::Initializing),
        _ => None,
    }
}

fn status_shape(one: &instance::Instance, state: State, status: &SummaryStatus) -> InstanceStatus {
    let summary = || {
        let details = reachability(status).map(|it| {
            vec![InstanceStatusDetails {
                impaired_since: None,
                name: Some(StatusName::Reachability),
                status: Some(it.as_str().into()),
            }]
        });
        Some(InstanceStatusSummary {
            details,
            status: Some(status.clone()),
        })
    };
    InstanceStatus {
        availability_zone: Some(one.zone.clone()),
        availability_zone_id: Some(zone::id_of_name(&one.zone)),
        events: Some(vec![]),
        instance_id: Some(one.id.clone()),
        instance_state: Some(instance_describe::state_shape(state)),
        instance_status: summary(),
        system_status: summary(),
        ..Default::default()
    }
}

pub(super) async fn describe_volumes(
    ec2: &Ec2,
    context: &Context,
    input: DescribeVolumesRequest,
) -> Result<DescribeVolumesResult, Error> {
    dry_run(input.dry_run)?;
    let snapshot = ec2.store.snapshot();
    let instances = table::instances(&snapshot, &context.scope, None)?;
    let living: Vec<_> = instances.iter().filter(|one| !one.is_terminated()).collect();
    let wanted = input.volume_ids.as_ref().filter(|ids| !ids.is_empty());
    if let Some(unknown) = wanted
        .into_iter()
        .flatten()
        .find(|id| !living.iter().any(|one| one.volume.id == **id))
    {
        let message = format!("The volume '{unknown}' does not exist.");
        return Err(with_code("InvalidVolume.NotFound", message));
    }
    let mut found = Vec::new();
    for one in living {
        let volume = &one.volume;
        let facts = Facts::new(&volume.tags)
            .with("volume-id", &volume.id)
            .with("attachment.instance-id", &one.id)
            .with("attachment.device", &volume.device)
            .with("attachment.status", "attached")
            .with("attachment.attach-time", one.created_at)
            .with("attachment.delete-on-termination", volume.delete_on_termination)
            .with("availability-zone", &one.zone)
            .with("availability-zone-id", zone::id_of_name(&one.zone))
            .with("create-time", one.created_at)
            .with("encrypted", volume.encrypted)
            .with("size", volume.size_gib)
            .with("snapshot-id", &volume.snapshot)
            .with("status", "in-use")
            .with("volume-type", &volume.kind)
            .with("multi-attach-enabled", false)
            .with("fast-restored", false);
        if wanted.is_none_or(|ids| ids.contains(&volume.id))
            && facts.match_all(input.filters.as_deref().unwrap_or_default())?
        {
            found.push(volume_shape(one));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeVolumesResult {
        volumes: Some(found),
        next_token,
    })
}

fn volume_shape(one: &instance::Instance) -> Volume {
    let volume = &one.volume;
    Volume {
        availability_zone_id: Some(zone::id_of_name(&one.zone)),
        iops: volume.iops.map(|it| it as i32),
        tags: Some(tag::shape(&volume.tags)),
        volume_type: Some(volume.kind.as_str().into()),
        multi_attach_enabled: Some(false),
        throughput: volume.throughput.map(|it| it as i32),
        volume_id: Some(volume.id.clone()),
        size: Some(volume.size_gib as i32),
        snapshot_id: Some(volume.snapshot.clone()),
        availability_zone: Some(one.zone.clone()),
        state: Some(VolumeState::InUse),
        create_time: Some(one.created_at),
        attachments: Some(vec![VolumeAttachment {
            delete_on_termination: Some(volume.delete_on_termination),
            volume_id: Some(volume.id.clone()),
            instance_id: Some(one.id.clone()),
            device: Some(volume.device.clone()),
            state: Some(VolumeAttachmentState::Attached),
            attach_time: Some(one.created_at),
            ..Default::default()
        }]),
        encrypted: Some(volume.encrypted),
        ..Default::default()
    }
}

pub(super) async fn get_console_output(
    ec2: &Ec2,
    context: &Context,
    input: GetConsoleOutputRequest,
) -> Result<GetConsoleOutputResult, Error> {
    dry_run(input.dry_run)?;
    let snapshot = ec2.store.snapshot();
    let ids = std::slice::from_ref(&input.instance_id);
    let found = table::instances(&snapshot, &context.scope, Some(ids))?;
    let consoles = ec2.consoles.as_ref();
    let tail = found[0]
        .boot()
        .and_then(|boot| consoles?.tail(boot, CONSOLE_BYTES_MAX));
    Ok(GetConsoleOutputResult {
        instance_id: Some(input.instance_id),
        timestamp: Some(ec2.clock.now()),
        output: tail.map(|bytes| STANDARD.encode(bytes)),
    })
}

/// No instance here has UEFI variables: the kernel is the machine's.
pub(super) async fn get_instance_uefi_data(
    ec2: &Ec2,
    context: &Context,
    input: GetInstanceUefiDataRequest,
) -> Result<GetInstanceUefiDataResult, Error> {
    dry_run(input.dry_run)?;
    let ids = std::slice::from_ref(&input.instance_id);
    table::instances(&ec2.store.snapshot(), &context.scope, Some(ids))?;
    let message = format!("The instance '{}' does not have UEFI data.", input.instance_id);
    Err(with_code("UnsupportedOperation", message))
}
