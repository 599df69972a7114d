//! HTTPS listeners, redirects, and the names of load balancers.

use std::sync::Arc;

use base_store::Table;
use contract::certificate::{InUse, Material};
use contract::dns::Endpoint;
use contract::route::{self, ListenerProtocol};

use super::*;

const ONE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/one";
const TWO: &str = "arn:aws:acm:us-east-1:000000000000:certificate/two";

fn material(arn: &str) -> Option<Material> {
    [ONE, TWO].contains(&arn).then(|| Material {
        chain_pem: format!("chain of {arn}"),
        key_pem: "key".to_owned(),
    })
}

fn certificate(arn: &str) -> Certificate {
    Certificate {
        certificate_arn: Some(arn.to_owned()),
        is_default: None,
    }
}

fn code<T>(answer: Result<T, ApiError>) -> String {
    answer.err().map(|it| it.code).unwrap_or_default()
}

#[tokio::test]
async fn https_needs_a_certificate_that_there_is() {
    let mut world = world().await;
    world.elb = world.elb.with_certificates(Arc::new(material));
    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let group = world.group("web").await.unwrap();
    world.settle().await;
    let (elb, context) = (&world.elb, &world.context);
    let https = |certificates: &[&str], policy: Option<&str>| CreateListenerInput {
        load_balancer_arn: balancer.clone(),
        protocol: Some(ProtocolEnum::Https),
        port: Some(443),
        default_actions: vec![forward(&group)],
        certificates: Some(certificates.iter().map(|it| certificate(it)).collect()),
        ssl_policy: policy.map(str::to_owned),
        ..Default::default()
    };
    assert_eq!(
        code(elb.create_listener(context, https(&[], None)).await),
        "CertificateNotFound"
    );
    assert_eq!(
        code(elb.create_listener(context, https(&[ONE, TWO], None)).await),
        "TooManyCertificates"
    );
    let unknown = "arn:aws:acm:us-east-1:000000000000:certificate/none";
    assert_eq!(
        code(elb.create_listener(context, https(&[unknown], None)).await),
        "UnsupportedCertificate"
    );
    assert_eq!(
        code(elb.create_listener(context, https(&[ONE], Some("mine"))).await),
        "SSLPolicyNotFound"
    );
    let made = elb.create_listener(context, https(&[ONE], None)).await.unwrap();
    let listener = made.listeners.unwrap().remove(0);
    assert_eq!(listener.protocol, Some(ProtocolEnum::Https));
    assert_eq!(listener.ssl_policy.as_deref(), Some("ELBSecurityPolicy-2016-08"));
    let arn = listener.listener_arn.unwrap();
    let add = AddListenerCertificatesInput {
        listener_arn: arn.clone(),
        certificates: vec![certificate(TWO)],
    };
    elb.add_listener_certificates(context, add).await.unwrap();
    let remove = RemoveListenerCertificatesInput {
        listener_arn: arn.clone(),
        certificates: vec![certificate(ONE)],
    };
    assert_eq!(
        code(elb.remove_listener_certificates(context, remove).await),
        "OperationNotPermitted"
    );
    world.settle().await;
    let routes = world.routes();
    let ListenerProtocol::Https {
        certificates,
        only_newest,
    } = &routes.listeners[0].protocol
    else {
        panic!("{:?}", routes.listeners[0]);
    };
    assert_eq!((certificates.len(), *only_newest), (2, false));
    let used = Table::<InUse>::new(InUse::TABLE, 1);
    let by = world.store.snapshot().get(used, TWO).unwrap().by.clone();
    assert_eq!(by, [balancer]);
    let gone = DeleteListenerInput { listener_arn: arn };
    world.elb.delete_listener(&world.context, gone).await.unwrap();
    world.settle().await;
    assert!(world.store.snapshot().list(used).is_empty());
}

#[tokio::test]
async fn a_redirect_leads_somewhere_else_or_is_refused() {
    let world = world().await;
    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let redirect = |protocol: Option<&str>, port: Option<&str>| Action {
        type_: ActionTypeEnum::Redirect,
        redirect_config: Some(RedirectActionConfig {
            protocol: protocol.map(str::to_owned),
            port: port.map(str::to_owned),
            status_code: RedirectActionStatusCodeEnum::Http301,
            ..Default::default()
        }),
        ..Default::default()
    };
    let loops = world.listener(&balancer, 80, redirect(None, None)).await;
    assert_eq!(code(loops), "InvalidLoadBalancerAction");
    let strange = world.listener(&balancer, 80, redirect(Some("FTP"), None)).await;
    assert_eq!(code(strange), "ValidationError");
    world
        .listener(&balancer, 80, redirect(Some("HTTPS"), Some("443")))
        .await
        .unwrap();
    world.settle().await;
    let routes = world.routes();
    let route::Action::Redirect(to) = &routes.listeners[0].default_action else {
        panic!("{:?}", routes.listeners[0]);
    };
    assert_eq!(
        (to.status, to.protocol.as_str(), to.path.as_str()),
        (301, "HTTPS", "/#{path}")
    );
}

#[tokio::test]
async fn a_load_balancer_has_a_name_and_is_reached_inside_at_its_feet() {
    let world = world().await;
    let made = world.balancer("web").await.unwrap();
    let balancer = made.load_balancer_arn.unwrap();
    let group = world.group("web").await.unwrap();
    world.listener(&balancer, 80, forward(&group)).await.unwrap();
    world.settle().await;
    let endpoint = || {
        let all = world
            .store
            .snapshot()
            .list(Table::<Endpoint>::new(Endpoint::TABLE, 1));
        all.first().map(|(_, it)| Endpoint::clone(it)).unwrap()
    };
    let name = format!("{}.", made.dns_name.unwrap());
    assert_eq!(
        (endpoint().name, endpoint().healthy),
        (name, false),
        "it has no target yet"
    );
    let feet = endpoint().inside.remove(0);
    assert_eq!((feet.0.as_str(), feet.1.len()), (world.vpc.as_str(), 2));
    let inside: Vec<_> = world
        .routes()
        .listeners
        .into_iter()
        .filter(|it| it.network == world.vpc)
        .collect();
    assert_eq!(inside.len(), 2);
    assert!(
        inside
            .iter()
            .all(|it| it.bind.port() == 80
                && it.bind.ip() != "127.64.0.1".parse::<std::net::IpAddr>().unwrap())
    );
}
