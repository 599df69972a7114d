use super::*;

#[test]
fn numbers_come_back() {
    let unsigned = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
    let signed = [0, -1, 1, -64, 64, i64::MIN, i64::MAX];
    let mut out = Vec::new();
    unsigned.iter().for_each(|&value| put(&mut out, value));
    signed.iter().for_each(|&value| put_signed(&mut out, value));
    let mut reader = Reader(&out);
    assert!(unsigned.iter().all(|&value| reader.number() == Ok(value)));
    assert!(signed.iter().all(|&value| reader.signed() == Ok(value)));
    assert_eq!(reader.number(), Err(Malformed));
    assert_eq!(
        Reader(&[0xff; 11]).number(),
        Err(Malformed),
        "no number is so long"
    );
    assert_eq!(Reader(&[5, b'a']).text(), Err(Malformed));
}
