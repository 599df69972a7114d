//! Names of links: short, from ids of any length, the same for ever.

/// FNV-1a: what names are made of must not change with the compiler, as the standard library's hash may.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn link_name(prefix: &str, id: &str) -> String {
    format!("{prefix}{:012x}", hash(id) & 0xffff_ffff_ffff)
}

pub(crate) fn bridge_name(subnet: &str) -> String {
    link_name("br", subnet)
}

/// A task's end in its network's namespace.
pub(crate) fn task_link_name(interface: &str) -> String {
    link_name("t", interface)
}

/// A container's end in its host's namespace.
pub(crate) fn bridge_port_name(id: &str) -> String {
    link_name("b", id)
}

/// A subnet's router keeps its address on the link when it is made anew, as its tasks remember it for a while.
pub(crate) fn router_mac(subnet: &str) -> [u8; 6] {
    let [a, b, c, d, e, ..] = hash(subnet).to_ne_bytes();
    // The second bit: given by us, not by a manufacturer.
    [2, a, b, c, d, e]
}

/// What marks the connections that go through a gateway; never 0, which marks none.
pub(crate) fn gateway_mark(gateway: &str) -> u32 {
    (hash(gateway) & 0xffff_ffff) as u32 | 1
}
