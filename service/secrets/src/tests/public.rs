//! Public parameters: what AWS recommends, as EC2 has it.

use std::sync::Arc;

use aws_shape::ssm::*;
use base_id::RandomIds;

use super::{World, world};

fn with_images(world: World) -> World {
    let ec2 = service_ec2::Ec2::new(world.store.clone(), world.clock.clone(), Arc::new(RandomIds));
    World {
        secrets: world.secrets.with_ec2(Arc::new(ec2)),
        ..world
    }
}

#[tokio::test]
async fn the_recommended_image_is_the_newest_of_its_line() {
    let world = with_images(world());
    // On a machine of another architecture the names end differently.
    let arm = if cfg!(target_arch = "aarch64") {
        "/arm64"
    } else {
        ""
    };
    let path = format!("/aws/service/ecs/optimized-ami/amazon-linux-2{arm}/recommended");
    let get = |name: String| GetParameterRequest {
        name,
        with_decryption: None,
    };
    let read = async |name: String| {
        let answer = world.secrets.get_parameter(&world.context, get(name)).await;
        answer.map(|it| it.parameter.unwrap())
    };
    let document = read(path.clone()).await.unwrap().value.unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let id = read(format!("{path}/image_id")).await.unwrap();
    assert_eq!(document["image_id"], id.value.unwrap());
    assert_eq!(id.data_type.as_deref(), Some("aws:ec2:image"));
    assert!(
        id.arn
            .unwrap()
            .starts_with("arn:aws:ssm:us-east-1::parameter/aws/service/")
    );
    assert_eq!(document["image_version"], "2.0.20250805");
    let below = GetParametersByPathRequest {
        path,
        ..Default::default()
    };
    let below = world
        .secrets
        .get_parameters_by_path(&world.context, below)
        .await
        .unwrap();
    assert_eq!(below.parameters.unwrap().len(), 7);
    let unknown = read("/aws/service/nonsense".into()).await;
    assert_eq!(unknown.unwrap_err().code, "ParameterNotFound");
}
