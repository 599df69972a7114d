//! What all applications of a region share, removed with the last of them.

use aws_shape::{ec2, ecs, iam};

use crate::aws::{APP_TAG, MADE_TAG, NETWORK_NAME, NETWORK_TAG, Tags, filter, tagged};
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};
use crate::up::{ROLE_POLICY, role_name};

use super::GONE;

impl Deployer {
    /// Whether no application is left in the region, in whatever cluster: each has its security groups.
    pub(super) async fn is_last(&self) -> Result<bool, Failure> {
        let input = ec2::DescribeSecurityGroupsRequest {
            filters: Some(vec![filter("tag-key", APP_TAG), filter("tag-key", MADE_TAG)]),
            ..Default::default()
        };
        let found = self
            .aws
            .ec2
            .describe_security_groups(&self.aws.context, input)
            .await;
        let found = found.doing("looking for other applications")?.security_groups;
        Ok(found.unwrap_or_default().is_empty())
    }

    pub(super) async fn remove_shared(&self) -> Result<(), Failure> {
        tokio::try_join!(self.remove_cluster(), self.remove_role(), self.remove_network())?;
        Ok(())
    }

    async fn remove_cluster(&self) -> Result<(), Failure> {
        let (aws, name) = (&self.aws, self.cluster.clone());
        let input = ecs::DescribeClustersRequest {
            clusters: Some(vec![name.clone()]),
            include: Some(vec![ecs::ClusterField::Tags]),
        };
        let found = aws.ecs.describe_clusters(&aws.context, input).await;
        let found = found
            .doing("looking for the cluster")?
            .clusters
            .unwrap_or_default();
        let ours = found
            .into_iter()
            .any(|it| it.status.as_deref() == Some("ACTIVE") && Tags::from(it.tags).are_ours());
        if !ours {
            return Ok(());
        }
        let work = async {
            let input = ecs::DeleteClusterRequest {
                cluster: name.clone(),
            };
            match aws.ecs.delete_cluster(&aws.context, input).await {
                Err(error) if error.code.starts_with("ClusterContains") => {
                    Ok(Done::new(Outcome::Skipped, format!("{name} is still in use"), ()))
                }
                gone => {
                    gone.found(&GONE, "deleting the cluster")?;
                    Ok(Done::new(Outcome::Removed, name.clone(), ()))
                }
            }
        };
        self.teller.step(Step::Cluster, work).await
    }

    async fn remove_role(&self) -> Result<(), Failure> {
        let (aws, name) = (&self.aws, role_name(&self.aws.region));
        let input = iam::GetRoleRequest {
            role_name: name.clone(),
        };
        let found = aws.iam.get_role(&aws.context, input).await;
        let found = found.found(&GONE, "looking for the role")?;
        if !found.is_some_and(|it| Tags::from(it.role.tags).are_ours()) {
            return Ok(());
        }
        let work = async {
            let attached = self.role_policies(&name).await?;
            // A role to which somebody gave more is somebody's.
            if attached.iter().any(|policy| policy != ROLE_POLICY) {
                return Ok(Done::new(
                    Outcome::Skipped,
                    format!("{name} has policies of others"),
                    (),
                ));
            }
            for policy_arn in attached {
                let input = iam::DetachRolePolicyRequest {
                    role_name: name.clone(),
                    policy_arn,
                };
                let gone = aws.iam.detach_role_policy(&aws.context, input).await;
                gone.found(&GONE, "taking the role's policy")?;
            }
            let input = iam::DeleteRoleRequest {
                role_name: name.clone(),
            };
            let gone = aws.iam.delete_role(&aws.context, input).await;
            gone.found(&GONE, "deleting the role")?;
            Ok(Done::new(Outcome::Removed, name.clone(), ()))
        };
        self.teller.step(Step::Role, work).await
    }

    async fn remove_network(&self) -> Result<(), Failure> {
        let Some(vpc) = self.find_vpc(tagged(NETWORK_TAG, NETWORK_NAME)).await? else {
            return Ok(());
        };
        let work = async {
            self.remove_subnets(&vpc).await?;
            self.remove_route_table(&vpc).await?;
            self.remove_gateway().await?;
            self.persist(Step::Network, "the network", async || {
                let input = ec2::DeleteVpcRequest {
                    vpc_id: vpc.clone(),
                    ..Default::default()
                };
                self.aws.ec2.delete_vpc(&self.aws.context, input).await
            })
            .await?;
            Ok(Done::new(Outcome::Removed, vpc.clone(), ()))
        };
        self.teller.step(Step::Network, work).await
    }

    async fn remove_subnets(&self, vpc: &str) -> Result<(), Failure> {
        let filters = vec![filter("vpc-id", vpc), tagged(NETWORK_TAG, NETWORK_NAME)];
        for id in self
            .subnets(filters)
            .await?
            .into_iter()
            .filter_map(|it| it.subnet_id)
        {
            self.persist(Step::Network, "a subnet", async || {
                let input = ec2::DeleteSubnetRequest {
                    subnet_id: id.clone(),
                    ..Default::default()
                };
                self.aws.ec2.delete_subnet(&self.aws.context, input).await
            })
            .await?;
        }
        Ok(())
    }

    async fn remove_route_table(&self, vpc: &str) -> Result<(), Failure> {
        let (aws, found) = (&self.aws, self.find_route_table(vpc).await?);
        let Some((id, table)) = found.and_then(|it| Some((it.route_table_id.clone()?, it))) else {
            return Ok(());
        };
        let associations = table.associations.unwrap_or_default().into_iter();
        for association in associations.filter_map(|it| it.route_table_association_id) {
            let input = ec2::DisassociateRouteTableRequest {
                association_id: association,
                ..Default::default()
            };
            let gone = aws.ec2.disassociate_route_table(&aws.context, input).await;
            gone.found(&GONE, "taking a subnet's route")?;
        }
        self.persist(Step::Network, "the route table", async || {
            let input = ec2::DeleteRouteTableRequest {
                route_table_id: id.clone(),
                ..Default::default()
            };
            aws.ec2.delete_route_table(&aws.context, input).await
        })
        .await
    }

    async fn remove_gateway(&self) -> Result<(), Failure> {
        let found = self.find_gateway().await?;
        let Some((id, gateway)) = found.and_then(|it| Some((it.internet_gateway_id.clone()?, it))) else {
            return Ok(());
        };
        let attached = gateway.attachments.unwrap_or_default().into_iter();
        for vpc in attached.filter_map(|it| it.vpc_id) {
            self.persist(Step::Network, "the way to the internet", async || {
                let input = ec2::DetachInternetGatewayRequest {
                    internet_gateway_id: id.clone(),
                    vpc_id: vpc.clone(),
                    ..Default::default()
                };
                self.aws
                    .ec2
                    .detach_internet_gateway(&self.aws.context, input)
                    .await
            })
            .await?;
        }
        self.persist(Step::Network, "the way to the internet", async || {
            let input = ec2::DeleteInternetGatewayRequest {
                internet_gateway_id: id.clone(),
                ..Default::default()
            };
            self.aws
                .ec2
                .delete_internet_gateway(&self.aws.context, input)
                .await
        })
        .await
    }
}
