use crate::answer::Known;
use crate::testing::{ask, endpoint, known, network, table};

const ZONES: &str = "
zone Z1 example.com. public
@ SOA 900 ns1.example.com. admin.example.com. 1 7200 900 1209600 300
@ NS 172800 ns1.example.com. | ns2.example.com.
@ MX 60 10 mail.example.com.
www A 300 192.0.2.1 | 192.0.2.2
www AAAA 300 2001:db8::1
text TXT 60 \"a\" | \"b c\"
one CNAME 60 www.example.com.
two CNAME 60 one.example.com.
away CNAME 60 www.example.net.
loop CNAME 60 pool.example.com.
pool CNAME 60 loop.example.com.
other CNAME 60 a.example.org.
lost CNAME 60 nothing.example.com.
* A 60 192.0.2.9
*.deep TXT 60 \"wild\"
a.b.c A 60 192.0.2.3
sub NS 60 ns.sub.example.com. | ns.example.net.
sub DS 60 1 8 2 00FF
ns.sub A 60 192.0.2.53
mail A 60 192.0.2.25
alias A -> www.example.com.
alias2 A -> alias.example.com.
aliasw A -> anything.example.com.
self A -> self.example.com.
@ A ->> web.elb.localhost.
@ AAAA ->> web.elb.localhost.
zone Z2 example.org. public
@ SOA 900 ns1.example.org. admin.example.org. 1 7200 900 1209600 86400
a A 30 192.0.2.77
zone P1 example.com. vpc-1,vpc-2
@ SOA 900 ns1.example.com. admin.example.com. 1 7200 900 1209600 86400
www A 300 10.0.0.1
out CNAME 60 www.example.net.
zone P2 a.example.com. vpc-1
x A 60 10.0.0.2
zone P3 10.in-addr.arpa. vpc-2
5.1.0 PTR 60 five.example.com.
zone P4 elb.localhost. vpc-2
web A 60 10.9.9.9
";

fn everything() -> Known {
    let mut table = table(ZONES);
    table.put_endpoints(vec![
        endpoint(
            "web.elb.localhost.",
            &["127.64.0.1", "127.64.0.2"],
            &[("vpc-1", "10.0.9.9")],
            true,
        ),
        endpoint("bare.elb.localhost.", &[], &[], true),
    ]);
    table.put_networks(vec![
        network("vpc-1", "10.0.0.0/16"),
        network("vpc-2", "10.0.0.0/16"),
    ]);
    known(table, &[])
}

fn check(cases: &[(&str, &str)]) {
    let known = everything();
    for (question, expected) in cases {
        assert_eq!(ask(&known, question), *expected, "{question}");
    }
}

const SOA: &str = "! example.com. 300 SOA ns1.example.com. admin.example.com. 1 7200 900 1209600 300";

#[test]
fn names_with_records() {
    check(&[
        (
            "www.example.com. A",
            "NOERROR aa; www.example.com. 300 A 192.0.2.1; www.example.com. 300 A 192.0.2.2",
        ),
        (
            "WWW.Example.com. AAAA",
            "NOERROR aa; WWW.Example.com. 300 AAAA 2001:db8::1",
        ),
        (
            "text.example.com. TXT",
            "NOERROR aa; text.example.com. 60 TXT \"a\"; text.example.com. 60 TXT \"b c\"",
        ),
        (
            "example.com. MX",
            "NOERROR aa; example.com. 60 MX 10 mail.example.com.",
        ),
        (
            "example.com. NS",
            "NOERROR aa; example.com. 172800 NS ns1.example.com.; example.com. 172800 NS ns2.example.com.",
        ),
        (
            "www.example.com. ANY",
            "NOERROR aa; www.example.com. 3600 HINFO RFC8482 ",
        ),
    ]);
}

#[test]
fn names_without_answers() {
    let nodata = format!("NOERROR aa; {SOA}");
    let nothing = format!("NXDOMAIN aa; {SOA}");
    check(&[
        ("www.example.com. TXT", &nodata),
        // Empty, because there is something below.
        ("b.c.example.com. A", &nodata),
        ("c.example.com. A", &nodata),
        ("deep.example.com. A", &nodata),
        // Below a name that is there the wildcard above it does not count.
        ("x.c.example.com. A", &nothing),
        ("x.www.example.com. A", &nothing),
        (
            "x.example.org. A",
            "NXDOMAIN aa; ! example.org. 900 SOA ns1.example.org. admin.example.org. 1 7200 900 1209600 86400",
        ),
        ("example.net. A", "elsewhere"),
        ("com. A", "elsewhere"),
        (". NS", "elsewhere"),
    ]);
}

#[test]
fn wildcards() {
    let nodata = format!("NOERROR aa; {SOA}");
    check(&[
        (
            "any.example.com. A",
            "NOERROR aa; any.example.com. 60 A 192.0.2.9",
        ),
        (
            "a.b.any.example.com. A",
            "NOERROR aa; a.b.any.example.com. 60 A 192.0.2.9",
        ),
        ("any.example.com. TXT", &nodata),
        (
            "x.deep.example.com. TXT",
            "NOERROR aa; x.deep.example.com. 60 TXT \"wild\"",
        ),
        ("x.deep.example.com. A", &nodata),
        ("*.example.com. A", "NOERROR aa; *.example.com. 60 A 192.0.2.9"),
    ]);
}

#[test]
fn names_that_lead_to_names() {
    check(&[
        (
            "two.example.com. AAAA",
            "NOERROR aa; two.example.com. 60 CNAME one.example.com.; one.example.com. 60 CNAME www.example.com.; \
             www.example.com. 300 AAAA 2001:db8::1",
        ),
        (
            "two.example.com. CNAME",
            "NOERROR aa; two.example.com. 60 CNAME one.example.com.",
        ),
        (
            "other.example.com. A",
            "NOERROR aa; other.example.com. 60 CNAME a.example.org.; a.example.org. 30 A 192.0.2.77",
        ),
        (
            "away.example.com. A",
            "NOERROR aa; away.example.com. 60 CNAME www.example.net.; ? www.example.net.",
        ),
        (
            "lost.example.com. TXT",
            &format!("NOERROR aa; lost.example.com. 60 CNAME nothing.example.com.; {SOA}"),
        ),
    ]);
    let answer = ask(&everything(), "loop.example.com. A");
    assert_eq!(answer.matches("CNAME").count(), 16, "{answer}");
}

#[test]
fn zones_below() {
    let referral = "NOERROR; ! sub.example.com. 60 NS ns.sub.example.com.; ! sub.example.com. 60 NS ns.example.net.; \
                    + ns.sub.example.com. 60 A 192.0.2.53";
    check(&[
        ("sub.example.com. A", referral),
        ("sub.example.com. NS", referral),
        ("a.b.sub.example.com. TXT", referral),
        ("ns.sub.example.com. A", referral),
        (
            "sub.example.com. DS",
            "NOERROR aa; sub.example.com. 60 DS 1 8 2 00FF",
        ),
    ]);
}

#[test]
fn aliases() {
    let nodata = format!("NOERROR aa; {SOA}");
    check(&[
        (
            "alias.example.com. A",
            "NOERROR aa; alias.example.com. 300 A 192.0.2.1; alias.example.com. 300 A 192.0.2.2",
        ),
        (
            "alias2.example.com. A",
            "NOERROR aa; alias2.example.com. 300 A 192.0.2.1; alias2.example.com. 300 A 192.0.2.2",
        ),
        (
            "aliasw.example.com. A",
            "NOERROR aa; aliasw.example.com. 60 A 192.0.2.9",
        ),
        ("alias.example.com. AAAA", &nodata),
        ("self.example.com. A", &nodata),
        (
            "example.com. A",
            "NOERROR aa; example.com. 60 A 127.64.0.1; example.com. 60 A 127.64.0.2",
        ),
        ("example.com. AAAA", &nodata),
    ]);
}

#[test]
fn private_zones() {
    let nothing =
        "NXDOMAIN aa; ! example.com. 900 SOA ns1.example.com. admin.example.com. 1 7200 900 1209600 86400";
    check(&[
        (
            "vpc-1 www.example.com. A",
            "NOERROR aa; www.example.com. 300 A 10.0.0.1",
        ),
        (
            "vpc-2 www.example.com. A",
            "NOERROR aa; www.example.com. 300 A 10.0.0.1",
        ),
        (
            "vpc-3 www.example.com. AAAA",
            "NOERROR aa; www.example.com. 300 AAAA 2001:db8::1",
        ),
        // No way from a private zone to the public one of the same name.
        ("vpc-1 text.example.com. TXT", nothing),
        (
            "vpc-1 www.example.com. AAAA",
            &nothing.replace("NXDOMAIN", "NOERROR"),
        ),
        (
            "vpc-1 x.a.example.com. A",
            "NOERROR aa; x.a.example.com. 60 A 10.0.0.2",
        ),
        ("vpc-2 x.a.example.com. A", nothing),
        (
            "vpc-1 a.example.org. A",
            "NOERROR aa; a.example.org. 30 A 192.0.2.77",
        ),
        (
            "vpc-1 out.example.com. A",
            "NOERROR aa; out.example.com. 60 CNAME www.example.net.; ? www.example.net.",
        ),
    ]);
}

#[test]
fn names_of_endpoints_and_of_the_machine() {
    check(&[
        (
            "web.elb.localhost. A",
            "NOERROR aa; web.elb.localhost. 60 A 127.64.0.1; web.elb.localhost. 60 A 127.64.0.2",
        ),
        ("web.elb.localhost. AAAA", "NOERROR aa"),
        (
            "vpc-1 web.elb.localhost. A",
            "NOERROR aa; web.elb.localhost. 60 A 10.0.9.9",
        ),
        (
            "vpc-3 web.elb.localhost. A",
            "NOERROR aa; web.elb.localhost. 60 A 127.64.0.1; web.elb.localhost. 60 A 127.64.0.2",
        ),
        (
            "vpc-2 web.elb.localhost. A",
            "NOERROR aa; web.elb.localhost. 60 A 10.9.9.9",
        ),
        ("bare.elb.localhost. A", "NOERROR aa"),
        (
            "any.thing.localhost. A",
            "NOERROR aa; any.thing.localhost. 60 A 127.0.0.1",
        ),
        ("localhost. A", "NOERROR aa; localhost. 60 A 127.0.0.1"),
        ("localhost. AAAA", "NOERROR aa"),
    ]);
}

#[test]
fn names_of_a_networks_addresses() {
    check(&[
        (
            "vpc-1 ip-10-0-1-17.eu-central-1.compute.internal. A",
            "NOERROR aa; ip-10-0-1-17.eu-central-1.compute.internal. 60 A 10.0.1.17",
        ),
        (
            "vpc-1 ip-10-0-1-17.eu-central-1.compute.internal. AAAA",
            "NOERROR aa",
        ),
        (
            "vpc-1 ip-10-1-1-17.eu-central-1.compute.internal. A",
            "NXDOMAIN aa",
        ),
        (
            "vpc-1 x.ip-10-0-1-17.eu-central-1.compute.internal. A",
            "NXDOMAIN aa",
        ),
        ("vpc-1 other.eu-central-1.compute.internal. A", "NXDOMAIN aa"),
        (
            "vpc-1 5.1.0.10.in-addr.arpa. PTR",
            "NOERROR aa; 5.1.0.10.in-addr.arpa. 60 PTR ip-10-0-1-5.eu-central-1.compute.internal.",
        ),
        (
            "vpc-2 5.1.0.10.in-addr.arpa. PTR",
            "NOERROR aa; 5.1.0.10.in-addr.arpa. 60 PTR five.example.com.",
        ),
        ("vpc-1 5.1.1.10.in-addr.arpa. PTR", "elsewhere"),
        ("ip-10-0-1-17.eu-central-1.compute.internal. A", "elsewhere"),
        ("5.1.0.10.in-addr.arpa. PTR", "elsewhere"),
    ]);
}
