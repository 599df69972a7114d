//! Policies, and what holds them.

use super::*;

const ALLOW: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;

fn create(name: &str) -> iam::CreatePolicyRequest {
    iam::CreatePolicyRequest {
        policy_name: name.into(),
        policy_document: ALLOW.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_policies_of_aws_can_be_read() {
    let (iam, _, context) = world();
    for name in [
        "service-role/AmazonECSTaskExecutionRolePolicy",
        "service-role/AmazonEC2ContainerServiceforEC2Role",
        "service-role/AmazonEC2ContainerServiceRole",
        "AmazonSSMReadOnlyAccess",
        "CloudWatchLogsFullAccess",
    ] {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        let input = iam::GetPolicyRequest {
            policy_arn: arn.clone(),
        };
        let policy = iam.get_policy(&context, input).await.unwrap().policy.unwrap();
        assert_eq!(policy.arn.as_deref(), Some(arn.as_str()));
        let input = iam::GetPolicyVersionRequest {
            policy_arn: arn.clone(),
            version_id: policy.default_version_id.unwrap(),
        };
        let version = iam.get_policy_version(&context, input).await.unwrap();
        let text = version.policy_version.unwrap().document.unwrap();
        let text = percent_encoding::percent_decode_str(&text).decode_utf8().unwrap();
        document::check_permissions(&text).unwrap();
        let delete = iam::DeletePolicyRequest { policy_arn: arn };
        assert_eq!(
            iam.delete_policy(&context, delete).await.unwrap_err().code,
            "AccessDenied"
        );
    }
    for policy in managed::all() {
        document::check_permissions(&policy.document()).unwrap();
    }
}

#[tokio::test]
async fn an_own_policy_has_versions_and_goes_when_nothing_holds_it() {
    let (iam, _, context) = world();
    role(&iam, &context, "r", "\"*\"").await;
    let made = iam
        .create_policy(&context, create("p"))
        .await
        .unwrap()
        .policy
        .unwrap();
    let arn = made.arn.unwrap();
    assert_eq!(arn, "arn:aws:iam::000000000000:policy/p");
    let again = iam.create_policy(&context, create("p")).await.unwrap_err();
    assert_eq!(again.code, "EntityAlreadyExists");
    let attach = iam::AttachRolePolicyRequest {
        role_name: "r".into(),
        policy_arn: arn.clone(),
    };
    iam.attach_role_policy(&context, attach).await.unwrap();
    let entities = iam::ListEntitiesForPolicyRequest {
        policy_arn: arn.clone(),
        ..Default::default()
    };
    let entities = iam.list_entities_for_policy(&context, entities).await.unwrap();
    assert_eq!(entities.policy_roles.unwrap()[0].role_name.as_deref(), Some("r"));
    let new = |default| iam::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: ALLOW.into(),
        set_as_default: Some(default),
    };
    iam.create_policy_version(&context, new(true)).await.unwrap();
    for _ in 3..=5 {
        iam.create_policy_version(&context, new(false)).await.unwrap();
    }
    let sixth = iam.create_policy_version(&context, new(false)).await.unwrap_err();
    assert_eq!(sixth.code, "LimitExceeded");
    let remove = |version: &str| iam::DeletePolicyVersionRequest {
        policy_arn: arn.clone(),
        version_id: version.into(),
    };
    let error = iam
        .delete_policy_version(&context, remove("v2"))
        .await
        .unwrap_err();
    assert_eq!(error.message, "Cannot delete the default version of a policy.");
    let delete = || iam::DeletePolicyRequest {
        policy_arn: arn.clone(),
    };
    let error = iam.delete_policy(&context, delete()).await.unwrap_err();
    assert_eq!(error.message, "Cannot delete a policy attached to entities.");
    let detach = iam::DetachRolePolicyRequest {
        role_name: "r".into(),
        policy_arn: arn.clone(),
    };
    iam.detach_role_policy(&context, detach).await.unwrap();
    assert!(
        iam.delete_policy(&context, delete())
            .await
            .unwrap_err()
            .message
            .contains("more than one version")
    );
    for version in ["v1", "v3", "v4", "v5"] {
        iam.delete_policy_version(&context, remove(version))
            .await
            .unwrap();
    }
    let next = iam.create_policy_version(&context, new(false)).await.unwrap();
    assert_eq!(next.policy_version.unwrap().version_id.as_deref(), Some("v6"));
    iam.delete_policy_version(&context, remove("v6")).await.unwrap();
    iam.delete_policy(&context, delete()).await.unwrap();
    let gone = iam::GetPolicyRequest { policy_arn: arn };
    assert_eq!(
        iam.get_policy(&context, gone).await.unwrap_err().code,
        "NoSuchEntity"
    );
}

#[tokio::test]
async fn inline_policies_hold_a_role_back() {
    let (iam, _, context) = world();
    role(&iam, &context, "r", "\"*\"").await;
    let put = |document: &str| iam::PutRolePolicyRequest {
        role_name: "r".into(),
        policy_name: "p".into(),
        policy_document: document.into(),
    };
    let error = iam.put_role_policy(&context, put("{")).await.unwrap_err();
    assert_eq!(error.code, "MalformedPolicyDocument");
    iam.put_role_policy(&context, put(ALLOW)).await.unwrap();
    let get = iam::GetRolePolicyRequest {
        role_name: "r".into(),
        policy_name: "p".into(),
    };
    let got = iam.get_role_policy(&context, get.clone()).await.unwrap();
    let text = percent_encoding::percent_decode_str(&got.policy_document)
        .decode_utf8()
        .unwrap();
    assert_eq!(text, ALLOW);
    let delete = iam::DeleteRoleRequest {
        role_name: "r".into(),
    };
    let error = iam.delete_role(&context, delete.clone()).await.unwrap_err();
    assert_eq!(error.message, "Cannot delete entity, must delete policies first.");
    let remove = iam::DeleteRolePolicyRequest {
        role_name: "r".into(),
        policy_name: "p".into(),
    };
    iam.delete_role_policy(&context, remove.clone()).await.unwrap();
    assert_eq!(
        iam.delete_role_policy(&context, remove).await.unwrap_err().code,
        "NoSuchEntity"
    );
    assert_eq!(
        iam.get_role_policy(&context, get).await.unwrap_err().code,
        "NoSuchEntity"
    );
    iam.delete_role(&context, delete).await.unwrap();
}

#[tokio::test]
async fn lists_tell_own_from_managed() {
    let (iam, _, context) = world();
    iam.create_policy(&context, create("p")).await.unwrap();
    let names = async |scope| {
        let input = iam::ListPoliciesRequest {
            scope: Some(scope),
            ..Default::default()
        };
        let answer = iam.list_policies(&context, input).await.unwrap();
        let list = answer.policies.unwrap().into_iter();
        list.filter_map(|it| it.policy_name).collect::<Vec<_>>()
    };
    assert_eq!(names(iam::PolicyScopeType::Local).await, ["p"]);
    let aws = names(iam::PolicyScopeType::Aws).await;
    assert!(aws.contains(&"AmazonECSTaskExecutionRolePolicy".to_owned()));
    assert_eq!(names(iam::PolicyScopeType::All).await.len(), aws.len() + 1);
}

#[tokio::test]
async fn tags_of_roles_ignore_case() {
    let (iam, _, context) = world();
    role(&iam, &context, "r", "\"*\"").await;
    let tag = |keys: &[&str]| iam::TagRoleRequest {
        role_name: "r".into(),
        tags: keys
            .iter()
            .map(|key| iam::Tag {
                key: (*key).into(),
                value: "v".into(),
            })
            .collect(),
    };
    assert_eq!(
        iam.tag_role(&context, tag(&["a", "A"])).await.unwrap_err().code,
        "InvalidInput"
    );
    iam.tag_role(&context, tag(&["a"])).await.unwrap();
    iam.tag_role(&context, tag(&["A"])).await.unwrap();
    let list = iam::ListRoleTagsRequest {
        role_name: "r".into(),
        ..Default::default()
    };
    let tags = iam.list_role_tags(&context, list).await.unwrap().tags;
    assert_eq!(tags.len(), 1);
    assert_eq!(tags[0].key, "A");
}
