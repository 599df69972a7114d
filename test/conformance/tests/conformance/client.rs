//! The client half's own client: against the small services, against a server that fails first, over HTTPS.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_client::{Client, ConfigError, Keys, Overrides, UNREACHABLE};
use aws_protocol::Context;
use aws_shape::{ec2, ecr, ecs, elbv2, iam, logs, sts};
use aws_signature::Mode;
use axum::http::StatusCode;
use base_clock::{Clock, ManualClock, SystemClock};
use base_id::SequentialIds;
use test_conformance::fake::Front;

fn keys(access_key: &str, token: Option<&str>) -> Keys {
    Keys {
        access_key: access_key.to_owned(),
        secret_key: "secret".to_owned(),
        session_token: token.map(str::to_owned),
    }
}

fn overrides(endpoint: &str) -> Overrides {
    Overrides {
        endpoint: Some(endpoint.to_owned()),
        region: Some("eu-west-3".to_owned()),
        credentials: Some(keys("AKIATEST", None)),
        ..Overrides::default()
    }
}

async fn client(endpoint: &str) -> Client {
    Client::from_environment(overrides(endpoint))
        .await
        .expect("a complete configuration")
}

async fn account(client: &Client) -> Result<Option<String>, aws_protocol::ApiError> {
    let sts: &dyn sts::Api = client;
    let input = sts::GetCallerIdentityRequest {};
    sts.get_caller_identity(&client.context(), input)
        .await
        .map(|it| it.account)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_and_an_empty_input_go_through() {
    let front = Front::start(Mode::Sigv4).await;
    let client = client(&front.url()).await;
    let context: Context = client.context();
    assert_eq!(
        account(&client).await.expect("it answers").as_deref(),
        Some("000000000000")
    );

    let tag = ecs::Tag {
        key: Some("a".to_owned()),
        value: Some("ü".to_owned()),
    };
    let input = ecs::CreateClusterRequest {
        cluster_name: Some("web".to_owned()),
        tags: Some(vec![tag.clone()]),
        ..ecs::CreateClusterRequest::default()
    };
    let cluster = ecs::Api::create_cluster(&client, &context, input)
        .await
        .expect("it answers")
        .cluster;
    let cluster = cluster.expect("a cluster");
    assert_eq!(
        cluster.cluster_arn.as_deref(),
        Some("arn:aws:ecs:eu-west-3:000000000000:cluster/web")
    );
    assert_eq!(cluster.tags, Some(vec![tag]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_times_and_tags_go_through_the_query_protocols() {
    let front = Front::start(Mode::Sigv4).await;
    let client = client(&front.url()).await;
    let context = client.context();
    let input = elbv2::CreateLoadBalancerInput {
        name: "x".to_owned(),
        security_groups: Some(vec!["sg-1".to_owned(), "sg-2".to_owned()]),
        ..elbv2::CreateLoadBalancerInput::default()
    };
    let output = elbv2::Api::create_load_balancer(&client, &context, input)
        .await
        .expect("it answers");
    let balancer = output
        .load_balancers
        .expect("a list")
        .pop()
        .expect("a load balancer");
    assert_eq!(
        balancer.security_groups,
        Some(vec!["sg-1".to_owned(), "sg-2".to_owned()])
    );
    assert_eq!(
        balancer.created_time.map(|it| it.as_second()),
        Some(1_767_225_600)
    );

    let input = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".to_owned()),
        tag_specifications: Some(vec![ec2::TagSpecification {
            resource_type: Some(ec2::ResourceType::Vpc),
            tags: Some(vec![ec2::Tag {
                key: Some("k".to_owned()),
                value: Some("<v>".to_owned()),
            }]),
        }]),
        ..ec2::CreateVpcRequest::default()
    };
    let vpc = ec2::Api::create_vpc(&client, &context, input)
        .await
        .expect("it answers")
        .vpc
        .expect("a VPC");
    assert_eq!(
        vpc.tags,
        Some(vec![ec2::Tag {
            key: Some("k".to_owned()),
            value: Some("<v>".to_owned())
        }])
    );

    let input = logs::CreateLogGroupRequest {
        log_group_name: "/a".to_owned(),
        ..Default::default()
    };
    logs::Api::create_log_group(&client, &context, input)
        .await
        .expect("it answers with nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_keeps_code_message_status_and_request_id() {
    let front = Front::start(Mode::Sigv4).await;
    let client = client(&front.url()).await;
    let context = client.context();

    let input = ecs::DescribeServicesRequest {
        services: vec!["a".to_owned()],
        ..Default::default()
    };
    let error = ecs::Api::describe_services(&client, &context, input)
        .await
        .expect_err("it is refused");
    assert_eq!(
        (error.code.as_str(), error.status),
        ("ClusterNotFoundException", 400)
    );
    assert_eq!(error.message, "Cluster not found.");
    assert!(error.request_id.is_some());

    let input = elbv2::DescribeLoadBalancersInput {
        names: Some(vec!["x".to_owned()]),
        ..Default::default()
    };
    let error = elbv2::Api::describe_load_balancers(&client, &context, input)
        .await
        .expect_err("it is refused");
    assert_eq!(error.code, "LoadBalancerNotFound");
    assert_eq!(error.message, "Load balancers '[<none> & \"more\"]' not found");
    assert!(error.request_id.is_some());

    let input = ec2::DeleteVpcRequest {
        vpc_id: "vpc-2".to_owned(),
        ..Default::default()
    };
    let error = ec2::Api::delete_vpc(&client, &context, input)
        .await
        .expect_err("it is refused");
    assert_eq!(error.code, "InvalidVpcID.NotFound");
    assert!(error.request_id.is_some());

    let input = iam::GetRoleRequest {
        role_name: "x".to_owned(),
    };
    let error = iam::Api::get_role(&client, &context, input)
        .await
        .expect_err("it is refused");
    assert_eq!((error.code.as_str(), error.status), ("NoSuchEntity", 404));

    let input = ecr::CreateRepositoryRequest {
        repository_name: "Upper".to_owned(),
        ..Default::default()
    };
    let error = ecr::Api::create_repository(&client, &context, input)
        .await
        .expect_err("it is refused");
    assert_eq!(error.code, "InvalidParameterException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_used_as_given() {
    let front = Front::start(Mode::Sigv4).await;
    let with = |credentials: Keys| Overrides {
        credentials: Some(credentials),
        ..overrides(&front.url())
    };
    let temporary = Client::from_environment(with(keys("ASIATEST", Some("token"))))
        .await
        .expect("complete");
    assert!(account(&temporary).await.is_ok());
    let nobody = Client::from_environment(with(keys("AKIANOBODY", None)))
        .await
        .expect("complete");
    assert_eq!(
        account(&nobody).await.expect_err("it is refused").code,
        "InvalidClientTokenId"
    );
    assert!(
        !format!("{:?}", keys("AKIATEST", None)).contains("secret\""),
        "a secret in a log"
    );
}

/// A clock that does not wait.
struct Hasty;

#[async_trait::async_trait]
impl Clock for Hasty {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now()
    }

    async fn sleep(&self, _: std::time::Duration) {}
}

/// Fails in this way until it has been asked so often, and keeps the bodies.
async fn flaky(
    failures: usize,
    status: StatusCode,
    body: &'static str,
) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let count = Arc::new(AtomicUsize::new(0));
    let router = axum::Router::new().fallback(move |given: String| async move {
        kept.lock().expect("no panic").push(given);
        if count.fetch_add(1, Ordering::SeqCst) < failures {
            return (status, body);
        }
        (StatusCode::OK, r#"{"cluster":{"clusterName":"web"},"tasks":[]}"#)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

async fn hasty(endpoint: &str) -> Client {
    let ids = Arc::new(SequentialIds::default());
    Client::from_parts(overrides(endpoint), Arc::new(Hasty), ids)
        .await
        .expect("a complete configuration")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_pass_is_tried_three_times() {
    let throttled = r#"{"__type":"com.amazonaws#ThrottlingException","message":"Rate exceeded"}"#;
    let unavailable = "<html>Service unavailable</html>";
    for (status, body, code) in [
        (StatusCode::SERVICE_UNAVAILABLE, unavailable, "503"),
        (StatusCode::BAD_REQUEST, throttled, "ThrottlingException"),
    ] {
        let create = |client: Client| async move {
            ecs::Api::create_cluster(&client, &client.context(), ecs::CreateClusterRequest::default()).await
        };
        let (url, seen) = flaky(2, status, body).await;
        create(hasty(&url).await).await.expect("the third try succeeds");
        assert_eq!(seen.lock().expect("no panic").len(), 3);
        let (url, seen) = flaky(3, status, body).await;
        let error = create(hasty(&url).await).await.expect_err("the third try fails");
        assert_eq!(error.code, code);
        assert_eq!(seen.lock().expect("no panic").len(), 3);
    }
    let (url, seen) = flaky(
        1,
        StatusCode::BAD_REQUEST,
        r#"{"__type":"ClientException","message":"no"}"#,
    )
    .await;
    let client = hasty(&url).await;
    let input = ecs::CreateClusterRequest::default();
    assert!(
        ecs::Api::create_cluster(&client, &client.context(), input)
            .await
            .is_err()
    );
    assert_eq!(seen.lock().expect("no panic").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_twice_carries_the_same_token() {
    let (url, seen) = flaky(1, StatusCode::INTERNAL_SERVER_ERROR, "").await;
    let client = hasty(&url).await;
    let input = ecs::RunTaskRequest {
        task_definition: "web".to_owned(),
        ..Default::default()
    };
    ecs::Api::run_task(&client, &client.context(), input.clone())
        .await
        .expect("the second try succeeds");
    ecs::Api::run_task(&client, &client.context(), input)
        .await
        .expect("it succeeds");
    let seen = seen.lock().expect("no panic").clone();
    assert!(
        seen[0].contains("\"clientToken\":\"00000000000000000000000000000001\""),
        "{seen:?}"
    );
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[1], seen[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_said_with_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    drop(listener);
    let error = account(&hasty(&url).await).await.expect_err("nobody listens");
    assert_eq!(error.code, UNREACHABLE);
    assert!(
        error.message.starts_with(&format!("{url}/ did not answer: ")),
        "{}",
        error.message
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_far_off_is_the_servers_to_refuse() {
    let front = Front::start(Mode::Sigv4).await;
    let clock = Arc::new(ManualClock::new(
        jiff::Timestamp::from_second(1_000_000_000).expect("in range"),
    ));
    let ids = Arc::new(SequentialIds::default());
    let client = Client::from_parts(overrides(&front.url()), clock, ids)
        .await
        .expect("complete");
    let error = account(&client).await.expect_err("it is refused");
    assert_eq!(error.code, "SignatureDoesNotMatch");
    assert!(
        error.message.starts_with("Signature expired: 20010909T014640Z"),
        "{}",
        error.message
    );
}

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A server in another process, ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_trusts_the_given_certificates_alone() {
    let folder = Folder::new("https");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/https.py");
    let mut child = Command::new("python3")
        .arg(script)
        .arg(&folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a port");
    let _server = Server(child);
    let url = format!("https://localhost:{}", line.trim());

    let strict = hasty(&url).await;
    let error = account(&strict)
        .await
        .expect_err("nobody vouches for the certificate");
    assert_eq!(error.code, UNREACHABLE);
    assert!(error.message.contains("certificate"), "{}", error.message);

    let ca_bundle = Some(folder.0.join("ca.pem"));
    let trusting = Client::from_environment(Overrides {
        ca_bundle,
        ..overrides(&url)
    })
    .await
    .expect("complete");
    assert_eq!(
        account(&trusting).await.expect("it is trusted").as_deref(),
        Some("999999999999")
    );

    for (name, text) in [
        ("empty.pem", ""),
        (
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let path = folder.0.join(name);
        std::fs::write(&path, text).expect("a scratch file");
        let wrong = Overrides {
            ca_bundle: Some(path),
            ..overrides(&url)
        };
        assert!(
            matches!(
                Client::from_environment(wrong).await,
                Err(ConfigError::CaBundle { .. })
            ),
            "{name}"
        );
    }
}

/// Runs in a process of its own, whose environment is the test below's.
#[tokio::test]
#[ignore = "started by the_standard_configuration_is_read"]
async fn prints_its_configuration() {
    let found = match Client::from_environment(Overrides::default()).await {
        Ok(client) => format!(
            "{} {} {}",
            client.region(),
            client.endpoint(&ecs::SERVICE).expect("a service"),
            client.endpoint(&elbv2::SERVICE).expect("a service")
        ),
        Err(error) => error.to_string(),
    };
    std::fs::write(std::env::var("FOUND").expect("where to write"), found).expect("a scratch file");
}

#[test]
fn the_standard_configuration_is_read() {
    let folder = Folder::new("configuration");
    let path = |name: &str| {
        folder
            .0
            .join(name)
            .to_str()
            .expect("a path that is text")
            .to_owned()
    };
    let config = "[default]\nregion = eu-north-1\n[profile local]\nregion = us-east-2\n\
                  endpoint_url = http://127.0.0.1:1\nservices = mine\n\
                  [services mine]\necs =\n  endpoint_url = http://127.0.0.1:2\n";
    std::fs::write(path("config"), config).expect("a scratch file");
    let credentials = "[default]\naws_access_key_id = A\naws_secret_access_key = B\n\
                       [local]\naws_access_key_id = A\naws_secret_access_key = B\n";
    std::fs::write(path("credentials"), credentials).expect("a scratch file");
    let run = |environment: &[(&str, &str)]| {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "client::prints_its_configuration", "--ignored"]);
        command
            .env_clear()
            .env("FOUND", path("found"))
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
            .env("AWS_CONFIG_FILE", path("config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", path("credentials"));
        command.envs(environment.iter().copied());
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        std::fs::read_to_string(path("found")).expect("what it found")
    };
    assert_eq!(
        run(&[]),
        "eu-north-1 https://ecs.eu-north-1.amazonaws.com/ https://elasticloadbalancing.eu-north-1.amazonaws.com/"
    );
    assert_eq!(
        run(&[("AWS_PROFILE", "local")]),
        "us-east-2 http://127.0.0.1:2/ http://127.0.0.1:1/"
    );
    assert_eq!(
        run(&[
            ("AWS_REGION", "sa-east-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:3")
        ]),
        "sa-east-1 http://127.0.0.1:3/ http://127.0.0.1:3/"
    );
    let own = ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://127.0.0.1:4");
    assert_eq!(
        run(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:3"), own]),
        "eu-north-1 http://127.0.0.1:3/ http://127.0.0.1:4/"
    );
    let nothing = ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    assert!(run(&[nothing]).starts_with("no AWS credentials were found"));
    assert!(run(&[("AWS_CONFIG_FILE", "/dev/null")]).starts_with("no AWS region is configured"));
}
