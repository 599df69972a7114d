//! ListMetrics: which series there are.

use aws_protocol::{ApiError, Context, page};
use aws_shape::cloudwatch::*;

use crate::model::shaped;
use crate::{CloudWatch, error};

const PAGE_MAX: usize = 500;
/// A metric without values for so long is not listed any more.
const SHOWN_SECONDS: i64 = 14 * 24 * 60 * 60;
const RECENT_SECONDS: i64 = 3 * 60 * 60;

pub(super) async fn list_metrics(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: ListMetricsInput,
) -> Result<ListMetricsOutput, ApiError> {
    let age = if input.recently_active.is_some() {
        RECENT_SECONDS
    } else {
        SHOWN_SECONDS
    };
    let since = cloudwatch.clock.now().as_second() - age;
    let found = cloudwatch
        .metrics
        .list(
            &context.scope.key(),
            input.namespace.as_deref(),
            input.metric_name.as_deref(),
        )
        .await
        .map_err(ApiError::internal)?;
    let filters = input.dimensions.unwrap_or_default();
    let matches = |dimensions: &[(String, String)]| {
        filters.iter().all(|filter| {
            let mut named = dimensions.iter().filter(|(name, _)| *name == filter.name);
            named.any(|(_, value)| filter.value.as_ref().is_none_or(|wanted| wanted == value))
        })
    };
    let found: Vec<Metric> = found
        .into_iter()
        .filter(|it| it.last_seconds >= since && matches(&it.series.dimensions))
        .map(|it| Metric {
            namespace: Some(it.series.namespace),
            metric_name: Some(it.series.name),
            dimensions: Some(shaped(it.series.dimensions)),
        })
        .collect();
    let (metrics, next_token) =
        page(found, None, PAGE_MAX, input.next_token.as_deref()).map_err(|_| error::token())?;
    Ok(ListMetricsOutput {
        metrics: Some(metrics),
        next_token,
        owning_accounts: None,
    })
}
