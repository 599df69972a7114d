use super::{check, check_name};

/// Values that Route 53 takes.
const GOOD: &[(&str, &str)] = &[
    ("A", "192.0.2.1"),
    ("A", "0.0.0.0"),
    ("A", "255.255.255.255"),
    ("AAAA", "2001:0db8:85a3:0:0:8a2e:0370:7334"),
    ("AAAA", "::"),
    ("AAAA", "::1"),
    ("AAAA", "2001:DB8::A"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("CAA", "0 issue \"ca.example.com\""),
    ("CAA", "128 issuewild \";\""),
    ("CAA", "0 issue \"ca.example.net; account=123456\""),
    ("CAA", "0 iodef \"mailto:security@example.com\""),
    ("CAA", "255 contact99 \"\""),
    ("CAA", "0   issue \t \"a b  c\""),
    ("CNAME", "hostname.example.com"),
    ("CNAME", "hostname.example.com."),
    ("CNAME", "_x.acm-validations.aws."),
    ("CNAME", "HOST.Example.Com"),
    ("CNAME", "ex\\344mple.com"),
    ("CNAME", "*.example.com"),
    ("CNAME", "a*b.example.com"),
    ("CNAME", "localhost"),
    ("CNAME", "a/b!c.example.com"),
    ("DS", "12345 3 1 49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE"),
    ("DS", "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118"),
    (
        "DS",
        "0 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766",
    ),
    (
        "DS",
        "65535 255 4 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f",
    ),
    ("DS", "1 2 200 ab"),
    ("HTTPS", "0 svc.example.com."),
    ("HTTPS", "0 svc.example.com"),
    ("HTTPS", "1 . alpn=\"h3,h2\""),
    ("HTTPS", "16 foo.example.com alpn=h2 port=8443"),
    ("HTTPS", "1 . alpn=h2 no-default-alpn"),
    (
        "HTTPS",
        "1 . ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1,2001:db8::2",
    ),
    ("HTTPS", "1 . mandatory=alpn,port alpn=h2 port=0"),
    ("MX", "10 mailserver.example.com."),
    ("MX", "0 ."),
    ("MX", "65535 mail"),
    ("MX", "10\tmail.example.com"),
    (
        "NAPTR",
        "100 50 \"u\" \"E2U+sip\" \"!^(\\\\+441632960083)$!sip:\\\\1@example.com!\" .",
    ),
    ("NAPTR", "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.foo.com."),
    ("NAPTR", "0 65535 \"\" \"\" \"a b\" ."),
    ("NS", "ns-1.example.com"),
    ("NS", "ns-1.example.com."),
    ("PTR", "hostname.example.com"),
    ("PTR", "."),
    (
        "SOA",
        "ns-2048.awsdns-64.net. hostmaster.awsdns.com. 1 7200 900 1209600 86400",
    ),
    (
        "SOA",
        "ns.example.com a\\056b.example.com 4294967295 0 0 0 2147483647",
    ),
    ("SPF", "\"v=spf1 ip4:192.168.0.1/16 -all\""),
    ("SPF", "\"a\" \"b\""),
    ("SRV", "10 5 80 hostname.example.com."),
    ("SRV", "1 10 5269 xmpp-server"),
    ("SRV", "0 0 0 ."),
    ("SRV", "65535 65535 65535 a.b"),
    ("SSHFP", "1 1 09F6A01D2175742B257C6B98B7C72C44C4040683"),
    (
        "SSHFP",
        "4 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766",
    ),
    ("SSHFP", "6 9 abcdef"),
    ("SVCB", "1 svc.example.com. key65333=ex1"),
    ("SVCB", "1 svc.example.com. key7=\"/dns-query{?dns}\""),
    ("SVCB", "0 ."),
    ("SVCB", "3 . ech=AEj+DQBE"),
    (
        "TLSA",
        "3 1 1 0d6fce13243aa7e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a",
    ),
    ("TLSA", "0 0 0 30820307308201ef"),
    (
        "TLSA",
        "255 255 2 00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("TXT", "\"Sample Text Entry\""),
    ("TXT", "\"\""),
    ("TXT", "\"a\" \"b\" \"c\""),
    ("TXT", "\"a\"\"b\""),
    ("TXT", "\"a \\\" quote\""),
    ("TXT", "\"a \\\\ backslash\""),
    ("TXT", "\"v=DKIM1\\; k=rsa\""),
    ("TXT", "\"ex\\344mple \\000\\377\""),
    ("TXT", " \"spaces around\" "),
];

const V4: &str = "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)";
const V6: &str = "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)";
const BARE: &str = "InvalidCharacterString (Value should be enclosed in quotation marks)";
const CHARACTER: &str = "UnsupportedCharacter (Value contains unsupported characters)";
const EMPTY: &str = "DomainLabelEmpty (Domain label is empty)";
const U16: &str = "is not a number from 0 to 65535)";

/// Values that Route 53 refuses: why, and what it says it was encountered with.
const BAD: &[(&str, &str, &str, &str)] = &[
    ("A", "1.2.3", V4, "1.2.3"),
    ("A", "999.1.1.1", V4, "999.1.1.1"),
    ("A", "www.example.com", V4, "www.example.com"),
    ("A", "2001:db8::1", V4, "2001:db8::1"),
    ("A", "1.2.3.4.5", V4, "1.2.3.4.5"),
    ("A", "192.0.2.010", V4, "192.0.2.010"),
    ("A", "", V4, ""),
    ("A", "0x7f.0.0.1", V4, "0x7f.0.0.1"),
    (
        "A",
        "1.2.3.4 1.2.3.5",
        "ARRDATANotSingleField (Value contains spaces)",
        "1.2.3.4 1.2.3.5",
    ),
    (
        "A",
        "1.2.3.4\n",
        "ARRDATANotSingleField (Value contains spaces)",
        "1.2.3.4\n",
    ),
    ("AAAA", "192.0.2.1", V6, "192.0.2.1"),
    ("AAAA", "fe80::1%eth0", V6, "fe80::1%eth0"),
    ("AAAA", "1::2::3", V6, "1::2::3"),
    ("AAAA", "2001:db8::g", V6, "2001:db8::g"),
    ("AAAA", "[::1]", V6, "[::1]"),
    (
        "AAAA",
        ":: 1",
        "AAAARRDATANotSingleField (Value contains spaces)",
        ":: 1",
    ),
    ("CAA", "0 issue ca.example.com", BARE, "ca.example.com"),
    (
        "CAA",
        "0 issue",
        "CAARRDATANotThreeFields (CAA record doesn't have 3 fields)",
        "0 issue",
    ),
    (
        "CAA",
        "0 issue \"a\" \"b\"",
        "CAARRDATANotThreeFields (CAA record doesn't have 3 fields)",
        "0 issue \"a\" \"b\"",
    ),
    (
        "CAA",
        "256 issue \"a\"",
        "CAARRDATAIllegalFlags (Flags is not a number from 0 to 255)",
        "256",
    ),
    (
        "CAA",
        "x issue \"a\"",
        "CAARRDATAIllegalFlags (Flags is not a number from 0 to 255)",
        "x",
    ),
    (
        "CAA",
        "0 is-sue \"a\"",
        "CAARRDATAIllegalTag (Tag is not 1 to 255 letters and digits)",
        "is-sue",
    ),
    ("CAA", "0 issue \"a\"b", BARE, "\"a\"b"),
    ("CAA", "0 issue \"a", BARE, "\"a"),
    ("CNAME", "a..b", EMPTY, "a..b"),
    ("CNAME", ".example.com", EMPTY, ".example.com"),
    ("CNAME", "example.com..", EMPTY, "example.com.."),
    ("CNAME", "", EMPTY, ""),
    ("CNAME", "..", EMPTY, ".."),
    (
        "CNAME",
        "a b",
        "CNAMERRDATANotSingleField (Value contains spaces)",
        "a b",
    ),
    ("CNAME", "b\u{fc}cher.example.com", CHARACTER, "\u{fc}"),
    ("CNAME", "a\u{7f}.example.com", CHARACTER, "\u{7f}"),
    ("CNAME", "a\\9.example.com", CHARACTER, "\\"),
    ("CNAME", "a\\400.example.com", CHARACTER, "\\"),
    ("CNAME", "a\\05", CHARACTER, "\\"),
    ("CNAME", "a\\.b", CHARACTER, "\\"),
    ("CNAME", "a\\+12.b", CHARACTER, "\\"),
    (
        "DS",
        "1 2 3",
        "DSRRDATANotFourFields (DS record doesn't have 4 fields)",
        "1 2 3",
    ),
    (
        "DS",
        "",
        "DSRRDATANotFourFields (DS record doesn't have 4 fields)",
        "",
    ),
    (
        "DS",
        "12345 13 2 abcd",
        "DSRRDATAIllegalDigest (Digest doesn't have 64 hexadecimal digits)",
        "abcd",
    ),
    (
        "DS",
        "1 13 9 abc",
        "DSRRDATAIllegalDigest (Digest is not pairs of hexadecimal digits)",
        "abc",
    ),
    (
        "DS",
        "1 13 9 xx",
        "DSRRDATAIllegalDigest (Digest is not pairs of hexadecimal digits)",
        "xx",
    ),
    (
        "DS",
        "65536 13 2 ab",
        "DSRRDATAIllegalKeyTag (Key tag is not a number from 0 to 65535)",
        "65536",
    ),
    (
        "DS",
        "1 RSA 2 ab",
        "DSRRDATAIllegalAlgorithm (Algorithm is not a number from 0 to 255)",
        "RSA",
    ),
    (
        "DS",
        "1 2 256 ab",
        "DSRRDATAIllegalDigestType (Digest type is not a number from 0 to 255)",
        "256",
    ),
    (
        "HTTPS",
        "1",
        "HTTPSRRDATANotTwoFields (HTTPS record doesn't have 2 fields)",
        "1",
    ),
    (
        "HTTPS",
        "a .",
        "HTTPSRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "a",
    ),
    ("HTTPS", "1 a..b", EMPTY, "a..b"),
    (
        "HTTPS",
        "1 . no-default-alpn",
        "HTTPSRRDATAIllegalSvcParam (no-default-alpn demands alpn)",
        "1 . no-default-alpn",
    ),
    (
        "HTTPS",
        "1 . alpn=h2 alpn=h3",
        "HTTPSRRDATAIllegalSvcParam (Parameter is given twice)",
        "alpn=h3",
    ),
    (
        "HTTPS",
        "1 . port=70000",
        "HTTPSRRDATAIllegalSvcParam (Port is not a number from 0 to 65535)",
        "port=70000",
    ),
    (
        "HTTPS",
        "1 . port",
        "HTTPSRRDATAIllegalSvcParam (Port is not a number from 0 to 65535)",
        "port",
    ),
    (
        "HTTPS",
        "1 . ipv4hint=::1",
        "HTTPSRRDATAIllegalSvcParam (Value is not a list of valid IPv4 addresses)",
        "ipv4hint=::1",
    ),
    (
        "HTTPS",
        "1 . alpn=h2,,h3",
        "HTTPSRRDATAIllegalSvcParam (Value is not a list of protocol identifiers)",
        "alpn=h2,,h3",
    ),
    (
        "HTTPS",
        "1 . mandatory=port",
        "HTTPSRRDATAIllegalSvcParam (A mandatory key is missing)",
        "1 . mandatory=port",
    ),
    (
        "HTTPS",
        "1 . mandatory=port,port port=1",
        "HTTPSRRDATAIllegalSvcParam (A mandatory key is given twice)",
        "1 . mandatory=port,port port=1",
    ),
    (
        "MX",
        "mail.example.com",
        "MXRRDATANotTwoFields (MX record doesn't have 2 fields)",
        "mail.example.com",
    ),
    (
        "MX",
        "10 mail example",
        "MXRRDATANotTwoFields (MX record doesn't have 2 fields)",
        "10 mail example",
    ),
    (
        "MX",
        "ten mail",
        "MXRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "ten",
    ),
    (
        "MX",
        "-1 mail",
        "MXRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "-1",
    ),
    (
        "MX",
        "+1 mail",
        "MXRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "+1",
    ),
    (
        "MX",
        "65536 mail",
        "MXRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "65536",
    ),
    ("MX", "10 a..b", EMPTY, "a..b"),
    (
        "NAPTR",
        "100 50 \"u\" \"E2U+sip\" .",
        "NAPTRRRDATANotSixFields (NAPTR record doesn't have 6 fields)",
        "100 50 \"u\" \"E2U+sip\" .",
    ),
    ("NAPTR", "100 50 u \"E2U+sip\" \"\" .", BARE, "u"),
    (
        "NAPTR",
        "100 50 \"!\" \"E2U+sip\" \"\" .",
        "NAPTRRRDATAIllegalFlags (Flags are not letters and digits)",
        "\"!\"",
    ),
    (
        "NAPTR",
        "100 50 \"u\" \"E2U+sip\" \"\\1@example\" .",
        CHARACTER,
        "\\",
    ),
    (
        "NAPTR",
        "65536 50 \"u\" \"a\" \"\" .",
        "NAPTRRRDATAIllegalOrder (Order is not a number from 0 to 65535)",
        "65536",
    ),
    (
        "NAPTR",
        "1 x \"u\" \"a\" \"\" .",
        "NAPTRRRDATAIllegalPreference (Preference is not a number from 0 to 65535)",
        "x",
    ),
    (
        "NS",
        "ns1.example.com ns2.example.com",
        "NSRRDATANotSingleField (Value contains spaces)",
        "ns1.example.com ns2.example.com",
    ),
    ("NS", "ns1..com", EMPTY, "ns1..com"),
    (
        "PTR",
        "a b",
        "PTRRRDATANotSingleField (Value contains spaces)",
        "a b",
    ),
    (
        "SOA",
        "ns.example.com. host.example.com. 1 2 3",
        "SOARRDATANotSevenFields (SOA record doesn't have 7 fields)",
        "ns.example.com. host.example.com. 1 2 3",
    ),
    (
        "SOA",
        "a b 4294967296 1 1 1 1",
        "SOARRDATAIllegalSerial (Serial is not a number from 0 to 4294967295)",
        "4294967296",
    ),
    (
        "SOA",
        "a b 1 1h 1 1 1",
        "SOARRDATAIllegalRefresh (Refresh is not a number from 0 to 2147483647)",
        "1h",
    ),
    (
        "SOA",
        "a b 1 1 1 1 2147483648",
        "SOARRDATAIllegalMinimum (Minimum is not a number from 0 to 2147483647)",
        "2147483648",
    ),
    ("SOA", "a b..c 1 1 1 1 1", EMPTY, "b..c"),
    ("SPF", "v=spf1 -all", BARE, "v=spf1 -all"),
    (
        "SRV",
        "1 2 host.example.com",
        "SRVRRDATANotFourFields (SRV record doesn't have 4 fields)",
        "1 2 host.example.com",
    ),
    (
        "SRV",
        "x 2 3 host",
        "SRVRRDATAIllegalPriority (Priority is not a number from 0 to 65535)",
        "x",
    ),
    (
        "SRV",
        "1 99999 3 host",
        "SRVRRDATAIllegalWeight (Weight is not a number from 0 to 65535)",
        "99999",
    ),
    (
        "SRV",
        "1 2 99999999999 host",
        "SRVRRDATAIllegalPort (Port is not a number from 0 to 65535)",
        "99999999999",
    ),
    ("SRV", "1 2 3 h\u{f6}st", CHARACTER, "\u{f6}"),
    (
        "SSHFP",
        "1 1",
        "SSHFPRRDATANotThreeFields (SSHFP record doesn't have 3 fields)",
        "1 1",
    ),
    (
        "SSHFP",
        "1 1 ab",
        "SSHFPRRDATAIllegalFingerprint (Fingerprint doesn't have 40 hexadecimal digits)",
        "ab",
    ),
    (
        "SSHFP",
        "300 1 ab",
        "SSHFPRRDATAIllegalKeyAlgorithm (Key algorithm is not a number from 0 to 255)",
        "300",
    ),
    (
        "SVCB",
        "1 . key65535=a",
        "SVCBRRDATAIllegalSvcParam (Key is not supported)",
        "key65535=a",
    ),
    (
        "SVCB",
        "1 . key1=a",
        "SVCBRRDATAIllegalSvcParam (Key is not supported)",
        "key1=a",
    ),
    (
        "SVCB",
        "1 . key007=a",
        "SVCBRRDATAIllegalSvcParam (Key is not supported)",
        "key007=a",
    ),
    (
        "SVCB",
        "1 . key7=\"a b\"",
        "SVCBRRDATAIllegalSvcParam (Parameter value contains unsupported characters)",
        "key7=\"a b\"",
    ),
    (
        "SVCB",
        "1 . key7=a;b",
        "SVCBRRDATAIllegalSvcParam (Parameter value contains unsupported characters)",
        "key7=a;b",
    ),
    (
        "SVCB",
        "1 . key7=a\\b",
        "SVCBRRDATAIllegalSvcParam (Parameter value contains unsupported characters)",
        "key7=a\\b",
    ),
    (
        "SVCB",
        "1 . key7=(a)",
        "SVCBRRDATAIllegalSvcParam (Parameter value contains unsupported characters)",
        "key7=(a)",
    ),
    (
        "SVCB",
        "1 . key7=\"a",
        "SVCBRRDATAIllegalSvcParam (Parameter value contains unsupported characters)",
        "key7=\"a",
    ),
    (
        "SSHFP",
        "1 9 ab cd",
        "SSHFPRRDATANotThreeFields (SSHFP record doesn't have 3 fields)",
        "1 9 ab cd",
    ),
    (
        "SVCB",
        "1 . colour=red",
        "SVCBRRDATAIllegalSvcParam (Key is not supported)",
        "colour=red",
    ),
    (
        "SVCB",
        "1 . ech=***",
        "SVCBRRDATAIllegalSvcParam (Value is not in base64)",
        "ech=***",
    ),
    (
        "SVCB",
        "1 . mandatory=mandatory",
        "SVCBRRDATAIllegalSvcParam (Value is not a list of keys)",
        "mandatory=mandatory",
    ),
    (
        "TLSA",
        "3 1 1 ab",
        "TLSARRDATAIllegalCertificateAssociationData (Certificate association data doesn't have 64 hexadecimal digits)",
        "ab",
    ),
    (
        "TLSA",
        "3 1 1",
        "TLSARRDATANotFourFields (TLSA record doesn't have 4 fields)",
        "3 1 1",
    ),
    (
        "TLSA",
        "3 x 0 ab",
        "TLSARRDATAIllegalSelector (Selector is not a number from 0 to 255)",
        "x",
    ),
    ("TXT", "lalalala", BARE, "lalalala"),
    ("TXT", "", BARE, ""),
    ("TXT", "\"", BARE, "\""),
    ("TXT", "\"unterminated", BARE, "\"unterminated"),
    ("TXT", "\"a\"b", BARE, "\"a\"b"),
    ("TXT", "\"a\" b", BARE, "\"a\" b"),
    ("TXT", "\"a\\\"", BARE, "\"a\\\""),
    (
        "TXT",
        "\"a\\",
        "UnexpectedEndOfInput (Value ends within an escape)",
        "\"a\\",
    ),
    ("TXT", "\"a\\9\"", CHARACTER, "\\"),
    ("TXT", "\"a\\777\"", CHARACTER, "\\"),
    ("TXT", "\"b\u{fc}cher\"", CHARACTER, "\u{fc}"),
    ("TXT", "\"a\tb\"", CHARACTER, "\t"),
    (
        "WKS",
        "anything",
        "UnsupportedRRType (Record type is not supported)",
        "WKS",
    ),
];

fn refusal(why: &str, with: &str) -> String {
    format!("Invalid Resource Record: 'FATAL problem: {why} encountered with '{with}''")
}

#[test]
fn what_has_its_types_form_is_taken() {
    for (kind, value) in GOOD {
        assert_eq!(check(kind, value), Ok(()), "{kind} {value}");
    }
}

#[test]
fn what_has_not_is_refused_with_the_part_that_shows_it() {
    for (kind, value, why, with) in BAD {
        assert_eq!(check(kind, value), Err(refusal(why, with)), "{kind} {value}");
    }
}

#[test]
fn each_number_of_sixteen_bits_is_bounded() {
    for (kind, value) in [
        ("MX", "_ a"),
        ("SRV", "_ 1 1 a"),
        ("SRV", "1 _ 1 a"),
        ("SRV", "1 1 _ a"),
        ("HTTPS", "_ ."),
        ("NAPTR", "_ 1 \"\" \"\" \"\" ."),
        ("NAPTR", "1 _ \"\" \"\" \"\" ."),
    ] {
        for good in ["0", "65535", "0001"] {
            assert_eq!(
                check(kind, &value.replacen('_', good, 1)),
                Ok(()),
                "{kind} {value}"
            );
        }
        for bad in ["65536", "-0", "+0", "1.5", "0x1", "\u{661}", "4294967296"] {
            let found = check(kind, &value.replacen('_', bad, 1)).expect_err(kind);
            assert!(
                found.contains(U16) && found.ends_with(&format!("'{bad}''")),
                "{found}"
            );
        }
    }
}

#[test]
fn a_string_has_255_bytes_at_most_and_an_escape_is_one() {
    for kind in ["TXT", "SPF"] {
        for unit in ["a", "\\141", "\\\""] {
            let longest = format!("\"{}\"", unit.repeat(255));
            assert_eq!(check(kind, &longest), Ok(()));
            assert_eq!(check(kind, &format!("{longest} {longest}")), Ok(()));
            let longer = format!("\"{}\"", unit.repeat(256));
            let why = "CharacterStringTooLong (Value is too long)";
            assert_eq!(check(kind, &longer), Err(refusal(why, &longer)));
            assert_eq!(
                check(kind, &format!("\"a\" {longer} \"b\"")),
                Err(refusal(why, &longer))
            );
        }
    }
}

#[test]
fn a_tag_fits_its_length() {
    let value = |length| format!("0 {} \"a\"", "t".repeat(length));
    assert_eq!(check("CAA", &value(255)), Ok(()));
    assert!(check("CAA", &value(256)).is_err());
}

/// A name whose form on the wire has this many bytes; at least 193.
fn name_of(bytes: usize) -> String {
    let label = "a".repeat(63);
    format!("{label}.{label}.{label}.{}", "b".repeat(bytes - 3 * 64 - 2))
}

#[test]
fn names_in_values_are_bounded() {
    let long = "a".repeat(64);
    let why = "DomainLabelTooLong (Domain label is too long)";
    for (kind, before) in [
        ("CNAME", ""),
        ("NS", ""),
        ("PTR", ""),
        ("MX", "10 "),
        ("SRV", "1 2 3 "),
    ] {
        let of = |name: &str| check(kind, &format!("{before}{name}"));
        assert_eq!(of(&format!("{}.example.com", "a".repeat(63))), Ok(()));
        assert_eq!(of(&format!("{long}.example.com")), Err(refusal(why, &long)));
        assert_eq!(of(&name_of(255)), Ok(()));
        assert_eq!(of(&format!("{}.", name_of(255))), Ok(()));
        let longer = name_of(256);
        assert_eq!(
            of(&longer),
            Err(refusal("DomainNameTooLong (Domain name is too long)", &longer))
        );
    }
}

#[test]
fn records_names_are_made_of_labels() {
    let longest = name_of(255);
    let escaped = format!("{}.com", "\\052".repeat(63));
    for name in [
        "example.com",
        "example.com.",
        "com",
        ".",
        "_443._tcp.example.com",
        "EXAMPLE.com",
        "-a-.example.com",
        "a!\"#$%&'()+,/:;<=>?@[]^`{|}~.com",
        "ex\\344mple.com",
        "a\\056b.com",
        "*.example.com",
        "*",
        "prod.*.example.com",
        "a.*b.example.com",
        "\\052.example.com",
        "\\052prod.example.com",
        &longest,
        &escaped,
    ] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
}

#[test]
fn records_names_are_refused_in_the_same_words() {
    let (label, escaped) = ("a".repeat(64), "\\052".repeat(64));
    let long = name_of(256);
    for (name, why, with) in [
        ("", EMPTY, ""),
        ("..", EMPTY, ".."),
        ("a..b", EMPTY, "a..b"),
        (".a", EMPTY, ".a"),
        ("a..", EMPTY, "a.."),
        ("a b.com", CHARACTER, " "),
        ("a\u{e4}.com", CHARACTER, "\u{e4}"),
        ("a\u{0}.com", CHARACTER, "\u{0}"),
        ("a\\.com", CHARACTER, "\\"),
        ("a\\8.com", CHARACTER, "\\"),
        ("a\\1", CHARACTER, "\\"),
        ("a\\4\u{e4}", CHARACTER, "\\"),
        ("*prod.example.com", CHARACTER, "*"),
        ("prod*.example.com", CHARACTER, "*"),
        ("**.example.com", CHARACTER, "*"),
        (&label, "DomainLabelTooLong (Domain label is too long)", &label),
        (
            &escaped,
            "DomainLabelTooLong (Domain label is too long)",
            &escaped,
        ),
        (&long, "DomainNameTooLong (Domain name is too long)", &long),
    ] {
        assert_eq!(check_name(name), Err(format!("{why} encountered with '{with}'")));
    }
}

#[test]
fn no_value_makes_it_panic() {
    let pieces = ["\\", "\"", "1", " ", ".", "\u{fc}", "=", ",", "a", "*", "key"];
    let kinds = [
        "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP",
        "SVCB", "TLSA", "TXT",
    ];
    let count = pieces.len();
    for number in 0..count.pow(4) {
        let value: String = (0..4_u32)
            .map(|at| pieces[number / count.pow(at) % count])
            .collect();
        for kind in kinds {
            drop(check(kind, &value));
            drop(check(kind, &format!("1 {value} \"{value}\" {value}")));
        }
        drop(check_name(&value));
    }
}
