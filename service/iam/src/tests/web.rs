//! Providers of identities, and sessions for whoever has one of their tokens.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};

use super::*;

const URL: &str = "https://token.actions.githubusercontent.com";
const ARN: &str = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com";

struct Keys {
    own: EncodingKey,
    other: EncodingKey,
}

/// A cloud that knows the key of one issuer.
fn believing() -> (Iam, Arc<ManualClock>, Context, Keys) {
    let (iam, clock, context) = world();
    let new = || rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let (own, other) = (new(), new());
    let public = own.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let iam = iam.with_issuers(Arc::new(move |issuer| {
        (issuer == WORKFLOWS).then(|| public.clone().into_bytes())
    }));
    let pem = |key: &rsa::RsaPrivateKey| {
        EncodingKey::from_rsa_pem(key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap()
    };
    let keys = Keys {
        own: pem(&own),
        other: pem(&other),
    };
    (iam, clock, context, keys)
}

fn token(key: &EncodingKey, changes: Value) -> String {
    let mut claims = json!({
        "iss": URL, "aud": "sts.amazonaws.com", "sub": "repo:team/app:ref:refs/heads/main", "repository": "team/app",
        "exp": 300, "nbf": 0,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    encode(&Header::new(Algorithm::RS256), &claims, key).unwrap()
}

async fn provider(iam: &Iam, context: &Context) {
    let input = iam::CreateOpenIDConnectProviderRequest {
        url: URL.into(),
        client_id_list: Some(vec!["sts.amazonaws.com".into()]),
        thumbprint_list: Some(vec!["f".repeat(40)]),
        tags: None,
    };
    let made = iam.create_open_id_connect_provider(context, input).await.unwrap();
    assert_eq!(made.open_id_connect_provider_arn.as_deref(), Some(ARN));
}

async fn trusting_role(iam: &Iam, context: &Context) {
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": ARN}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
            "ForAnyValue:StringLike": {"token.actions.githubusercontent.com:sub": ["repo:team/app:*"]},
        },
    }]});
    let input = iam::CreateRoleRequest {
        role_name: "deploy".into(),
        assume_role_policy_document: document.to_string(),
        ..Default::default()
    };
    iam.create_role(context, input).await.unwrap();
}

fn asks(token: String) -> sts::AssumeRoleWithWebIdentityRequest {
    sts::AssumeRoleWithWebIdentityRequest {
        role_arn: "arn:aws:iam::000000000000:role/deploy".into(),
        role_session_name: "GitHubActions".into(),
        web_identity_token: token,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_token_that_the_role_trusts_is_a_session() {
    let (iam, clock, context, keys) = believing();
    let good = || token(&keys.own, json!({}));
    let code = async |token: String| {
        iam.assume_role_with_web_identity(&context, asks(token))
            .await
            .unwrap_err()
            .code
    };
    assert_eq!(
        code(good()).await,
        "InvalidIdentityToken",
        "there is no provider yet"
    );
    provider(&iam, &context).await;
    assert_eq!(code(good()).await, "AccessDenied", "there is no role yet");
    trusting_role(&iam, &context).await;
    let answer = iam
        .assume_role_with_web_identity(&context, asks(good()))
        .await
        .unwrap();
    assert_eq!(answer.provider.as_deref(), Some(ARN));
    assert_eq!(answer.audience.as_deref(), Some("sts.amazonaws.com"));
    assert_eq!(
        answer.subject_from_web_identity_token.as_deref(),
        Some("repo:team/app:ref:refs/heads/main")
    );
    let user = answer.assumed_role_user.unwrap();
    assert_eq!(
        user.arn,
        "arn:aws:sts::000000000000:assumed-role/deploy/GitHubActions"
    );
    let session = iam
        .credential(&answer.credentials.unwrap().access_key_id)
        .unwrap();
    assert!(session.session_token.is_some());

    for (bad, expected) in [
        ("no token".to_owned(), "InvalidIdentityToken"),
        (token(&keys.other, json!({})), "InvalidIdentityToken"),
        (
            token(&keys.own, json!({"iss": "https://accounts.example.com"})),
            "InvalidIdentityToken",
        ),
        (
            token(&keys.own, json!({"aud": "somebody else"})),
            "InvalidIdentityToken",
        ),
        (token(&keys.own, json!({"nbf": 100})), "InvalidIdentityToken"),
        (token(&keys.own, json!({"exp": 0})), "ExpiredTokenException"),
        (
            token(&keys.own, json!({"sub": "repo:team/other:ref:refs/heads/main"})),
            "AccessDenied",
        ),
    ] {
        assert_eq!(code(bad).await, expected);
    }
    clock.advance(Duration::from_secs(301));
    assert_eq!(code(good()).await, "ExpiredTokenException");
}

#[tokio::test]
async fn providers_are_made_told_changed_and_deleted() {
    let (iam, _, context) = world();
    provider(&iam, &context).await;
    let again = iam::CreateOpenIDConnectProviderRequest {
        url: URL.into(),
        ..Default::default()
    };
    let error = iam
        .create_open_id_connect_provider(&context, again)
        .await
        .unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("EntityAlreadyExists", 409));
    for url in [
        "http://example.com",
        "https://",
        "https://example.com:8443",
        "https://example.com/?x=y",
    ] {
        let input = iam::CreateOpenIDConnectProviderRequest {
            url: url.into(),
            ..Default::default()
        };
        let error = iam
            .create_open_id_connect_provider(&context, input)
            .await
            .unwrap_err();
        assert_eq!(error.code, "InvalidInput", "{url}");
    }
    let client = |id: &str| iam::AddClientIDToOpenIDConnectProviderRequest {
        open_id_connect_provider_arn: ARN.into(),
        client_id: id.into(),
    };
    for id in ["b", "b"] {
        iam.add_client_id_to_open_id_connect_provider(&context, client(id))
            .await
            .unwrap();
    }
    let named = || iam::GetOpenIDConnectProviderRequest {
        open_id_connect_provider_arn: ARN.into(),
    };
    let told = iam.get_open_id_connect_provider(&context, named()).await.unwrap();
    assert_eq!(told.url.as_deref(), Some("token.actions.githubusercontent.com"));
    assert_eq!(told.client_id_list.unwrap(), ["sts.amazonaws.com", "b"]);
    let listed = iam
        .list_open_id_connect_providers(&context, iam::ListOpenIDConnectProvidersRequest {})
        .await
        .unwrap();
    assert_eq!(listed.open_id_connect_provider_list.unwrap().len(), 1);
    let gone = iam::DeleteOpenIDConnectProviderRequest {
        open_id_connect_provider_arn: ARN.into(),
    };
    iam.delete_open_id_connect_provider(&context, gone).await.unwrap();
    let error = iam
        .get_open_id_connect_provider(&context, named())
        .await
        .unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("NoSuchEntity", 404));
}
