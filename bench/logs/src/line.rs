//! What the writers write: lines of a web service, each with an identifier that is nowhere else.

use crate::SEARCHES;

/// Lines that are handed over together.
pub const BATCH: u64 = 5_000;

fn mix(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The line of a writer; of `lines` all together a few have a term to look for.
pub fn text(writer: u64, number: u64, lines: u64) -> String {
    let id = mix(writer << 40 | number);
    let paths = ["/api/orders", "/api/customers", "/static/app.js", "/healthz", "/api/search"];
    let path = paths[(id % 5) as usize];
    let rare = number % (lines / 100).max(1) == 17 && writer < SEARCHES && number < lines / 100;
    let note = if rare { term(writer) } else { String::new() };
    format!(
        "2026-11-23T06:{:02}:{:02}.{:03}Z INFO request finished method=GET path={path}/{} status={} duration_ms={} request_id={id:016x} user={}{note}",
        number / 60_000 % 60,
        number / 1000 % 60,
        number % 1000,
        id >> 50,
        [200, 200, 200, 304, 404, 500][(id >> 8) as usize % 6],
        (id >> 16) % 900,
        (id >> 24) % 5000,
    )
}

pub fn term(search: u64) -> String {
    format!(" panic=lost-shard-{search}")
}

pub fn at_ms(number: u64) -> i64 {
    1_795_400_000_000 + (number / 10) as i64
}
