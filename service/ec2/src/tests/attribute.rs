//! What of instances can be asked and changed one by one, and where they are when nothing is said.

use contract::task::StopKind;

use super::instance::{cloud, image};
use super::*;

#[tokio::test]
async fn without_a_subnet_an_instance_is_in_the_default_vpc_with_a_public_address_while_it_is_up() {
    let cloud = cloud().await;
    let input = RunInstancesRequest {
        image_id: Some(image()),
        min_count: 1,
        max_count: 1,
        ..Default::default()
    };
    let id = cloud.run(input).await.unwrap()[0].instance_id.clone().unwrap();
    cloud.settle().await;
    assert!(cloud.describe(&id).await.public_ip_address.is_some());
    plane::end_all(&cloud.world.store, StopKind::EssentialContainerExited).await;
    cloud.settle().await;
    let told = cloud.describe(&id).await;
    assert_eq!(told.state.unwrap().name, Some(InstanceStateName::Stopped));
    assert_eq!(told.public_ip_address, None);
    assert!(told.private_ip_address.is_some());
}

#[tokio::test]
async fn some_attributes_change_at_rest_only_and_the_groups_at_any_time() {
    let cloud = cloud().await;
    let (ec2, context) = (&cloud.world.ec2, &cloud.world.context);
    let launched = cloud.run(cloud.request()).await.unwrap()[0].clone();
    let (id, vpc) = (launched.instance_id.unwrap(), launched.vpc_id);
    cloud.settle().await;
    let change = || ModifyInstanceAttributeRequest {
        instance_id: id.clone(),
        ..Default::default()
    };
    let bigger = ModifyInstanceAttributeRequest {
        instance_type: Some(AttributeValue {
            value: Some("t3.large".into()),
        }),
        ..change()
    };
    let refused = ec2.modify_instance_attribute(context, bigger.clone()).await;
    assert_eq!(code(refused), "IncorrectInstanceState");
    let group = CreateSecurityGroupRequest {
        group_name: "web".into(),
        description: "d".into(),
        vpc_id: vpc,
        ..Default::default()
    };
    let group = ec2.create_security_group(context, group).await.unwrap().group_id;
    let group = group.unwrap();
    let regroup = ModifyInstanceAttributeRequest {
        groups: Some(vec![group.clone()]),
        ..change()
    };
    ec2.modify_instance_attribute(context, regroup).await.unwrap();
    cloud.settle().await;
    let rows = cloud.world.store.snapshot().list(table::DESIRED_TASKS);
    let row = &rows[0].1;
    assert_eq!(row.interface.as_ref().unwrap().groups, [group]);
    assert_eq!(row.generation, 2);
    let stop = StopInstancesRequest {
        instance_ids: vec![id.clone()],
        ..Default::default()
    };
    ec2.stop_instances(context, stop).await.unwrap();
    cloud.settle().await;
    ec2.modify_instance_attribute(context, bigger).await.unwrap();
    let told = cloud.describe(&id).await.instance_type.unwrap();
    assert_eq!(told.as_str(), "t3.large");
}
