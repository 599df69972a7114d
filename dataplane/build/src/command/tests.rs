use super::*;

#[test]
fn the_last_lines_are_kept_as_a_terminal_would_show_them() {
    let mut tail = Tail::default();
    for number in 0..50 {
        tail.push(format!("line {number}\n").as_bytes());
    }
    tail.push(b" 10%\r 20%\r100%\r\n\x1b[31mred\x1b[0m\tend");
    let lines = tail.lines();
    assert_eq!(lines.len(), TAIL_LINES_MAX + 1);
    assert_eq!(lines[TAIL_LINES_MAX - 2], "line 49");
    assert_eq!(lines[TAIL_LINES_MAX - 1], "100%");
    assert_eq!(lines[TAIL_LINES_MAX], "[31mred[0m\tend");
    let mut long = Tail::default();
    long.push(&[b'x'; 10_000]);
    assert_eq!(long.lines()[0].len(), TAIL_LINE_BYTES_MAX);
}

#[test]
fn hints_fit_what_was_said() {
    let said = |line: &str| hint(1, &[line.to_owned()]);
    assert!(
        said("ssl.SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED").contains("certificate authority")
    );
    assert!(said("curl: (6) Could not resolve host: x").contains("look up a name"));
    assert!(hint(127, &[]).contains("not in the image"));
}
