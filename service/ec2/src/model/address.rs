//! Which addresses of a subnet may be given out.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// AWS keeps the first four addresses of a subnet and the last for itself.
const FIRST_HOST: u32 = 4;

/// Number of addresses that can be given out at all.
pub(crate) fn capacity(range: Ipv4Net) -> u32 {
    size(range).saturating_sub(FIRST_HOST + 1)
}

fn size(range: Ipv4Net) -> u32 {
    1_u32 << (32 - u32::from(range.prefix_len()))
}

pub(crate) fn is_assignable(range: Ipv4Net, address: Ipv4Addr) -> bool {
    let host = u32::from(address).wrapping_sub(u32::from(range.network()));
    (FIRST_HOST..size(range) - 1).contains(&host)
}

/// The next free address after `last_host`, going round; with its number inside the range.
pub(crate) fn next_free(range: Ipv4Net, used: &HashSet<Ipv4Addr>, last_host: u32) -> Option<(Ipv4Addr, u32)> {
    let count = capacity(range);
    let start = last_host.max(FIRST_HOST - 1) + 1 - FIRST_HOST;
    (0..count)
        .map(|step| FIRST_HOST + (start + step) % count)
        .map(|host| (Ipv4Addr::from(u32::from(range.network()) + host), host))
        .find(|(address, _)| !used.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_round_and_skip_what_aws_keeps() {
        let range: Ipv4Net = "10.0.0.0/28".parse().unwrap();
        assert_eq!(capacity(range), 11);
        let (mut used, mut last, mut given) = (HashSet::new(), 0, Vec::new());
        while let Some((address, host)) = next_free(range, &used, last) {
            used.insert(address);
            last = host;
            given.push(address.octets()[3]);
        }
        assert_eq!(given, (4..15).collect::<Vec<u8>>());
        used.remove(&Ipv4Addr::new(10, 0, 0, 7));
        assert_eq!(
            next_free(range, &used, last),
            Some((Ipv4Addr::new(10, 0, 0, 7), 7))
        );
    }
}
