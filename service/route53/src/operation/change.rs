//! What became of a change.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;

use crate::error::no_change;
use crate::table::{CHANGES, key};
use crate::{Route53, name};

pub(super) async fn get_change(
    route53: &Route53,
    context: &Context,
    input: GetChangeRequest,
) -> Result<GetChangeResponse, ApiError> {
    let id = name::id(&input.id);
    let row = route53.store.snapshot().get(CHANGES, &key(context, id));
    let row = row.ok_or_else(|| no_change(id))?;
    Ok(GetChangeResponse {
        change_info: super::shape(&row, route53.served() >= row.sequence),
    })
}
