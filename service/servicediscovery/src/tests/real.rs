//! With the real Route 53 and EC2: what the name server is told.

use async_trait::async_trait;
use aws_shape::ec2::{self, Api as _};
use base_store::Table;
use contract::dns::{Answered, Ask, Data, Policy, Question, RecordSet, Visibility, Zone};

use super::*;

const ZONES: Table<Zone> = Table::new(Zone::TABLE, 1);
const RECORDS: Table<RecordSet> = Table::new(RecordSet::TABLE, 1);

struct Nobody;

#[async_trait]
impl Ask for Nobody {
    async fn ask(&self, _: Question) -> Result<Answered, String> {
        Err("nobody answers".into())
    }
}

/// The world, and its network. Time is the machine's, as Route 53 waits a little for the name server.
async fn real() -> (World, String) {
    let mut world = world();
    let clock = Arc::new(base_clock::SystemClock);
    let ids = Arc::new(SequentialIds::default());
    let ec2 = service_ec2::Ec2::new(world.store.clone(), clock.clone(), ids.clone());
    let vpc = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".into()),
        ..Default::default()
    };
    let vpc = ec2.create_vpc(&world.context, vpc).await.unwrap().vpc.unwrap();
    let neighbours = service_route53::Neighbours {
        ec2: Arc::new(ec2.clone()),
        dns: Arc::new(Nobody),
    };
    let route53 = service_route53::Route53::new(world.store.clone(), clock.clone(), ids.clone(), neighbours);
    let neighbours = Neighbours {
        route53: Arc::new(route53),
        ec2: Arc::new(ec2),
    };
    world.map = ServiceDiscovery::new(world.store.clone(), clock, ids, neighbours);
    (world, vpc.vpc_id.unwrap())
}

impl World {
    /// `name type ttl data [policy]` of all records but those of the zone itself.
    fn served(&self) -> Vec<String> {
        let rows = self.store.snapshot().list(RECORDS).into_iter();
        let own = rows.filter(|(_, it)| !["NS", "SOA"].contains(&it.key.kind.as_str()));
        own.map(|(_, it)| {
            let Data::Values { ttl_seconds, values } = &it.data else {
                panic!("no aliases here");
            };
            let policy = match it.policy {
                Policy::Multivalue => "multivalue",
                Policy::Simple => "simple",
                _ => "other",
            };
            let (name, kind) = (&it.key.name, &it.key.kind);
            format!("{name} {kind} {ttl_seconds} {} {policy}", values.join(","))
        })
        .collect()
    }
}

#[tokio::test]
async fn the_name_server_is_told_of_instances_and_of_their_end() {
    let (world, vpc) = real().await;
    let input = CreatePrivateDnsNamespaceRequest {
        name: "corp.local".into(),
        vpc: vpc.clone(),
        ..Default::default()
    };
    let map = &world.map;
    let made = map
        .create_private_dns_namespace(&world.context, input.clone())
        .await;
    let operation = world.operation(made.unwrap().operation_id).await;
    assert_eq!(operation.status, Some(OperationStatus::Success), "{operation:?}");
    let zones = world.store.snapshot().list(ZONES);
    assert_eq!(zones[0].1.name, "corp.local.");
    assert_eq!(zones[0].1.visibility, Visibility::Networks(vec![vpc]));
    let soa = world.store.snapshot().list(RECORDS).into_iter();
    let mut soa = soa.filter(|(_, it)| it.key.kind == "SOA");
    let Some(Data::Values { ttl_seconds: 15, .. }) = soa.next().map(|(_, it)| it.data.clone()) else {
        panic!("what is not there is soon forgotten");
    };

    let namespace = operation.targets.unwrap()["NAMESPACE"].clone();
    let service = request(&namespace, &[("A", 10), ("SRV", 20)], "MULTIVALUE");
    let service = world.service(service).await;
    for (id, address) in [("a", "10.0.0.1"), ("b@c", "10.0.0.2")] {
        let attributes = [("AWS_INSTANCE_IPV4", address), ("AWS_INSTANCE_PORT", "80")];
        let done = world.register(&service, id, &attributes).await.unwrap();
        let operation = world.operation(done).await;
        assert_eq!(operation.status, Some(OperationStatus::Success), "{operation:?}");
    }
    let served = world.served();
    assert_eq!(served.len(), 6, "{served:?}");
    for line in [
        "web.corp.local. A 10 10.0.0.1 multivalue",
        "web.corp.local. SRV 20 1 1 80 a.web.corp.local. multivalue",
        "a.web.corp.local. A 20 10.0.0.1 simple",
    ] {
        assert!(served.contains(&line.to_owned()), "{line}: {served:?}");
    }
    for id in ["a", "b@c"] {
        let done = world.deregister(&service, id).await.unwrap();
        assert_eq!(world.status(done).await, OperationStatus::Success);
    }
    assert_eq!(world.served(), [""; 0]);
    let input = DeleteServiceRequest { id: service };
    map.delete_service(&world.context, input).await.unwrap();
    let gone = map
        .delete_namespace(&world.context, DeleteNamespaceRequest { id: namespace })
        .await;
    let operation = world.operation(gone.unwrap().operation_id).await;
    assert_eq!(operation.status, Some(OperationStatus::Success), "{operation:?}");
    assert_eq!(world.store.snapshot().list(ZONES).len(), 0);
}

#[tokio::test]
async fn a_zone_that_is_there_already_fails_the_operation_in_route_53s_words() {
    let (world, vpc) = real().await;
    let input = CreatePrivateDnsNamespaceRequest {
        name: "corp.local".into(),
        vpc,
        ..Default::default()
    };
    let map = &world.map;
    map.create_private_dns_namespace(&world.context, input.clone())
        .await
        .unwrap();
    // Cloud Map forgets, Route 53 does not.
    let forget = world.store.write(|tx| {
        let rows = tx.list(crate::table::NAMESPACES);
        for (place, _) in rows {
            tx.delete(crate::table::NAMESPACES, &place);
        }
        Ok::<_, ApiError>(())
    });
    forget.await.unwrap();
    let made = map.create_private_dns_namespace(&world.context, input).await;
    let operation = world.operation(made.unwrap().operation_id).await;
    assert_eq!(operation.error_code.as_deref(), Some("CANNOT_CREATE_HOSTED_ZONE"));
    assert!(operation.error_message.unwrap().contains("same domain"));
}
