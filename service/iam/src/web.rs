//! Sessions of roles for whoever has a token: AssumeRoleWithWebIdentity.
//!
//! Keys of issuers elsewhere are not fetched; the one whose tokens can be believed here is the issuer of workflows, as its
//! key is this cloud's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::sts::*;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

use crate::assume::{packed_percent, session_of, session_seconds};
use crate::session::shape;
use crate::trust::{Caller, Question, TOKEN_CLAIM, allows};
use crate::{Iam, PROVIDERS, role};

/// The issuer of tokens of workflows, without `https://`.
pub const WORKFLOWS: &str = "token.actions.githubusercontent.com";

/// The public key (PEM) of an issuer, if it is known here.
pub type Issuers = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Claims of such tokens that trust policies may ask about, beside `aud` and `sub`.
const CLAIMS: [&str; 9] = [
    "actor",
    "actor_id",
    "environment",
    "enterprise_id",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "workflow",
];

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidIdentityToken", message)
}

fn not_authorized() -> ApiError {
    ApiError::with_status(403, "AccessDenied", format!("Not authorized to perform {ACTION}"))
}

/// What a token says; checked as far as `validation` asks for.
fn claims(token: &str, key: &DecodingKey, validation: &Validation) -> Option<Map<String, Value>> {
    decode::<Map<String, Value>>(token, key, validation)
        .ok()
        .map(|token| token.claims)
}

fn plain_validation() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    // Times are looked at by this service's clock, audiences by the provider.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The claims of a token that its issuer has signed and that is good now.
fn believed(iam: &Iam, token: &str) -> Result<Map<String, Value>, ApiError> {
    let mut unchecked = plain_validation();
    unchecked.insecure_disable_signature_validation();
    let said = claims(token, &DecodingKey::from_secret(&[]), &unchecked).ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })?;
    let issuer = text(&said, "iss")
        .strip_prefix("https://")
        .unwrap_or_default()
        .to_owned();
    let key = iam.issuers.as_ref().and_then(|keys| keys(&issuer));
    let key = key.and_then(|pem| DecodingKey::from_rsa_pem(&pem).ok()).ok_or_else(|| {
        invalid("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
    })?;
    let claims = claims(token, &key, &plain_validation())
        .ok_or_else(|| invalid("Provided Token is not signed by its issuer: the signature is not valid"))?;
    let now = iam.clock.now().as_second();
    let at = |name: &str| claims.get(name).and_then(Value::as_i64);
    match at("exp") {
        Some(end) if end > now => {}
        Some(end) => {
            let sentence = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {end}"
            );
            return Err(ApiError::client("ExpiredTokenException", sentence));
        }
        None => return Err(invalid("Missing a required claim: exp")),
    }
    if at("nbf").is_some_and(|begin| begin > now) {
        return Err(invalid("The token is not valid yet"));
    }
    Ok(claims)
}

pub(super) async fn assume_role_with_web_identity(
    iam: &Iam,
    _: &Context,
    input: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, ApiError> {
    if input.provider_id.is_some() {
        return Err(ApiError::client(
            "ValidationError",
            "ProviderId is for providers of OAuth 2.0 access tokens, which Wharf does not serve.",
        ));
    }
    let claims = believed(iam, &input.web_identity_token)?;
    let issuer = text(&claims, "iss").trim_start_matches("https://").to_owned();
    let account = input.role_arn.split(':').nth(4).unwrap_or_default().to_owned();
    let provider = iam
        .store
        .snapshot()
        .get(PROVIDERS, &role::key(&account, &issuer))
        .ok_or_else(|| {
            invalid(format!(
                "No OpenIDConnect provider found in your account for https://{issuer}"
            ))
        })?;
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    };
    let audience = audiences
        .into_iter()
        .find(|it| provider.client_ids.iter().any(|known| known == it));
    let audience = audience
        .ok_or_else(|| invalid("Incorrect token audience"))?
        .to_owned();
    let (account, role) = iam.role_of_arn(&input.role_arn).ok_or_else(not_authorized)?;
    let subject = text(&claims, "sub").to_owned();
    let mut facts = BTreeMap::from([
        (format!("{TOKEN_CLAIM}aud"), audience.clone()),
        (format!("{TOKEN_CLAIM}sub"), subject.clone()),
        ("sts:rolesessionname".to_owned(), input.role_session_name.clone()),
    ]);
    for name in CLAIMS {
        if let Some(value) = claims.get(name).and_then(Value::as_str) {
            facts.insert(format!("{TOKEN_CLAIM}{name}"), value.to_owned());
        }
    }
    let question = Question {
        caller: &Caller::Federated(provider.arn.clone()),
        action: ACTION,
        facts: &facts,
    };
    if !allows(&role.trust, &question) {
        return Err(not_authorized());
    }
    let policies = input.policy_arns.unwrap_or_default();
    let packed = packed_percent(input.policy.as_deref(), &policies, &[])?;
    let seconds = session_seconds(input.duration_seconds, &role, false)?;
    let life = Duration::from_secs(u64::from(seconds.unsigned_abs()));
    let session = session_of(&role, &input.role_session_name);
    let new = iam.role_session(&account, &role, session, life).await?;
    Ok(AssumeRoleWithWebIdentityResponse {
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.id, input.role_session_name),
            arn: new.principal_arn.clone(),
        }),
        credentials: Some(shape(new)),
        subject_from_web_identity_token: Some(subject),
        packed_policy_size: packed,
        provider: Some(provider.arn.clone()),
        audience: Some(audience),
        source_identity: None,
    })
}
