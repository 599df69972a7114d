//! Instance refresh: old members go, a few at a time, and the group grows new ones.

use jiff::SignedDuration;

use super::Planner;
use crate::event;
use crate::model::{Group, Member, Protected, Refresh, RefreshStatus, Stage};

pub(super) fn step(planner: &mut Planner<'_>, group: &mut Group) {
    let Some(refresh) = group.refresh().map(|it| it.clone()) else {
        return;
    };
    if refresh.status == RefreshStatus::Cancelling {
        end(
            group,
            planner,
            RefreshStatus::Cancelled,
            Some("Cancelled due to user request."),
        );
        return;
    }
    if !group.runs("InstanceRefresh") {
        return;
    }
    let old: Vec<usize> = (0..group.members.len())
        .filter(|index| is_old(group, &refresh, &group.members[*index], planner))
        .collect();
    let protected =
        |index: &usize| group.members[*index].protected && refresh.protected != Protected::Refresh;
    let skipped = if refresh.protected == Protected::Ignore {
        old.iter().filter(|index| protected(index)).count()
    } else {
        0
    };
    let left = old.len() - skipped;
    let may: Vec<usize> = old.iter().copied().filter(|index| !protected(index)).collect();
    let ready = |it: &&Member| is_ready(group, &refresh, it, planner);
    let ready = group.members.iter().filter(ready).count();
    let desired = group.desired as usize;
    let settled = group.members.iter().filter(|it| it.counts()).count() == desired && ready == desired;
    if let Some(row) = group.refresh() {
        row.status = RefreshStatus::InProgress;
        row.left = left as u32;
        row.reason = (may.is_empty() && left > 0)
            .then(|| "Waiting for instances that are protected from scale in.".to_owned());
    }
    if left == 0 && settled {
        end(group, planner, RefreshStatus::Successful, None);
        return;
    }
    // At least one may be missing, or nothing could ever be replaced.
    let floor = (group.desired * refresh.min_healthy_percent).div_ceil(100) as usize;
    let out_max = desired.saturating_sub(floor).max(1);
    let out = desired.saturating_sub(ready);
    if !group.runs("Terminate") || !group.runs("Launch") {
        return;
    }
    // One that does not serve anyway costs nothing.
    let serves = |index: usize| group.members[index].stage == Stage::InService;
    let mut room = out_max.saturating_sub(out);
    let mut go = Vec::new();
    for index in may {
        if !serves(index) {
            go.push(index);
        } else if room > 0 {
            room -= 1;
            go.push(index);
        }
    }
    for index in go {
        let cause = event::refreshed(planner.now);
        planner.take_out(group, index, cause);
    }
}

fn is_old(group: &Group, refresh: &Refresh, member: &Member, planner: &Planner<'_>) -> bool {
    if !matches!(member.stage, Stage::Pending | Stage::InService) || member.since >= refresh.started_at {
        return false;
    }
    let matches = match (&planner.picture.template, &member.template) {
        (Some(wanted), Some(own)) => wanted.id == own.id && wanted.version == own.version,
        _ => false,
    };
    let _ = group;
    !(refresh.skip_matching && matches)
}

/// In service, and past the warm-up if it is new.
fn is_ready(group: &Group, refresh: &Refresh, member: &Member, planner: &Planner<'_>) -> bool {
    if member.stage != Stage::InService {
        return false;
    }
    if member.since < refresh.started_at {
        return true;
    }
    let warmup = refresh
        .warmup_seconds
        .or(group.warmup_seconds)
        .unwrap_or(group.grace_seconds);
    let warmup = SignedDuration::from_secs(warmup.into());
    member
        .in_service_since
        .is_some_and(|since| since + warmup <= planner.now)
}

fn end(group: &mut Group, planner: &Planner<'_>, status: RefreshStatus, reason: Option<&str>) {
    let now = planner.now;
    if let Some(refresh) = group.refresh() {
        refresh.status = status;
        refresh.reason = reason.map(str::to_owned);
        refresh.ended_at = Some(now);
    }
}
