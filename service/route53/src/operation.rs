//! The operations, one line each.

mod answer;
mod change;
mod delegation_set;
mod health_check;
mod health_status;
mod limit;
mod record;
mod tag;
mod vpc;
mod zone;
mod zone_list;

use aws_protocol::{ApiError, Context, operations};
use aws_shape::route53::*;
use base_store::Transaction;

use crate::error::invalid;
use crate::model::ChangeInfo as Row;
use crate::table::{self, Journal};
use crate::{Route53, model};

operations! { Route53 as Api:
    create_hosted_zone(CreateHostedZoneRequest) -> CreateHostedZoneResponse = zone;
    get_hosted_zone(GetHostedZoneRequest) -> GetHostedZoneResponse = zone;
    delete_hosted_zone(DeleteHostedZoneRequest) -> DeleteHostedZoneResponse = zone;
    update_hosted_zone_comment(UpdateHostedZoneCommentRequest) -> UpdateHostedZoneCommentResponse = zone;
    get_dnssec(GetDNSSECRequest) -> GetDNSSECResponse = zone;
    list_query_logging_configs(ListQueryLoggingConfigsRequest) -> ListQueryLoggingConfigsResponse = zone;
    list_hosted_zones(ListHostedZonesRequest) -> ListHostedZonesResponse = zone_list;
    list_hosted_zones_by_name(ListHostedZonesByNameRequest) -> ListHostedZonesByNameResponse = zone_list;
    list_hosted_zones_by_vpc(ListHostedZonesByVPCRequest) -> ListHostedZonesByVPCResponse = zone_list;
    get_hosted_zone_count(GetHostedZoneCountRequest) -> GetHostedZoneCountResponse = zone_list;
    associate_vpc_with_hosted_zone(AssociateVPCWithHostedZoneRequest) -> AssociateVPCWithHostedZoneResponse = vpc;
    disassociate_vpc_from_hosted_zone(DisassociateVPCFromHostedZoneRequest) -> DisassociateVPCFromHostedZoneResponse = vpc;
    create_vpc_association_authorization(CreateVPCAssociationAuthorizationRequest) -> CreateVPCAssociationAuthorizationResponse = vpc;
    delete_vpc_association_authorization(DeleteVPCAssociationAuthorizationRequest) -> DeleteVPCAssociationAuthorizationResponse = vpc;
    list_vpc_association_authorizations(ListVPCAssociationAuthorizationsRequest) -> ListVPCAssociationAuthorizationsResponse = vpc;
    change_resource_record_sets(ChangeResourceRecordSetsRequest) -> ChangeResourceRecordSetsResponse = record;
    list_resource_record_sets(ListResourceRecordSetsRequest) -> ListResourceRecordSetsResponse = record;
    get_change(GetChangeRequest) -> GetChangeResponse = change;
    test_dns_answer(TestDNSAnswerRequest) -> TestDNSAnswerResponse = answer;
    create_health_check(CreateHealthCheckRequest) -> CreateHealthCheckResponse = health_check;
    get_health_check(GetHealthCheckRequest) -> GetHealthCheckResponse = health_check;
    update_health_check(UpdateHealthCheckRequest) -> UpdateHealthCheckResponse = health_check;
    delete_health_check(DeleteHealthCheckRequest) -> DeleteHealthCheckResponse = health_check;
    list_health_checks(ListHealthChecksRequest) -> ListHealthChecksResponse = health_check;
    get_health_check_count(GetHealthCheckCountRequest) -> GetHealthCheckCountResponse = health_check;
    get_health_check_status(GetHealthCheckStatusRequest) -> GetHealthCheckStatusResponse = health_status;
    get_health_check_last_failure_reason(GetHealthCheckLastFailureReasonRequest) -> GetHealthCheckLastFailureReasonResponse = health_status;
    get_checker_ip_ranges(GetCheckerIpRangesRequest) -> GetCheckerIpRangesResponse = health_status;
    create_reusable_delegation_set(CreateReusableDelegationSetRequest) -> CreateReusableDelegationSetResponse = delegation_set;
    get_reusable_delegation_set(GetReusableDelegationSetRequest) -> GetReusableDelegationSetResponse = delegation_set;
    delete_reusable_delegation_set(DeleteReusableDelegationSetRequest) -> DeleteReusableDelegationSetResponse = delegation_set;
    list_reusable_delegation_sets(ListReusableDelegationSetsRequest) -> ListReusableDelegationSetsResponse = delegation_set;
    get_reusable_delegation_set_limit(GetReusableDelegationSetLimitRequest) -> GetReusableDelegationSetLimitResponse = limit;
    get_hosted_zone_limit(GetHostedZoneLimitRequest) -> GetHostedZoneLimitResponse = limit;
    get_account_limit(GetAccountLimitRequest) -> GetAccountLimitResponse = limit;
    change_tags_for_resource(ChangeTagsForResourceRequest) -> ChangeTagsForResourceResponse = tag;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
    list_tags_for_resources(ListTagsForResourcesRequest) -> ListTagsForResourcesResponse = tag;
}

const PAGE_ITEMS_MAX: usize = 100;

/// How many items a page shall have, as a number and as it is answered.
fn max_items(given: Option<&str>, most: usize) -> Result<(usize, String), ApiError> {
    let count = match given.filter(|it| !it.is_empty()) {
        Some(text) => text.parse::<usize>().ok().filter(|it| *it > 0).ok_or_else(|| {
            invalid(format!(
                "The max number of items must be a positive number: {text}"
            ))
        })?,
        None => most,
    };
    let count = count.min(most);
    Ok((count, count.to_string()))
}

/// A page of what is sorted by id, from the id that the marker says.
fn page_by_id<T>(
    all: Vec<T>,
    id: impl Fn(&T) -> &str,
    marker: &str,
    count: usize,
) -> (Vec<T>, Option<String>) {
    let mut rest: Vec<T> = all.into_iter().filter(|it| id(it) >= marker).collect();
    let next = rest.get(count).map(|it| id(it).to_owned());
    rest.truncate(count);
    (rest, next)
}

impl Route53 {
    /// Makes one change of what the name server reads and notes it, in one transaction; then looks whether the name
    /// server has heard.
    async fn change<R: Send + 'static>(
        &self,
        context: &Context,
        comment: Option<String>,
        change: impl FnOnce(&mut Transaction, &Context) -> Result<(R, Edit), ApiError> + Send + 'static,
    ) -> Result<(R, ChangeInfo), ApiError> {
        let id = format!("C{}", self.ids.hex(20).to_uppercase());
        let (context, now) = (context.clone(), self.clock.now());
        let (result, row) = self
            .store
            .write(move |tx| {
                let (result, edit) = change(tx, &context)?;
                let mut journal = Journal::new(tx);
                edit(&mut journal);
                let sequence = journal.close();
                let row = table::note(tx, &context, id, now, comment, sequence);
                Ok::<_, ApiError>((result, row))
            })
            .await?;
        self.heard(row.sequence).await;
        // As in AWS: whoever wants to know asks again.
        Ok((result, shape(&row, false)))
    }
}

/// What is to be done with the name server's rows.
type Edit = Box<dyn FnOnce(&mut Journal<'_>)>;

fn shape(row: &Row, in_sync: bool) -> ChangeInfo {
    ChangeInfo {
        id: format!("/change/{}", row.id),
        status: if in_sync {
            ChangeStatus::Insync
        } else {
            ChangeStatus::Pending
        },
        submitted_at: row.submitted_at,
        comment: row.comment.clone(),
    }
}

fn vpc_shape(vpc: &model::Vpc) -> VPC {
    VPC {
        vpc_region: Some(vpc.region.as_str().into()),
        vpc_id: Some(vpc.id.clone()),
    }
}
