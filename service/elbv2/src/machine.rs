//! EC2 instances that are targets: where they are, and whether they run.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2::{self, InstanceStateName};

use crate::Elbv2;

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) address: Ipv4Addr,
    pub(crate) vpc: String,
    pub(crate) state: InstanceStateName,
}

impl Machine {
    pub(crate) fn runs(&self) -> bool {
        self.state == InstanceStateName::Running
    }

    /// It will not come back.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(
            self.state,
            InstanceStateName::ShuttingDown | InstanceStateName::Terminated
        )
    }
}

/// Those of these that exist, by id.
pub(crate) async fn machines(
    elb: &Elbv2,
    context: &Context,
    ids: Vec<String>,
) -> Result<BTreeMap<String, Machine>, ApiError> {
    let mut machines = BTreeMap::new();
    if ids.is_empty() {
        return Ok(machines);
    }
    // As a filter, for which one that does not exist is no error.
    let filter = ec2::Filter {
        name: Some("instance-id".to_owned()),
        values: Some(ids),
    };
    let mut input = ec2::DescribeInstancesRequest {
        filters: Some(vec![filter]),
        ..Default::default()
    };
    loop {
        let answer = elb.ec2.describe_instances(context, input.clone()).await?;
        let reservations = answer.reservations.into_iter().flatten();
        for one in reservations.flat_map(|it| it.instances.unwrap_or_default()) {
            let (Some(id), Some(state)) = (one.instance_id, one.state.and_then(|it| it.name)) else {
                continue;
            };
            let address = one.private_ip_address.and_then(|text| text.parse().ok());
            let machine = Machine {
                // A terminated one has given its address back.
                address: address.unwrap_or(Ipv4Addr::UNSPECIFIED),
                vpc: one.vpc_id.unwrap_or_default(),
                state,
            };
            machines.insert(id, machine);
        }
        input.next_token = answer.next_token;
        if input.next_token.is_none() {
            return Ok(machines);
        }
    }
}
