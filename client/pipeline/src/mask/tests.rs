use super::Masker;

fn hidden(secrets: &[&str], text: &str) -> String {
    let masker = Masker::default();
    secrets.iter().for_each(|secret| masker.add(secret));
    masker.hide(text)
}

#[test]
fn a_secret_is_hidden_wherever_it_stands() {
    assert_eq!(hidden(&["s3cret"], "x s3cret, s3crets3cret y"), "x ***, *** y");
    assert_eq!(hidden(&[], "nothing to hide"), "nothing to hide");
    assert_eq!(hidden(&["", "\n"], "an empty one hides nothing"), "an empty one hides nothing");
}

#[test]
fn the_longer_of_two_secrets_wins() {
    assert_eq!(hidden(&["abc", "abcdef"], "abcdef abc"), "*** ***");
}

#[test]
fn each_line_of_a_secret_is_one() {
    let key = "-----BEGIN KEY-----\nMIIEow\n-----END KEY-----";
    assert_eq!(hidden(&[key], "MIIEow"), "***");
    assert_eq!(hidden(&[key], key), "***");
}

#[test]
fn encoded_forms_are_hidden_at_every_offset() {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "\n", "xy"] {
            let text = format!("{before}{secret}{after}");
            for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE_NO_PAD.encode(&text)] {
                let seen = hidden(&[secret], &encoded);
                // What is left at the edges is too short to tell anything.
                assert!(seen.contains("***") && seen.len() < 24, "{text}: {seen}");
            }
        }
    }
}

#[test]
fn other_forms_of_programs_are_hidden() {
    let secret = "a&b<c \"d\" 'e'\\f";
    for form in [
        r#"a&b<c \"d\" 'e'\\f"#,
        "a%26b%3Cc%20%22d%22%20%27e%27%5Cf",
        "a&amp;b&lt;c &quot;d&quot; &apos;e&apos;\\f",
        r"a&b<c \"d\" ''e''\f".replace("\\\"", "\"").as_str(),
        hex::encode(secret).as_str(),
    ] {
        assert_eq!(hidden(&[secret], form), "***", "{form}");
    }
}

#[test]
fn a_long_secret_is_hidden_on_every_line_of_its_encoding() {
    use base64::Engine as _;
    let secret: String = (0..40).map(|line| format!("line {line} of a key\n")).collect();
    let encoded = base64::prelude::BASE64_STANDARD.encode(format!("{secret}\n"));
    for columns in [64, 76] {
        let lines: Vec<&[u8]> = encoded.as_bytes().chunks(columns).collect();
        for line in &lines[..lines.len() - 1] {
            assert_eq!(hidden(&[&secret], std::str::from_utf8(line).unwrap()), "***");
        }
    }
}
