//! Zones of namespaces: made, changed, deleted.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;

use super::{failed, finish};
use crate::ServiceDiscovery;
use crate::model::{Namespace, NamespaceKind, Status, Work};
use crate::table::{NAMESPACES, key};
use crate::zone::{self, Failure};

pub(super) async fn converge(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    id: &str,
    works: Vec<(String, Arc<Work>)>,
) -> Result<(), String> {
    for (operation, work) in works {
        let row = servicediscovery.store.snapshot().get(NAMESPACES, &key(scope, id));
        let result = match &row {
            None => Ok(None),
            Some(row) => act(servicediscovery, scope, row, &operation, &work).await,
        };
        if let Err(Failure::Later(why)) = result {
            return Err(why);
        }
        let saved = save(servicediscovery, scope, id, operation, work, result).await;
        saved.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The zone that was made, if one was.
async fn act(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    row: &Namespace,
    operation: &str,
    work: &Work,
) -> Result<Option<String>, Failure> {
    let NamespaceKind::Dns {
        vpc,
        zone,
        soa_ttl_seconds,
    } = &row.kind
    else {
        return Ok(None);
    };
    match (work, zone) {
        (Work::CreateZone, _) => {
            let made = zone::create(servicediscovery, scope, &row.name, vpc.as_deref(), operation).await?;
            zone::set_soa(servicediscovery, scope, &made, &row.name, *soa_ttl_seconds).await?;
            Ok(Some(made))
        }
        (Work::DeleteZone, Some(zone)) => {
            zone::delete(servicediscovery, scope, zone).await?;
            Ok(None)
        }
        (Work::UpdateZone { .. }, Some(zone)) => {
            zone::set_soa(servicediscovery, scope, zone, &row.name, *soa_ttl_seconds).await?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

async fn save(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    id: &str,
    operation: String,
    work: Arc<Work>,
    result: Result<Option<String>, Failure>,
) -> Result<(), ApiError> {
    let now = servicediscovery.clock.now();
    let (scope, id) = (scope.clone(), id.to_owned());
    servicediscovery
        .store
        .write(move |tx| {
            let place = key(&scope, &id);
            let status = match &result {
                Ok(_) => Status::Success,
                Err(failure) => failed(failure),
            };
            let row = tx.get(NAMESPACES, &place).map(|it| Namespace::clone(&it));
            if let Some(mut row) = row {
                match (&*work, result) {
                    (Work::CreateZone, Ok(made)) => {
                        if let NamespaceKind::Dns { zone, .. } = &mut row.kind {
                            *zone = made;
                        }
                        row.ready = true;
                        tx.put(NAMESPACES, &place, row);
                    }
                    (Work::CreateZone, Err(_)) | (Work::DeleteZone, Ok(_)) => {
                        tx.delete(NAMESPACES, &place);
                    }
                    (Work::DeleteZone, Err(_)) => {
                        row.ready = true;
                        tx.put(NAMESPACES, &place, row);
                    }
                    (Work::UpdateZone { before }, Err(_)) => {
                        row.kind = before.kind.clone();
                        row.description = before.description.clone();
                        tx.put(NAMESPACES, &place, row);
                    }
                    _ => {}
                }
            }
            finish(tx, &scope, &id, &operation, status, now);
            Ok(())
        })
        .await
}
