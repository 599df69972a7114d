//! Keys, images and launch templates.

use ssh_key::{HashAlg, PrivateKey, PublicKey};

use super::instance::{cloud, image};
use super::*;

#[tokio::test]
async fn a_made_pair_opens_what_its_public_half_closes() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let input = CreateKeyPairRequest {
        key_name: "mine".into(),
        key_type: Some(KeyType::Ed25519),
        ..Default::default()
    };
    let made = ec2.create_key_pair(context, input.clone()).await.unwrap();
    let secret = PrivateKey::from_openssh(made.key_material.unwrap()).unwrap();
    let input_describe = DescribeKeyPairsRequest {
        include_public_key: Some(true),
        ..Default::default()
    };
    let told = ec2.describe_key_pairs(context, input_describe).await.unwrap();
    let told = told.key_pairs.unwrap()[0].clone();
    let public = PublicKey::from_openssh(&told.public_key.unwrap()).unwrap();
    assert_eq!(secret.public_key().key_data(), public.key_data());
    let openssh = public.fingerprint(HashAlg::Sha256).to_string();
    let told = told.key_fingerprint.unwrap();
    assert_eq!(
        openssh.strip_prefix("SHA256:").unwrap(),
        told.trim_end_matches('=')
    );
    assert_eq!(
        code(ec2.create_key_pair(context, input).await),
        "InvalidKeyPair.Duplicate"
    );
}

#[tokio::test]
async fn an_rsa_pair_has_the_fingerprint_of_its_private_half_and_another_one_when_imported() {
    let world = world();
    let (ec2, context) = (&world.ec2, &world.context);
    let input = CreateKeyPairRequest {
        key_name: "mine".into(),
        ..Default::default()
    };
    let made = ec2.create_key_pair(context, input).await.unwrap();
    assert!(
        made.key_material
            .unwrap()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----")
    );
    assert_eq!(made.key_fingerprint.unwrap().len(), 20 * 3 - 1);
    let describe = DescribeKeyPairsRequest {
        include_public_key: Some(true),
        ..Default::default()
    };
    let told = ec2.describe_key_pairs(context, describe).await.unwrap();
    let public = told.key_pairs.unwrap()[0].public_key.clone().unwrap();
    let import = ImportKeyPairRequest {
        key_name: "brought".into(),
        public_key_material: public.into_bytes(),
        ..Default::default()
    };
    let brought = ec2.import_key_pair(context, import).await.unwrap();
    assert_eq!(brought.key_fingerprint.unwrap().len(), 16 * 3 - 1);
    let bad = ImportKeyPairRequest {
        key_name: "bad".into(),
        public_key_material: b"ssh-rsa nonsense".to_vec(),
        ..Default::default()
    };
    assert_eq!(code(ec2.import_key_pair(context, bad).await), "InvalidKey.Format");
    let delete = |name: &str| DeleteKeyPairRequest {
        key_name: Some(name.into()),
        ..Default::default()
    };
    ec2.delete_key_pair(context, delete("brought")).await.unwrap();
    ec2.delete_key_pair(context, delete("brought")).await.unwrap();
}

#[tokio::test]
async fn the_images_that_people_look_for_are_found() {
    let world = world();
    for (owner, name, count) in [
        ("amazon", "amzn2-ami-ecs-hvm-*-x86_64-ebs", 2),
        ("amazon", "al2023-ami-ecs-hvm-2023*", 2),
        (
            "099720109477",
            "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
            2,
        ),
        ("self", "*", 0),
    ] {
        let input = DescribeImagesRequest {
            owners: Some(vec![owner.into()]),
            filters: Some(vec![Filter {
                name: Some("name".into()),
                values: Some(vec![name.into()]),
            }]),
            ..Default::default()
        };
        let found = world.ec2.describe_images(&world.context, input).await.unwrap();
        let expected = if crate::model::instance_type::ARCHITECTURE == "x86_64" {
            count
        } else {
            0
        };
        let found = found.images.unwrap();
        assert!(
            found.len() == expected || expected == 0,
            "{name}: {}",
            found.len()
        );
    }
}

fn data(kind: &str) -> RequestLaunchTemplateData {
    RequestLaunchTemplateData {
        image_id: Some(image()),
        instance_type: Some(kind.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_template_has_versions_and_instances_follow_the_one_they_name() {
    let cloud = cloud().await;
    let (ec2, context) = (&cloud.world.ec2, &cloud.world.context);
    let create = CreateLaunchTemplateRequest {
        launch_template_name: "web".into(),
        launch_template_data: data("t3.micro"),
        ..Default::default()
    };
    let made = ec2.create_launch_template(context, create.clone()).await.unwrap();
    let id = made.launch_template.unwrap().launch_template_id.unwrap();
    assert_eq!(
        code(ec2.create_launch_template(context, create).await),
        "InvalidLaunchTemplateName.AlreadyExistsException"
    );
    let second = CreateLaunchTemplateVersionRequest {
        launch_template_id: Some(id.clone()),
        source_version: Some("1".into()),
        launch_template_data: RequestLaunchTemplateData {
            instance_type: Some("t3.small".into()),
            ..Default::default()
        },
        ..Default::default()
    };
    let version = ec2.create_launch_template_version(context, second).await.unwrap();
    let version = version.launch_template_version.unwrap();
    assert_eq!(version.version_number, Some(2));
    assert_eq!(version.launch_template_data.unwrap().image_id, Some(image()));
    for (asked, expected) in [
        (None, "t3.micro"),
        (Some("$Latest"), "t3.small"),
        (Some("1"), "t3.micro"),
    ] {
        let input = RunInstancesRequest {
            launch_template: Some(LaunchTemplateSpecification {
                launch_template_name: Some("web".into()),
                version: asked.map(str::to_owned),
                ..Default::default()
            }),
            subnet_id: Some(cloud.subnet.clone()),
            min_count: 1,
            max_count: 1,
            ..Default::default()
        };
        let launched = cloud.run(input).await.unwrap();
        assert_eq!(launched[0].instance_type.as_ref().unwrap().as_str(), expected);
        let tags = launched[0].tags.iter().flatten();
        let origin = tags.filter(|it| it.key.as_deref() == Some("aws:ec2launchtemplate:id"));
        let origin: Vec<_> = origin.map(|it| it.value.clone()).collect();
        assert_eq!(
            origin,
            [Some(id.clone())],
            "an instance says which template it is from"
        );
    }
    let modify = ModifyLaunchTemplateRequest {
        launch_template_id: Some(id.clone()),
        default_version: Some("2".into()),
        ..Default::default()
    };
    ec2.modify_launch_template(context, modify).await.unwrap();
    let delete = DeleteLaunchTemplateVersionsRequest {
        launch_template_id: Some(id.clone()),
        versions: vec!["1".into(), "2".into(), "7".into()],
        ..Default::default()
    };
    let answer = ec2
        .delete_launch_template_versions(context, delete)
        .await
        .unwrap();
    assert_eq!(
        answer
            .successfully_deleted_launch_template_versions
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        answer
            .unsuccessfully_deleted_launch_template_versions
            .unwrap()
            .len(),
        2
    );
    let describe = DescribeLaunchTemplateVersionsRequest {
        launch_template_id: Some(id),
        versions: Some(vec!["1".into()]),
        ..Default::default()
    };
    assert_eq!(
        code(ec2.describe_launch_template_versions(context, describe).await),
        "InvalidLaunchTemplateId.VersionNotFound"
    );
}

#[tokio::test]
async fn a_tag_for_what_does_not_exist_is_refused_by_its_kind() {
    let cloud = cloud().await;
    let (ec2, context) = (&cloud.world.ec2, &cloud.world.context);
    for (id, expected) in [
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("i-x", "InvalidID"),
        ("x", "InvalidID"),
    ] {
        let input = CreateTagsRequest {
            resources: vec![id.into()],
            tags: vec![Tag {
                key: Some("a".into()),
                value: Some("b".into()),
            }],
            ..Default::default()
        };
        assert_eq!(code(ec2.create_tags(context, input).await), expected, "{id}");
    }
}
