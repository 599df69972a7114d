//! OpenID Connect providers: whose tokens may stand for roles of the account.

use aws_protocol::{ApiError, Context};
use aws_shape::iam::*;

use crate::model::Provider;
use crate::{Iam, PROVIDERS, limit_exceeded, no_such_entity, page, role, tag};

const CLIENT_IDS_MAX: usize = 100;
const THUMBPRINTS_MAX: usize = 5;
const THUMBPRINT_CHARS: usize = 40;

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidInput", message)
}

/// What the ARN of a provider of this account ends with.
fn url_of<'a>(context: &Context, arn: &'a str) -> Result<&'a str, ApiError> {
    let head = format!("arn:aws:iam::{}:oidc-provider/", context.scope.account);
    match arn.strip_prefix(head.as_str()).filter(|url| !url.is_empty()) {
        Some(url) => Ok(url),
        None if arn.starts_with("arn:aws:iam::") && arn.contains(":oidc-provider/") => Err(missing(arn)),
        None => Err(invalid(format!(
            "{arn} is not a valid OpenIDConnect provider ARN"
        ))),
    }
}

fn missing(arn: &str) -> ApiError {
    no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
}

async fn edit(
    iam: &Iam,
    context: &Context,
    arn: &str,
    change: impl FnOnce(&mut Provider) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let key = role::key(&context.scope.account, url_of(context, arn)?);
    let arn = arn.to_owned();
    iam.store
        .write(move |tx| {
            let found = tx.get(PROVIDERS, &key).ok_or_else(|| missing(&arn))?;
            let mut provider = Provider::clone(&found);
            change(&mut provider)?;
            tx.put(PROVIDERS, &key, provider);
            Ok(())
        })
        .await
}

fn find(iam: &Iam, context: &Context, arn: &str) -> Result<std::sync::Arc<Provider>, ApiError> {
    let key = role::key(&context.scope.account, url_of(context, arn)?);
    iam.store
        .snapshot()
        .get(PROVIDERS, &key)
        .ok_or_else(|| missing(arn))
}

fn check_clients(ids: &[String]) -> Result<(), ApiError> {
    if ids.len() > CLIENT_IDS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENT_IDS_MAX}"
        )));
    }
    Ok(())
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), ApiError> {
    if thumbprints.len() > THUMBPRINTS_MAX {
        return Err(invalid(format!(
            "Thumbprint list must contain fewer than {THUMBPRINTS_MAX} entries."
        )));
    }
    let is_hex =
        |it: &&String| it.len() == THUMBPRINT_CHARS && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    match thumbprints.iter().find(|it| !is_hex(it)) {
        None => Ok(()),
        Some(_) => Err(invalid("Thumbprint must be a hexadecimal SHA-1 of 40 characters")),
    }
}

pub(super) async fn create_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: CreateOpenIDConnectProviderRequest,
) -> Result<CreateOpenIDConnectProviderResponse, ApiError> {
    let url = input
        .url
        .strip_prefix("https://")
        .unwrap_or_default()
        .trim_end_matches('/');
    let is_url = !url.is_empty()
        && !url.contains(['?', '#', '@'])
        && !url.split('/').next().unwrap_or_default().contains(':');
    if !is_url {
        return Err(invalid("Invalid Open ID Connect Provider URL"));
    }
    let client_ids = input.client_id_list.unwrap_or_default();
    let thumbprints = input.thumbprint_list.unwrap_or_default();
    check_clients(&client_ids)?;
    check_thumbprints(&thumbprints)?;
    let tags = tag::added(Default::default(), input.tags.unwrap_or_default())?;
    let arn = format!("arn:aws:iam::{}:oidc-provider/{url}", context.scope.account);
    let key = role::key(&context.scope.account, url);
    let provider = Provider {
        arn: arn.clone(),
        url: url.to_owned(),
        client_ids,
        thumbprints,
        created_at: iam.clock.now(),
        tags: tags.clone(),
    };
    iam.store
        .write(move |tx| {
            if tx.get(PROVIDERS, &key).is_some() {
                let message = format!("Provider with url https://{} already exists.", provider.url);
                return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
            }
            tx.put(PROVIDERS, &key, provider);
            Ok(())
        })
        .await?;
    Ok(CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(arn),
        tags: Some(tag::shapes(&tags)),
    })
}

pub(super) async fn get_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: GetOpenIDConnectProviderRequest,
) -> Result<GetOpenIDConnectProviderResponse, ApiError> {
    let provider = find(iam, context, &input.open_id_connect_provider_arn)?;
    Ok(GetOpenIDConnectProviderResponse {
        url: Some(provider.url.clone()),
        client_id_list: Some(provider.client_ids.clone()),
        thumbprint_list: Some(provider.thumbprints.clone()),
        create_date: Some(provider.created_at),
        tags: Some(tag::shapes(&provider.tags)),
    })
}

pub(super) async fn list_open_id_connect_providers(
    iam: &Iam,
    context: &Context,
    _: ListOpenIDConnectProvidersRequest,
) -> Result<ListOpenIDConnectProvidersResponse, ApiError> {
    let head = role::key(&context.scope.account, "");
    let rows = iam.store.snapshot().list(PROVIDERS).into_iter();
    let own = rows.filter(|(key, _)| key.starts_with(&head));
    let entries = own.map(|(_, provider)| OpenIDConnectProviderListEntry {
        arn: Some(provider.arn.clone()),
    });
    Ok(ListOpenIDConnectProvidersResponse {
        open_id_connect_provider_list: Some(entries.collect()),
    })
}

/// One that is not there is deleted already.
pub(super) async fn delete_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: DeleteOpenIDConnectProviderRequest,
) -> Result<(), ApiError> {
    let key = role::key(
        &context.scope.account,
        url_of(context, &input.open_id_connect_provider_arn)?,
    );
    iam.store
        .write(move |tx| {
            tx.delete(PROVIDERS, &key);
            Ok(())
        })
        .await
}

pub(super) async fn update_open_id_connect_provider_thumbprint(
    iam: &Iam,
    context: &Context,
    input: UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<(), ApiError> {
    check_thumbprints(&input.thumbprint_list)?;
    edit(
        iam,
        context,
        &input.open_id_connect_provider_arn,
        move |provider| {
            provider.thumbprints = input.thumbprint_list;
            Ok(())
        },
    )
    .await
}

pub(super) async fn add_client_id_to_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: AddClientIDToOpenIDConnectProviderRequest,
) -> Result<(), ApiError> {
    edit(
        iam,
        context,
        &input.open_id_connect_provider_arn,
        move |provider| {
            if !provider.client_ids.contains(&input.client_id) {
                provider.client_ids.push(input.client_id);
            }
            check_clients(&provider.client_ids)
        },
    )
    .await
}

pub(super) async fn remove_client_id_from_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<(), ApiError> {
    edit(
        iam,
        context,
        &input.open_id_connect_provider_arn,
        move |provider| {
            provider.client_ids.retain(|id| *id != input.client_id);
            Ok(())
        },
    )
    .await
}

pub(super) async fn tag_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: TagOpenIDConnectProviderRequest,
) -> Result<(), ApiError> {
    edit(
        iam,
        context,
        &input.open_id_connect_provider_arn,
        move |provider| {
            provider.tags = tag::added(std::mem::take(&mut provider.tags), input.tags)?;
            Ok(())
        },
    )
    .await
}

pub(super) async fn untag_open_id_connect_provider(
    iam: &Iam,
    context: &Context,
    input: UntagOpenIDConnectProviderRequest,
) -> Result<(), ApiError> {
    edit(
        iam,
        context,
        &input.open_id_connect_provider_arn,
        move |provider| {
            provider.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        },
    )
    .await
}

pub(super) async fn list_open_id_connect_provider_tags(
    iam: &Iam,
    context: &Context,
    input: ListOpenIDConnectProviderTagsRequest,
) -> Result<ListOpenIDConnectProviderTagsResponse, ApiError> {
    let provider = find(iam, context, &input.open_id_connect_provider_arn)?;
    let (tags, marker) = page(
        tag::shapes(&provider.tags),
        input.max_items,
        input.marker.as_deref(),
    )?;
    Ok(ListOpenIDConnectProviderTagsResponse {
        tags,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
