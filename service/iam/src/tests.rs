mod policy;
mod profile;
mod session;
mod web;

use std::time::Duration;

use aws_protocol::Context;
use aws_shape::iam::Api as _;
use aws_shape::sts::Api as _;
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};

use super::*;

/// A trust policy for this principal.
fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": ["sts:AssumeRole", "sts:TagSession"]}}}}"#
    )
}

async fn role(iam: &Iam, context: &Context, name: &str, principal: &str) -> String {
    let input = iam::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: trust(principal),
        ..Default::default()
    };
    iam.create_role(context, input).await.unwrap().role.arn
}

fn world() -> (Iam, Arc<ManualClock>, Context) {
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
    let iam = Iam::new(
        Store::in_memory(),
        clock.clone(),
        Arc::new(SequentialIds::default()),
    );
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    (iam, clock, context)
}

#[tokio::test]
async fn the_root_key_is_made_once() {
    let (iam, _, _) = world();
    let first = iam.root_credential("000000000000").await.unwrap();
    assert_eq!(iam.root_credential("000000000000").await.unwrap(), first);
    assert_eq!(iam.credential(&first.access_key), Some(first.clone()));
    assert_eq!(first.access_key.len(), 20);
}

#[tokio::test]
async fn a_session_ends() {
    let (iam, clock, context) = world();
    let input = sts::GetSessionTokenRequest {
        duration_seconds: Some(900),
        ..Default::default()
    };
    let session = iam
        .get_session_token(&context, input)
        .await
        .unwrap()
        .credentials
        .unwrap();
    let found = iam.credential(&session.access_key_id).unwrap();
    assert_eq!(found.session_token, Some(session.session_token));
    clock.advance(Duration::from_secs(901));
    assert_eq!(iam.credential(&session.access_key_id), None);
}

#[tokio::test]
async fn a_role_holds_managed_policies_and_goes_only_without_them() {
    let (iam, _, context) = world();
    let input = iam::CreateRoleRequest {
        role_name: "r".into(),
        assume_role_policy_document: trust("\"*\""),
        ..Default::default()
    };
    let role = iam.create_role(&context, input.clone()).await.unwrap().role;
    assert_eq!(role.arn, "arn:aws:iam::000000000000:role/r");
    assert_eq!(
        iam.create_role(&context, input).await.unwrap_err().code,
        "EntityAlreadyExists"
    );
    let arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    let attach = iam::AttachRolePolicyRequest {
        role_name: "r".into(),
        policy_arn: arn.into(),
    };
    iam.attach_role_policy(&context, attach).await.unwrap();
    let unknown = iam::AttachRolePolicyRequest {
        role_name: "r".into(),
        policy_arn: "arn:aws:iam::aws:policy/No".into(),
    };
    assert_eq!(
        iam.attach_role_policy(&context, unknown).await.unwrap_err().code,
        "NoSuchEntity"
    );
    let delete = iam::DeleteRoleRequest {
        role_name: "r".into(),
    };
    assert_eq!(
        iam.delete_role(&context, delete.clone()).await.unwrap_err().code,
        "DeleteConflict"
    );
    let detach = iam::DetachRolePolicyRequest {
        role_name: "r".into(),
        policy_arn: arn.into(),
    };
    iam.detach_role_policy(&context, detach).await.unwrap();
    iam.delete_role(&context, delete).await.unwrap();
}
