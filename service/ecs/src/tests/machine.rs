//! EC2 with instances that are only said to be there: the real service for everything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2::{self, Api, InstanceStateName};

#[derive(Clone)]
pub(super) struct Machines {
    inner: service_ec2::Ec2,
    rows: Arc<Mutex<BTreeMap<String, ec2::Instance>>>,
}

impl Machines {
    pub(super) fn new(inner: service_ec2::Ec2) -> Self {
        Self {
            inner,
            rows: Arc::default(),
        }
    }

    pub(super) fn run(&self, id: &str, zone: &str, vpc: &str, address: &str) {
        let row = ec2::Instance {
            instance_id: Some(id.to_owned()),
            image_id: Some("ami-1".to_owned()),
            instance_type: Some("t3.small".into()),
            architecture: Some("x86_64".into()),
            placement: Some(ec2::Placement {
                availability_zone: Some(zone.to_owned()),
                ..Default::default()
            }),
            vpc_id: Some(vpc.to_owned()),
            private_ip_address: Some(address.to_owned()),
            ..Default::default()
        };
        self.rows.lock().unwrap().insert(id.to_owned(), row);
        self.set(id, InstanceStateName::Running);
    }

    pub(super) fn set(&self, id: &str, state: InstanceStateName) {
        if let Some(row) = self.rows.lock().unwrap().get_mut(id) {
            row.state = Some(ec2::InstanceState {
                code: None,
                name: Some(state),
            });
        }
    }
}

macro_rules! passed_on {
    ($($name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait]
        impl Api for Machines {
            async fn describe_instances(
                &self,
                _: &Context,
                input: ec2::DescribeInstancesRequest,
            ) -> Result<ec2::DescribeInstancesResult, ApiError> {
                let rows = self.rows.lock().unwrap();
                let mut wanted = input.instance_ids.unwrap_or_default();
                if let Some(unknown) = wanted.iter().find(|id| !rows.contains_key(*id)) {
                    let message = format!("The instance ID '{unknown}' does not exist");
                    return Err(ApiError::client("InvalidInstanceID.NotFound", message));
                }
                let filters = input.filters.into_iter().flatten();
                wanted.extend(filters.flat_map(|it| it.values.unwrap_or_default()));
                let found = wanted.iter().filter_map(|id| rows.get(id).cloned());
                Ok(ec2::DescribeInstancesResult {
                    reservations: Some(vec![ec2::Reservation {
                        instances: Some(found.collect()),
                        ..Default::default()
                    }]),
                    next_token: None,
                })
            }

            $(async fn $name(&self, context: &Context, input: $input) -> Result<$output, ApiError> {
                self.inner.$name(context, input).await
            })*
        }
    };
}

passed_on! {
    describe_vpcs(ec2::DescribeVpcsRequest) -> ec2::DescribeVpcsResult;
    describe_subnets(ec2::DescribeSubnetsRequest) -> ec2::DescribeSubnetsResult;
    describe_security_groups(ec2::DescribeSecurityGroupsRequest) -> ec2::DescribeSecurityGroupsResult;
    describe_network_interfaces(ec2::DescribeNetworkInterfacesRequest) -> ec2::DescribeNetworkInterfacesResult;
    create_network_interface(ec2::CreateNetworkInterfaceRequest) -> ec2::CreateNetworkInterfaceResult;
    delete_network_interface(ec2::DeleteNetworkInterfaceRequest) -> ();
}
