//! A group in numbers, as AWS/AutoScaling has them.

use crate::model::{Group, Member, Stage};

/// Names and numbers of a group's enabled metrics. Every instance counts as one unit of capacity, as groups have no weights;
/// those of warm pools have no numbers, as there are none.
pub(crate) fn sizes(group: &Group) -> Vec<(&str, u32)> {
    let count = |is_meant: fn(&Member) -> bool| {
        let meant = group
            .members
            .iter()
            .filter(|it| it.instance.is_some() && is_meant(it));
        u32::try_from(meant.count()).unwrap_or(u32::MAX)
    };
    let number = |metric: &str| {
        Some(match metric {
            "GroupMinSize" => group.min,
            "GroupMaxSize" => group.max,
            "GroupDesiredCapacity" => group.desired,
            "GroupInServiceInstances" | "GroupInServiceCapacity" => count(|it| it.stage == Stage::InService),
            "GroupPendingInstances" | "GroupPendingCapacity" => {
                count(|it| matches!(it.stage, Stage::Launching | Stage::Pending))
            }
            "GroupTerminatingInstances" | "GroupTerminatingCapacity" => {
                count(|it| it.stage == Stage::Terminating)
            }
            "GroupTotalInstances" | "GroupTotalCapacity" => count(|it| it.stage != Stage::Detaching),
            // Nothing stands by: there is no operation for it.
            "GroupStandbyInstances" | "GroupStandbyCapacity" => 0,
            _ => return None,
        })
    };
    let enabled = group.metrics.iter();
    enabled
        .filter_map(|it| Some((it.as_str(), number(it)?)))
        .collect()
}
