//! Every served operation's messages against botocore's own serialisers and parsers, both ways.

use std::path::{Path, PathBuf};

use aws_protocol::rest::{self, Incoming};
use aws_protocol::{OperationSchema, Place, Protocol, ServiceSchema, Value, cbor, client, server};
use aws_shape::{
    acm, applicationautoscaling, autoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53,
    secretsmanager, servicediscovery, ssm, sts,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use test_conformance::plain::{from_plain, to_plain};
use test_conformance::python;

/// Operations that answer with events as they happen: frames in a body that goes on, not one message.
const STREAMS: [&str; 1] = ["StartLiveTail"];

const SERVICES: [&ServiceSchema; 15] = [
    &acm::SERVICE,
    &applicationautoscaling::SERVICE,
    &autoscaling::SERVICE,
    &cloudwatch::SERVICE,
    &ec2::SERVICE,
    &ecr::SERVICE,
    &ecs::SERVICE,
    &elbv2::SERVICE,
    &iam::SERVICE,
    &logs::SERVICE,
    &route53::SERVICE,
    &secretsmanager::SERVICE,
    &servicediscovery::SERVICE,
    &ssm::SERVICE,
    &sts::SERVICE,
];

/// As botocore calls them.
const PROTOCOLS: [(&str, Protocol); 5] = [
    ("json", Protocol::Json),
    ("query", Protocol::Query),
    ("ec2", Protocol::Ec2),
    ("rest-xml", Protocol::RestXml),
    ("smithy-rpc-v2-cbor", Protocol::Cbor),
];

fn served() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("aws/model/served.txt")
        .to_str()
        .expect("a path that is text")
        .to_owned()
}

struct Sample {
    service: &'static ServiceSchema,
    protocol: Protocol,
    operation: &'static OperationSchema,
    input: Json,
    output: Json,
    method: String,
    path: String,
    query: String,
    request: Vec<u8>,
}

impl Sample {
    fn name(&self) -> String {
        format!(
            "{} {} in {:?}",
            self.service.name, self.operation.name, self.protocol
        )
    }

    fn answer(&self) -> server::Response {
        let output = value(self.operation.output, &self.output);
        server::encode_response(self.service, self.protocol, self.operation, "id", &output)
    }
}

fn samples() -> Vec<Sample> {
    let lines = python::run("messages.py", &["samples", &served()], &[]);
    let samples: Vec<Sample> = lines
        .lines()
        .map(|line| {
            let json: Json = serde_json::from_str(line).expect("a line of JSON");
            let text = |name: &str| json[name].as_str().expect("a text").to_owned();
            let service = SERVICES
                .into_iter()
                .find(|it| it.name == text("service"))
                .expect("a service");
            Sample {
                service,
                protocol: protocol(&text("protocol")),
                operation: service.operation(&text("operation")).expect("an operation"),
                input: json["input"].clone(),
                output: json["output"].clone(),
                method: text("method"),
                path: text("path"),
                query: text("query"),
                request: STANDARD.decode(text("request")).expect("base64"),
            }
        })
        .collect();
    for it in SERVICES {
        let of_service = samples.iter().filter(|sample| std::ptr::eq(sample.service, it));
        let of_protocol = of_service.filter(|sample| sample.protocol == it.protocol);
        assert_eq!(
            of_protocol.count(),
            it.operations
                .iter()
                .filter(|one| !STREAMS.contains(&one.name))
                .count(),
            "a sample for every operation of {}",
            it.name
        );
    }
    samples
}

fn protocol(name: &str) -> Protocol {
    *PROTOCOLS
        .iter()
        .find_map(|(it, protocol)| (*it == name).then_some(protocol))
        .expect("a protocol")
}

fn value(schema: Option<&'static aws_protocol::Schema>, json: &Json) -> Value {
    schema.map_or_else(Value::default, |schema| from_plain(schema, json))
}

/// Hands records to the Python half.
fn hand(what: &str, records: &[Json]) {
    let file = Scratch::new(what);
    let lines: Vec<String> = records.iter().map(Json::to_string).collect();
    std::fs::write(&file.0, lines.join("\n")).expect("a scratch file");
    python::run(
        "messages.py",
        &[what, file.0.to_str().expect("a path that is text"), &served()],
        &[],
    );
}

/// A file that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("wharf-conformance-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn body(it: &Sample, body: &[u8]) -> Json {
    let (protocol, _) = PROTOCOLS
        .iter()
        .find(|(_, known)| *known == it.protocol)
        .expect("a protocol");
    json!({ "service": it.service.name, "protocol": protocol, "operation": it.operation.name, "body": STANDARD.encode(body) })
}

#[test]
fn what_botocore_writes_is_read_as_it_was_meant() {
    for it in samples() {
        let name = it.name();
        let incoming = Incoming {
            message: &it.request,
            path: &it.path,
            query: &it.query,
        };
        let found = server::decode_request(it.service, it.protocol, it.operation, incoming)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(to_plain(&found), it.input, "{name}");
    }
}

#[test]
fn where_botocore_sends_a_request_says_which_operation_it_is() {
    for it in samples() {
        match it.protocol {
            Protocol::Cbor => {
                let found = cbor::target("POST", &it.path);
                assert_eq!(found, Some((it.service.target_prefix, it.operation.name)));
            }
            Protocol::RestXml => {
                let found = rest::find(it.service, &it.method, &it.path).map(|it| it.name);
                assert_eq!(found, Some(it.operation.name), "{} {}", it.method, it.path);
            }
            _ => assert_eq!(
                (it.method.as_str(), it.path.as_str()),
                ("POST", "/"),
                "{}",
                it.name()
            ),
        }
    }
}

#[test]
fn botocore_reads_what_the_server_writes() {
    let answers: Vec<Json> = samples()
        .iter()
        .map(|it| {
            let answer = it.answer();
            let mut record = body(it, &answer.body);
            record["status"] = json!(answer.status);
            record["headers"] = json!(answer.headers);
            record
        })
        .collect();
    hand("parse", &answers);
}

#[test]
fn the_client_writes_what_botocore_writes() {
    let requests: Vec<Json> = samples()
        .iter()
        .filter(|it| it.protocol == it.service.protocol)
        .map(|it| {
            let input = value(it.operation.input, &it.input);
            let request = client::encode_request(it.service, it.operation, &input);
            let mut record = body(it, &request.body);
            record["method"] = json!(request.method);
            record["url"] = json!(request.path);
            record
        })
        .collect();
    hand("requests", &requests);
}

#[test]
fn the_client_reads_what_the_server_writes() {
    for mut it in samples()
        .into_iter()
        .filter(|it| it.protocol == it.service.protocol)
    {
        let (name, answer) = (it.name(), it.answer());
        let found =
            client::decode_response(it.service, it.operation, answer.status, None, None, &answer.body)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        // The client half reads bodies only: what a header says, where a thing is, its body says too.
        let members = it.operation.output.map_or(&[][..], |it| it.members());
        for header in members.iter().filter(|it| it.place == Some(Place::Header)) {
            let output = it.output.as_object_mut().expect("a structure");
            assert!(output.remove(header.name).is_some(), "{name}");
        }
        assert_eq!(to_plain(&found), it.output, "{name}");
    }
}
