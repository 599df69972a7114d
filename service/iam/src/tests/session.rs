//! Sessions of roles.

use base_reconcile::{Outcome, Reconciler as _};

use super::*;

fn assume(arn: &str) -> sts::AssumeRoleRequest {
    sts::AssumeRoleRequest {
        role_arn: arn.into(),
        role_session_name: "deploy".into(),
        ..Default::default()
    }
}

/// Who calls with these credentials.
fn holder(iam: &Iam, context: &Context, access_key: &str) -> Context {
    let credential = iam.credential(access_key).unwrap();
    Context {
        principal_arn: credential.principal_arn,
        access_key: access_key.into(),
        ..context.clone()
    }
}

#[tokio::test]
async fn a_session_says_who_it_is() {
    let (iam, _, context) = world();
    let arn = role(&iam, &context, "app", r#"{"AWS": "000000000000"}"#).await;
    let answer = iam.assume_role(&context, assume(&arn)).await.unwrap();
    let user = answer.assumed_role_user.unwrap();
    assert_eq!(user.arn, "arn:aws:sts::000000000000:assumed-role/app/deploy");
    assert!(user.assumed_role_id.starts_with("AROA") && user.assumed_role_id.ends_with(":deploy"));
    let credentials = answer.credentials.unwrap();
    assert!(credentials.access_key_id.starts_with("ASIA"));
    assert_eq!(credentials.expiration.as_second(), 3600);
    let caller = holder(&iam, &context, &credentials.access_key_id);
    let identity = iam
        .get_caller_identity(&caller, sts::GetCallerIdentityRequest {})
        .await
        .unwrap();
    assert_eq!(identity.arn.unwrap(), user.arn);
    assert_eq!(identity.user_id.unwrap(), user.assumed_role_id);
    let nested = iam.get_session_token(&caller, Default::default()).await;
    assert_eq!(nested.unwrap_err().code, "AccessDenied");
}

#[tokio::test]
async fn who_is_not_trusted_learns_nothing() {
    let (iam, _, context) = world();
    let arn = role(&iam, &context, "app", r#"{"Service": "ecs-tasks.amazonaws.com"}"#).await;
    for arn in [
        &arn,
        "arn:aws:iam::000000000000:role/none",
        "nonsense-but-long-enough",
    ] {
        let error = iam.assume_role(&context, assume(arn)).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.status), ("AccessDenied", 403));
        assert_eq!(
            error.message,
            format!(
                "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: {arn}"
            )
        );
    }
}

#[tokio::test]
async fn durations_have_bounds() {
    let (iam, _, context) = world();
    let arn = role(&iam, &context, "app", r#""*""#).await;
    let for_seconds = |seconds| sts::AssumeRoleRequest {
        duration_seconds: Some(seconds),
        ..assume(&arn)
    };
    let error = iam.assume_role(&context, for_seconds(3601)).await.unwrap_err();
    assert!(error.message.contains("exceeds the MaxSessionDuration"));
    let update = iam::UpdateRoleRequest {
        role_name: "app".into(),
        max_session_duration: Some(43_200),
        ..Default::default()
    };
    iam.update_role(&context, update).await.unwrap();
    let first = iam.assume_role(&context, for_seconds(43_200)).await.unwrap();
    let caller = holder(&iam, &context, &first.credentials.unwrap().access_key_id);
    let error = iam.assume_role(&caller, for_seconds(3601)).await.unwrap_err();
    assert!(error.message.contains("1 hour session limit"), "{error}");
    iam.assume_role(&caller, for_seconds(3600)).await.unwrap();
}

#[tokio::test]
async fn tags_need_their_own_trust() {
    let (iam, _, context) = world();
    let arn = role(&iam, &context, "app", r#""*""#).await;
    let tag = |key: &str| sts::Tag {
        key: key.into(),
        value: "v".into(),
    };
    let tagged = |tags: Vec<sts::Tag>| sts::AssumeRoleRequest {
        tags: Some(tags),
        ..assume(&arn)
    };
    let answer = iam.assume_role(&context, tagged(vec![tag("a")])).await.unwrap();
    assert_eq!(answer.packed_policy_size, Some(1));
    let twice = iam.assume_role(&context, tagged(vec![tag("a"), tag("A")])).await;
    assert_eq!(twice.unwrap_err().code, "InvalidParameterValue");
    let update = iam::UpdateAssumeRolePolicyRequest {
        role_name: "app".into(),
        policy_document: trust("\"*\"").replace(r#", "sts:TagSession""#, ""),
    };
    iam.update_assume_role_policy(&context, update).await.unwrap();
    let error = iam
        .assume_role(&context, tagged(vec![tag("a")]))
        .await
        .unwrap_err();
    assert!(error.message.contains("sts:TagSession"), "{error}");
    iam.assume_role(&context, assume(&arn)).await.unwrap();
}

fn task(role_arn: &str) -> ServiceSession<'_> {
    ServiceSession {
        service: "ecs-tasks.amazonaws.com",
        role_arn,
        name: "0123456789abcdef",
        source_arn: "arn:aws:ecs:us-east-1:000000000000:task/c/0123456789abcdef",
        life: Duration::from_secs(6 * 3600),
    }
}

#[tokio::test]
async fn a_service_needs_to_be_trusted_too() {
    let (iam, clock, context) = world();
    let arn = role(&iam, &context, "app", r#"{"Service": "ecs-tasks.amazonaws.com"}"#).await;
    let session = iam.service_session(task(&arn)).await.unwrap();
    assert_eq!(
        session.principal_arn,
        "arn:aws:sts::000000000000:assumed-role/app/0123456789abcdef"
    );
    assert_eq!(session.expires_at.unwrap().as_second(), 6 * 3600);
    // The same one until shortly before its end.
    assert_eq!(iam.service_session(task(&arn)).await.unwrap(), session);
    clock.advance(Duration::from_secs(6 * 3600 - 1200));
    let renewed = iam.service_session(task(&arn)).await.unwrap();
    assert_ne!(renewed.access_key, session.access_key);
    assert!(
        iam.credential(&session.access_key).is_some(),
        "the old one ends by itself"
    );
    let other = role(&iam, &context, "other", r#"{"AWS": "*"}"#).await;
    let error = iam.service_session(task(&other)).await.unwrap_err();
    assert!(matches!(error, AssumeError::NotTrusted { .. }), "{error}");
    let none = "arn:aws:iam::000000000000:role/none";
    let error = iam.service_session(task(none)).await.unwrap_err();
    assert!(matches!(error, AssumeError::Missing), "{error}");
}

#[tokio::test]
async fn sessions_end_with_their_time_and_their_role() {
    let (iam, clock, context) = world();
    let arn = role(&iam, &context, "app", r#"{"Service": "ecs-tasks.amazonaws.com"}"#).await;
    let first = iam.service_session(task(&arn)).await.unwrap();
    let root = iam.root_credential("000000000000").await.unwrap();
    let sessions = Sessions::new(iam.clone());
    assert_eq!(
        sessions.activate().await.unwrap(),
        Outcome::Until(first.expires_at.unwrap())
    );
    clock.advance(Duration::from_secs(6 * 3600));
    assert_eq!(sessions.activate().await.unwrap(), Outcome::Again);
    assert_eq!(sessions.activate().await.unwrap(), Outcome::Settled);
    let left = iam.store.snapshot().list(CREDENTIALS);
    assert_eq!(left.len(), 1, "only the root key is left");
    assert!(iam.credential(&root.access_key).is_some());

    let second = iam.service_session(task(&arn)).await.unwrap();
    let delete = iam::DeleteRoleRequest {
        role_name: "app".into(),
    };
    iam.delete_role(&context, delete).await.unwrap();
    assert_eq!(iam.credential(&second.access_key), None);
}
