//! Record sets.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use contract::dns::reversed;

use super::{Edit, max_items};
use crate::batch::{self, Wish};
use crate::error::{invalid, invalid_batch};
use crate::table::{self, CHECKS, RECORDS, ZONES, key, records_at};
use crate::{Route53, model, name, record};

const RECORDS_MAX: usize = 1000;
const CHARACTERS_MAX: usize = 32_000;
const PAGE_RECORDS_MAX: usize = 300;

pub(super) async fn change_resource_record_sets(
    route53: &Route53,
    context: &Context,
    input: ChangeResourceRecordSetsRequest,
) -> Result<ChangeResourceRecordSetsResponse, ApiError> {
    check_size(&input.change_batch)?;
    let comment = input.change_batch.comment.clone();
    let ((), change_info) = route53
        .change(context, comment, move |tx, context| {
            let snapshot = tx.snapshot();
            let zone = table::own_zone(&snapshot, context, &input.hosted_zone_id)?;
            let (mut wishes, mut wrong) = (Vec::new(), Vec::new());
            for change in &input.change_batch.changes {
                match record::parse(&zone, change)? {
                    Ok(record) => {
                        if let (Some(id), false) = (&record.check, change.action == ChangeAction::Delete)
                            && snapshot.get(CHECKS, &key(context, id)).is_none()
                        {
                            return Err(crate::error::no_check(id));
                        }
                        wishes.push(Wish {
                            action: change.action.clone(),
                            record,
                        });
                    }
                    Err(messages) => wrong.extend(messages),
                }
            }
            if !wrong.is_empty() {
                return Err(invalid_batch(wrong));
            }
            let there = |name: &str| records_at(&snapshot, &zone.id, name);
            let changed = batch::apply(&zone, &there, wishes).map_err(invalid_batch)?;
            let mut records = zone.records;
            for (key, record) in &changed {
                let before = snapshot.get(RECORDS, &key.row()).is_some();
                match (before, record) {
                    (false, Some(_)) => records += 1,
                    (true, None) => records = records.saturating_sub(1),
                    _ => {}
                }
            }
            if records != zone.records {
                let zone = model::Zone {
                    records,
                    ..model::Zone::clone(&zone)
                };
                tx.put(ZONES, &key(context, &zone.id), zone);
            }
            let edit: Edit = Box::new(move |journal| {
                for (key, record) in changed {
                    match record {
                        Some(record) => journal.put_record(record),
                        None => journal.delete_record(key),
                    }
                }
            });
            Ok(((), edit))
        })
        .await?;
    Ok(ChangeResourceRecordSetsResponse { change_info })
}

fn check_size(batch: &ChangeBatch) -> Result<(), ApiError> {
    let (mut records, mut characters) = (0, 0);
    for change in &batch.changes {
        // An UPSERT is a deletion and a creation.
        let times = if change.action == ChangeAction::Upsert {
            2
        } else {
            1
        };
        let values = change.resource_record_set.resource_records.iter().flatten();
        let (mut count, mut length) = (0, 0);
        for value in values {
            count += 1;
            length += value.value.chars().count();
        }
        records += times * count.max(1);
        characters += times * length;
    }
    if records > RECORDS_MAX {
        return Err(invalid_batch(vec![format!(
            "Number of records limit of {RECORDS_MAX} exceeded."
        )]));
    }
    if characters > CHARACTERS_MAX {
        return Err(invalid_batch(vec![format!(
            "Number of characters limit of {CHARACTERS_MAX} exceeded."
        )]));
    }
    Ok(())
}

pub(super) async fn list_resource_record_sets(
    route53: &Route53,
    context: &Context,
    input: ListResourceRecordSetsRequest,
) -> Result<ListResourceRecordSetsResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let zone = table::zone(&snapshot, context, &input.hosted_zone_id)?;
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_RECORDS_MAX)?;
    let prefix = format!("{}/", zone.id);
    let start = match (
        &input.start_record_name,
        &input.start_record_type,
        &input.start_record_identifier,
    ) {
        (None, None, None) => prefix.clone(),
        (None, _, _) => {
            return Err(invalid(
                "If you specify StartRecordType, you must also specify StartRecordName.",
            ));
        }
        (Some(_), None, Some(_)) => {
            return Err(invalid(
                "If you specify StartRecordIdentifier, you must also specify StartRecordType.",
            ));
        }
        (Some(name), kind, set) => {
            let wrong = |wrong| invalid(format!("FATAL problem: {wrong}"));
            let name = reversed(&name::normal(name).map_err(wrong)?);
            let kind = kind.as_ref().map_or("", |it| it.as_str());
            match (kind.is_empty(), set) {
                (true, _) => format!("{prefix}{name}"),
                (false, set) => format!("{prefix}{name} {kind} {}", set.as_deref().unwrap_or_default()),
            }
        }
    };
    let mut page = snapshot.page(RECORDS, &prefix, &start, count + 1);
    let next = (page.len() > count).then(|| page.pop()).flatten();
    let next = next.map(|(_, record)| record::shape(&record));
    Ok(ListResourceRecordSetsResponse {
        resource_record_sets: page.iter().map(|(_, it)| record::shape(it)).collect(),
        is_truncated: next.is_some(),
        next_record_name: next.as_ref().map(|it| it.name.clone()),
        next_record_type: next.as_ref().map(|it| it.type_.clone()),
        next_record_identifier: next.and_then(|it| it.set_identifier),
        max_items: shown,
    })
}
