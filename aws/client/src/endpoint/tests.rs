use super::*;

fn endpoints(endpoint: Option<&str>, all: Option<&str>, region: &str) -> Result<Endpoints, ConfigError> {
    let mut config = SdkConfig::builder();
    config.set_endpoint_url(all.map(str::to_owned));
    Endpoints::new(endpoint.map(str::to_owned), &config.build(), region)
}

fn at(endpoints: &Endpoints, service: &ServiceSchema) -> (String, String) {
    let endpoint = endpoints.of(service).expect("every service has one");
    (endpoint.uri.to_string(), endpoint.region.clone())
}

#[test]
fn without_configuration_it_is_aws() {
    let pair = |uri: &str, region: &str| (uri.to_owned(), region.to_owned());
    let found = endpoints(None, None, "eu-west-3").expect("it is complete");
    assert_eq!(
        at(&found, &ecs::SERVICE),
        pair("https://ecs.eu-west-3.amazonaws.com/", "eu-west-3")
    );
    assert_eq!(
        at(&found, &ecr::SERVICE),
        pair("https://api.ecr.eu-west-3.amazonaws.com/", "eu-west-3")
    );
    assert_eq!(
        at(&found, &elbv2::SERVICE),
        pair(
            "https://elasticloadbalancing.eu-west-3.amazonaws.com/",
            "eu-west-3"
        )
    );
    assert_eq!(
        at(&found, &sts::SERVICE),
        pair("https://sts.eu-west-3.amazonaws.com/", "eu-west-3")
    );
    assert_eq!(
        at(&found, &iam::SERVICE),
        pair("https://iam.amazonaws.com/", "us-east-1")
    );
    let found = endpoints(None, None, "cn-north-1").expect("it is complete");
    assert_eq!(
        at(&found, &ec2::SERVICE),
        pair("https://ec2.cn-north-1.amazonaws.com.cn/", "cn-north-1")
    );
    assert_eq!(
        at(&found, &iam::SERVICE),
        pair("https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1")
    );
}

#[test]
fn what_is_said_directly_comes_first() {
    let found =
        endpoints(Some("http://127.0.0.1:4566"), Some("http://other"), "eu-west-3").expect("it is complete");
    assert_eq!(at(&found, &logs::SERVICE).0, "http://127.0.0.1:4566/");
    assert!(found.of(&logs::SERVICE).is_some_and(|it| it.is_local));
    let found = endpoints(None, Some("https://proxy.example/aws/"), "eu-west-3").expect("it is complete");
    assert_eq!(at(&found, &logs::SERVICE).0, "https://proxy.example/aws/");
    assert!(found.of(&logs::SERVICE).is_some_and(|it| !it.is_local));
}

#[test]
fn an_endpoint_must_be_an_address() {
    for wrong in [
        "127.0.0.1:4566",
        "ftp://x",
        "http://",
        "http://x/?y=1",
        "not an address",
        "",
    ] {
        assert!(endpoints(Some(wrong), None, "eu-west-3").is_err(), "{wrong}");
    }
}
