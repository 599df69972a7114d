use super::*;

#[test]
fn what_is_there_always_passes_and_what_is_not_hardly_ever() {
    let mut builder = Builder::new();
    let lines: Vec<String> = (0..4000_u64)
        .map(|n| format!("GET /orders/{} took {} ms", n * 7919 % 100_003, n % 97))
        .collect();
    lines.iter().for_each(|line| builder.add(line.as_bytes()));
    let filter = builder.finish();
    assert!(filter.len() < 16 * 1024, "{}", filter.len());
    for line in &lines {
        assert!(may_contain(&filter, line.as_bytes()));
        assert!(may_contain(&filter, &line.as_bytes()[3..9]));
    }
    assert!(may_contain(&filter, b"xyz"), "too short to say");
    let passed = (0..1000_u32)
        .filter(|n| {
            may_contain(
                &filter,
                format!("q{:08x}", n.wrapping_mul(0x9e37_79b1)).as_bytes(),
            )
        })
        .count();
    assert!(passed < 20, "{passed} of 1000 passed");
}

#[test]
fn a_small_set_is_small() {
    let mut builder = Builder::new();
    builder.add(b"hello world");
    let filter = builder.finish();
    assert!(filter.len() <= 16);
    assert!(may_contain(&filter, b"hello") && may_contain(&filter, b"world"));
    assert!(!may_contain(&builder.finish(), b"hello"), "the next one is empty");
}
