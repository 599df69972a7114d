//! Feet: a load balancer gets an interface in each of its subnets, and gives them back when it goes.

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};

use crate::Elbv2;
use crate::model::{FootInterface, LoadBalancer};
use crate::table::LOAD_BALANCERS;

/// The reconciler of load balancers.
pub struct Balancers(Elbv2);

impl Balancers {
    /// What wakes it.
    pub const READS: &[&str] = &[LOAD_BALANCERS.name];

    pub fn new(service: Elbv2) -> Self {
        Self(service)
    }

    async fn one(&self, key: &str, balancer: &LoadBalancer) -> Result<(), ApiError> {
        let context = super::own_context(&Scope::of_key(key));
        let made = self.interfaces(&context, balancer).await?;
        if balancer.deleted {
            return self.remove(&context, key, made).await;
        }
        let mut standing = balancer.clone();
        for foot in standing.feet.iter_mut().filter(|foot| foot.interface.is_none()) {
            // One that was made before a crash is taken, not made again.
            let known = made
                .iter()
                .find(|one| one.subnet_id.as_ref() == Some(&foot.subnet))
                .cloned();
            let interface = match known {
                Some(known) => known,
                None => self.make(&context, balancer, &foot.subnet).await?,
            };
            let address = interface
                .private_ip_address
                .as_deref()
                .and_then(|text| text.parse().ok());
            let (Some(id), Some(address)) = (interface.network_interface_id, address) else {
                return Err(ApiError::internal("an interface came without id or address"));
            };
            foot.interface = Some(FootInterface { id, address });
        }
        for id in std::mem::take(&mut standing.left) {
            self.give_back(&context, id).await?;
        }
        if std::mem::take(&mut standing.regroup) {
            self.regroup(&context, &standing).await?;
        }
        let (key, before) = (key.to_owned(), balancer.clone());
        self.0
            .store
            .write(move |tx| {
                // What changed meanwhile is looked at by the next activation.
                if tx.get(LOAD_BALANCERS, &key).as_deref() == Some(&before) {
                    tx.put(LOAD_BALANCERS, &key, standing);
                }
                Ok(())
            })
            .await
    }

    async fn interfaces(
        &self,
        context: &Context,
        balancer: &LoadBalancer,
    ) -> Result<Vec<ec2::NetworkInterface>, ApiError> {
        let filter = ec2::Filter {
            name: Some("description".into()),
            values: Some(vec![balancer.description()]),
        };
        let input = ec2::DescribeNetworkInterfacesRequest {
            filters: Some(vec![filter]),
            ..Default::default()
        };
        Ok(self
            .0
            .ec2
            .describe_network_interfaces(context, input)
            .await?
            .network_interfaces
            .unwrap_or_default())
    }

    async fn make(
        &self,
        context: &Context,
        balancer: &LoadBalancer,
        subnet: &str,
    ) -> Result<ec2::NetworkInterface, ApiError> {
        let input = ec2::CreateNetworkInterfaceRequest {
            subnet_id: subnet.to_owned(),
            groups: Some(balancer.groups.clone()),
            description: Some(balancer.description()),
            ..Default::default()
        };
        let made = self
            .0
            .ec2
            .create_network_interface(context, input)
            .await?
            .network_interface;
        made.ok_or_else(|| ApiError::internal("no interface was made"))
    }

    async fn give_back(&self, context: &Context, id: String) -> Result<(), ApiError> {
        let input = ec2::DeleteNetworkInterfaceRequest {
            network_interface_id: id,
            dry_run: None,
        };
        match self.0.ec2.delete_network_interface(context, input).await {
            // Gone already: that is what was wanted.
            Err(error) if error.code == "InvalidNetworkInterfaceID.NotFound" => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// Gives the interfaces the security groups of the row.
    async fn regroup(&self, context: &Context, balancer: &LoadBalancer) -> Result<(), ApiError> {
        for interface in balancer.feet.iter().filter_map(|foot| foot.interface.as_ref()) {
            let input = ec2::ModifyNetworkInterfaceAttributeRequest {
                network_interface_id: interface.id.clone(),
                groups: Some(balancer.groups.clone()),
                ..Default::default()
            };
            self.0
                .ec2
                .modify_network_interface_attribute(context, input)
                .await?;
        }
        Ok(())
    }

    async fn remove(
        &self,
        context: &Context,
        key: &str,
        made: Vec<ec2::NetworkInterface>,
    ) -> Result<(), ApiError> {
        for id in made.into_iter().filter_map(|one| one.network_interface_id) {
            self.give_back(context, id).await?;
        }
        let key = key.to_owned();
        self.0
            .store
            .write(move |tx| {
                if tx.get(LOAD_BALANCERS, &key).is_some_and(|row| row.deleted) {
                    tx.delete(LOAD_BALANCERS, &key);
                }
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl Reconciler for Balancers {
    fn name(&self) -> &'static str {
        "elbv2 balancers"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let mut failures = Vec::new();
        for (key, balancer) in self.0.store.snapshot().list(LOAD_BALANCERS) {
            if !balancer.is_settled()
                && let Err(error) = self.one(&key, &balancer).await
            {
                failures.push(format!("{key}: {error}"));
            }
        }
        if failures.is_empty() {
            Ok(Outcome::Settled)
        } else {
            Err(failures.join("; "))
        }
    }
}
