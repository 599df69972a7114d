use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder};

use super::*;

/// As on the wire, in hexadecimal digits.
fn wire(kind_text: &str, text: &str) -> Result<String, String> {
    let data = parse(kind(kind_text).expect("a served type"), text)?;
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    data.emit(&mut encoder).map_err(|error| error.to_string())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn every_served_type_becomes_what_it_is_on_the_wire() {
    for (kind, text, expected) in [
        ("A", "192.0.2.1", "c0000201"),
        ("AAAA", "2001:db8::1", "20010db8000000000000000000000001"),
        (
            "CAA",
            "0 issue \"ca.example\"",
            "000569737375656361 2e6578616d706c65",
        ),
        (
            "CAA",
            "128 iodef \"mailto:a@b\"",
            "8005696f6465666d61696c746f3a614062",
        ),
        ("CAA", "0 issue \";\"", "000569737375653b"),
        ("CNAME", "Www.example", "035777770765 78616d706c6500"),
        ("DS", "12345 3 1 00FFab", "3039030100ffab"),
        ("HTTPS", "1 . alpn=h2", "0001000001000302 6832"),
        (
            "HTTPS",
            "1 b.example alpn=\"h2,h3\" port=443",
            "00010162076578616d706c65000001000602683202683300030002 01bb",
        ),
        ("MX", "10 mail.example", "000a046d61696c076578616d706c6500"),
        (
            "NAPTR",
            "100 50 \"U\" \"SIP+D2U\" \"!^.*$!sip:a@b.example!\" .",
            "006400320155075349502b4432551621 5e2e2a24217369703a6140622e6578616d706c652100",
        ),
        ("NS", "ns1.example.", "036e7331076578616d706c6500"),
        ("PTR", "a.example", "0161076578616d706c6500"),
        (
            "SOA",
            "a. b. 1 2 3 4 5",
            "016100016200000000010000000200000003000000040000 0005",
        ),
        ("SPF", "\"v=spf1 -all\"", "0b763d73706631202d616c6c"),
        ("SRV", "1 2 80 a.example", "0001000200500161076578616d706c6500"),
        ("SSHFP", "4 2 00ff", "040200ff"),
        ("SVCB", "0 a.example.", "00000161076578616d706c6500"),
        ("TLSA", "3 1 1 00ff", "03010100ff"),
        ("TXT", "\"a b\" \"c\"", "03612062 0163"),
        ("TXT", "\"\\\"q\\\" \\344 \\\\ ;\"", "092271222 0e4205c203b"),
        ("TXT", "\"\"", "00"),
        // Names hold any byte, and escapes are octal in every type.
        ("MX", "10 \\344*/b.c", "000a04e42a2f62016300"),
        ("SRV", "1 2 3 a@b\"(;.c", "0001000200030661406222283b016300"),
        (
            "SOA",
            "\\344. a\\056b. 1 2 3 4 5",
            "01e4000361 2e62000000000100000002000000030000000400000005",
        ),
        (
            "NAPTR",
            "1 2 \"u\" \"a b\" \"\\041\\\\1\" \\344.c",
            "00010002 0175 03612062 03215c31 01e4016300",
        ),
        ("NAPTR", "1 2 \"\" \"\" \"\" .", "0001000200000000"),
        ("SVCB", "1 \\344*.c key7=x", "000102e42a0163000007000178"),
        ("HTTPS", "0 a/b", "000003612f6200"),
    ] {
        assert_eq!(wire(kind, text), Ok(expected.replace(' ', "")), "{kind} {text}");
    }
}

#[test]
fn what_is_none_is_refused() {
    for (kind, text) in [
        ("A", "192.0.2"),
        ("A", "::1"),
        ("AAAA", "192.0.2.1"),
        ("CAA", "0 issue"),
        ("CAA", "300 issue \"x\""),
        ("DS", "1 2 3"),
        ("DS", "1 2 3 0"),
        ("DS", "1 2 3 zz"),
        ("MX", "mail"),
        ("SRV", "1 2 a"),
        ("TXT", "\"a"),
        ("TXT", ""),
        ("SOA", "a. b."),
        ("SOA", "a. b. 1 2 3 4 2147483648 6"),
        ("SOA", "a. b. 1 2147483648 3 4 5"),
        ("MX", "10 a b"),
        ("MX", "65536 a"),
        ("NAPTR", "1 2 \"u\" \"a\" ."),
        ("NAPTR", "1 2 \"u\" \"a\" \"b\" a..b"),
        ("SVCB", "1"),
        ("HTTPS", "1 a..b"),
        ("CNAME", "a..b"),
    ] {
        assert!(wire(kind, text).is_err(), "{kind} {text}");
    }
}

#[test]
fn values_are_shown_as_people_write_them() {
    for (kind_text, text, expected) in [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("CAA", "128  issue \"a b; c\"", "128 issue \"a b; c\""),
        ("CNAME", "a\\344.b", "a\\344.b."),
        ("DS", "1 2 200 ab", "1 2 200 AB"),
        ("MX", "10 a", "10 a."),
        ("SPF", "\"a\"\"b\"", "\"a\" \"b\""),
        ("TXT", "\"\\344\"", "\"\\344\""),
    ] {
        let data = parse(kind(kind_text).expect("a served type"), text).expect(text);
        assert_eq!(present(&data), expected, "{kind_text} {text}");
    }
}
