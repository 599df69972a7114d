//! An application under a name of its own: zone, alias, certificate, and nothing of it left afterwards.

use std::process::Command;

use crate::cloud::{Cloud, root, until};
use crate::command::run;

const DOMAIN: &str = "hello.example.test";

/// Address and port of the name server.
fn dns(cloud: &Cloud) -> (String, String) {
    let mut found = None;
    until("the name server answers", || {
        let said = run(&mut cloud.wharf(&["cloud", "status", "--json"]));
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        found = status["cloud"]["dns"].as_str().map(str::to_owned);
        found.is_some()
    });
    let found = found.unwrap();
    let (host, port) = found.rsplit_once(':').unwrap();
    (host.to_owned(), port.to_owned())
}

fn dig(dns: &(String, String), name: &str) -> Vec<String> {
    let server = format!("@{}", dns.0);
    let words = [&server, "-p", &dns.1, "+short", "+time=2", "+tries=1", name, "A"];
    let said = run(Command::new("dig").args(words));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn an_application_answers_under_its_domain_with_a_certificate() {
    let cloud = Cloud::start(&[]);
    let path = root().join("examples/hello");
    let path = path.to_str().unwrap();
    let up = ["up", path, "--domain", DOMAIN, "--https", "--json"];
    let said: serde_json::Value = serde_json::from_str(&run(&mut cloud.wharf(&up))).unwrap();
    let url = format!("https://{DOMAIN}/");
    assert_eq!(said["url"], url.as_str());
    assert_eq!(run(&mut cloud.wharf(&["url", "hello"])), url);

    let server = dns(&cloud);
    let led = dig(&server, DOMAIN);
    assert!(!led.is_empty(), "the domain leads somewhere");
    let direct = said["balancer_url"].as_str().unwrap();
    assert!(
        led.iter().any(|it| direct == format!("http://{it}/")),
        "{led:?} is not {direct}"
    );
    let authority = cloud.state().join("authority.pem");
    std::fs::write(&authority, run(&mut cloud.wharf(&["cloud", "ca"])) + "\n").unwrap();
    let curl = |more: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "20", "--cacert", authority.to_str().unwrap()]);
        for port in ["80", "443"] {
            command.args(["--resolve", &format!("{DOMAIN}:{port}:{}", led[0])]);
        }
        run(command.args(more))
    };
    let answer = curl(&["-w", "\n%{http_code} %{ssl_verify_result}", &url]);
    assert!(answer.ends_with("\n200 0"), "{answer}");
    let plain = format!("http://{DOMAIN}/somewhere?a=b");
    let sent_on = curl(&["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", &plain]);
    let secure = [
        format!("301 https://{DOMAIN}/somewhere?a=b"),
        format!("301 https://{DOMAIN}:443/somewhere?a=b"),
    ];
    assert!(secure.contains(&sent_on), "{sent_on}");

    let again: serde_json::Value = serde_json::from_str(&run(&mut cloud.wharf(&up))).unwrap();
    assert_eq!(again["changed"], false, "a second run changes nothing");
    assert_eq!(again["url"], said["url"]);
    let refused = cloud
        .wharf(&["up", path, "--domain", "hello.localhost"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "no domain below localhost");

    run(&mut cloud.wharf(&["down", "hello"]));
    for (what, line) in [
        ("zones", "route53 list-hosted-zones --query HostedZones"),
        (
            "certificates",
            "acm list-certificates --query CertificateSummaryList",
        ),
        (
            "load balancers",
            "elbv2 describe-load-balancers --query LoadBalancers",
        ),
    ] {
        assert_eq!(
            cloud.aws_json(line).as_array().unwrap().len(),
            0,
            "{what} are left"
        );
    }
    until("the domain leads nowhere", || dig(&server, DOMAIN).is_empty());
    cloud.stop();
    cloud.assert_nothing_left();
}
