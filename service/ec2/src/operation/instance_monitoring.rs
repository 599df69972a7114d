//! Detailed monitoring on and off; it holds from the next look at the instance on.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::instance_describe::switch;
use crate::Ec2;
use crate::error::{Error, dry_run};
use crate::model::instance::Instance;
use crate::table::{self, INSTANCES, key};

pub(super) async fn monitor_instances(
    ec2: &Ec2,
    context: &Context,
    input: MonitorInstancesRequest,
) -> Result<MonitorInstancesResult, Error> {
    let changed = change(ec2, context, input.instance_ids, input.dry_run, true).await?;
    Ok(MonitorInstancesResult {
        instance_monitorings: Some(changed),
    })
}

pub(super) async fn unmonitor_instances(
    ec2: &Ec2,
    context: &Context,
    input: UnmonitorInstancesRequest,
) -> Result<UnmonitorInstancesResult, Error> {
    let changed = change(ec2, context, input.instance_ids, input.dry_run, false).await?;
    Ok(UnmonitorInstancesResult {
        instance_monitorings: Some(changed),
    })
}

/// All of them change, or none.
async fn change(
    ec2: &Ec2,
    context: &Context,
    ids: Vec<String>,
    dry: Option<bool>,
    monitoring: bool,
) -> Result<Vec<InstanceMonitoring>, Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let instances = table::instances(&tx.snapshot(), &scope, Some(&ids))?;
            dry_run(dry)?;
            let mut changed = Vec::new();
            for before in &instances {
                let after = Instance {
                    monitoring,
                    ..Instance::clone(before)
                };
                changed.push(InstanceMonitoring {
                    instance_id: Some(after.id.clone()),
                    monitoring: Some(Monitoring {
                        state: Some(switch(monitoring).into()),
                    }),
                });
                tx.put(INSTANCES, &key(&scope, &before.id), after);
            }
            Ok(changed)
        })
        .await
}
