//! What the name server answers, asked for real.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use contract::dns::Question;

use crate::error::invalid;
use crate::{Route53, name, table};

/// Of the addresses of clients, if a request names none.
const MASK_BITS_DEFAULT: u8 = 24;

pub(super) async fn test_dns_answer(
    route53: &Route53,
    context: &Context,
    input: TestDNSAnswerRequest,
) -> Result<TestDNSAnswerResponse, ApiError> {
    let zone = table::zone(&route53.store.snapshot(), context, &input.hosted_zone_id)?;
    if zone.private {
        return Err(invalid(
            "TestDNSAnswer is not supported for private hosted zones.",
        ));
    }
    let asked =
        name::normal(&input.record_name).map_err(|wrong| invalid(format!("FATAL problem: {wrong}")))?;
    if !name::is_in(&asked, &zone.name) {
        return Err(invalid(format!(
            "The record name {} is not in the hosted zone {}",
            name::shown(&asked),
            zone.name
        )));
    }
    let address = input.edns0_client_subnet_ip.or(input.resolver_ip);
    let client = match address {
        None => None,
        Some(text) => {
            let address: std::net::IpAddr = text
                .parse()
                .map_err(|_| invalid(format!("{text} is not an IP address")))?;
            let bits = match &input.edns0_client_subnet_mask {
                Some(mask) => mask
                    .parse()
                    .map_err(|_| invalid(format!("{mask} is not a subnet mask")))?,
                None => MASK_BITS_DEFAULT,
            };
            let net = ipnet::IpNet::new(address, bits);
            Some(net.map_err(|_| invalid(format!("{bits} is not a subnet mask of {address}")))?)
        }
    };
    let question = Question {
        name: asked.clone(),
        kind: input.record_type.as_str().to_owned(),
        client,
    };
    let answer = route53
        .neighbours
        .dns
        .ask(question)
        .await
        .map_err(ApiError::internal)?;
    Ok(TestDNSAnswerResponse {
        nameserver: zone.name_servers.first().cloned().unwrap_or_default(),
        record_name: name::shown(&asked).trim_end_matches('.').to_owned(),
        record_type: input.record_type,
        record_data: answer.records,
        response_code: answer.code,
        protocol: "UDP".to_owned(),
    })
}
