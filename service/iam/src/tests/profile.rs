//! Instance profiles and service-linked roles.

use super::*;

async fn profile(iam: &Iam, context: &Context, name: &str) {
    let input = iam::CreateInstanceProfileRequest {
        instance_profile_name: name.into(),
        ..Default::default()
    };
    let made = iam.create_instance_profile(context, input).await.unwrap();
    assert_eq!(
        made.instance_profile.arn,
        format!("arn:aws:iam::000000000000:instance-profile/{name}")
    );
}

fn put_in(profile: &str, role: &str) -> iam::AddRoleToInstanceProfileRequest {
    iam::AddRoleToInstanceProfileRequest {
        instance_profile_name: profile.into(),
        role_name: role.into(),
    }
}

#[tokio::test]
async fn a_profile_gives_its_role_to_instances_alone() {
    let (iam, _, context) = world();
    role(&iam, &context, "web", r#"{"Service": "ec2.amazonaws.com"}"#).await;
    role(
        &iam,
        &context,
        "other",
        r#"{"Service": "ecs-tasks.amazonaws.com"}"#,
    )
    .await;
    profile(&iam, &context, "box").await;
    let arn = "arn:aws:iam::000000000000:instance-profile/box";
    let error = iam.instance_session(arn, "i-1", "arn:i-1").await.unwrap_err();
    assert_eq!(error.to_string(), "the role does not exist");

    iam.add_role_to_instance_profile(&context, put_in("box", "web"))
        .await
        .unwrap();
    let twice = iam
        .add_role_to_instance_profile(&context, put_in("box", "other"))
        .await;
    assert_eq!(twice.unwrap_err().code, "LimitExceeded");
    let session = iam.instance_session(arn, "i-1", "arn:i-1").await.unwrap();
    assert_eq!(iam.role_of_profile(arn).as_deref(), Some("web"));
    assert_eq!(
        session.principal_arn,
        "arn:aws:sts::000000000000:assumed-role/web/i-1"
    );

    let input = iam::RemoveRoleFromInstanceProfileRequest {
        instance_profile_name: "box".into(),
        role_name: "web".into(),
    };
    iam.remove_role_from_instance_profile(&context, input)
        .await
        .unwrap();
    iam.add_role_to_instance_profile(&context, put_in("box", "other"))
        .await
        .unwrap();
    let error = iam.instance_session(arn, "i-1", "arn:i-1").await.unwrap_err();
    assert!(error.to_string().contains("ec2.amazonaws.com"), "{error}");
}

#[tokio::test]
async fn profiles_and_their_roles_hold_each_other() {
    let (iam, _, context) = world();
    role(&iam, &context, "web", r#"{"Service": "ec2.amazonaws.com"}"#).await;
    profile(&iam, &context, "box").await;
    iam.add_role_to_instance_profile(&context, put_in("box", "web"))
        .await
        .unwrap();
    let input = iam::ListInstanceProfilesForRoleRequest {
        role_name: "web".into(),
        ..Default::default()
    };
    let listed = iam
        .list_instance_profiles_for_role(&context, input)
        .await
        .unwrap();
    assert_eq!(listed.instance_profiles[0].roles[0].role_name, "web");
    let input = iam::DeleteRoleRequest {
        role_name: "web".into(),
    };
    assert_eq!(
        iam.delete_role(&context, input).await.unwrap_err().code,
        "DeleteConflict"
    );
    let input = iam::DeleteInstanceProfileRequest {
        instance_profile_name: "box".into(),
    };
    let error = iam.delete_instance_profile(&context, input).await.unwrap_err();
    assert_eq!(error.code, "DeleteConflict");
    let input = iam::GetInstanceProfileRequest {
        instance_profile_name: "none".into(),
    };
    let error = iam.get_instance_profile(&context, input).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("NoSuchEntity", "Instance Profile none cannot be found.")
    );
}

#[tokio::test]
async fn a_service_has_its_role_once() {
    let (iam, _, context) = world();
    let ask = || iam::CreateServiceLinkedRoleRequest {
        aws_service_name: "ecs.amazonaws.com".into(),
        ..Default::default()
    };
    let made = iam.create_service_linked_role(&context, ask()).await.unwrap();
    assert_eq!(
        made.role.unwrap().arn,
        "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    );
    let again = iam.create_service_linked_role(&context, ask()).await.unwrap_err();
    assert_eq!(again.code, "InvalidInput");
    assert!(again.message.contains("has been taken in this account"));
}
