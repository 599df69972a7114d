//! Requests that botocore signed at a known time, as they are and changed.

use std::sync::Arc;

use aws_protocol::Protocol;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::*;

struct Keys;

impl Credentials for Keys {
    fn find(&self, access_key: &str) -> Option<Secret> {
        let session_token = match access_key {
            "AKIATEST" => None,
            "ASIATEST" => Some("token".to_owned()),
            _ => return None,
        };
        Some(Secret {
            secret_key: "secret".to_owned(),
            session_token,
            account: "000000000000".to_owned(),
            principal_arn: "arn:aws:iam::000000000000:root".to_owned(),
            expires: Some(signed_at() + SignedDuration::from_mins(4)),
        })
    }
}

fn signed_at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().expect("a time")
}

#[derive(Clone)]
struct Sample {
    method: &'static str,
    path: &'static str,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn sample(path: &'static str, query: &str, body: &str, headers: &[(&'static str, &str)]) -> Sample {
    let mut map = HeaderMap::new();
    for (name, value) in [("host", "127.0.0.1:4566")].iter().chain(headers) {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a value"),
        );
    }
    Sample {
        method: "POST",
        path,
        query: query.to_owned(),
        headers: map,
        body: body.as_bytes().to_vec(),
    }
}

fn authorization(key: &str, headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260102/eu-west-3/sts/aws4_request, SignedHeaders={headers}, \
         Signature={signature}"
    )
}

fn plain() -> Sample {
    let signature = "652d5ad0fd629a0882c901561f46d0fcd8e3193ddf72bb292c7a4a7a12f92d88";
    sample(
        "/",
        "",
        "Action=GetCallerIdentity&Version=2011-06-15",
        &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-amz-date", "20260102T030405Z"),
            (
                "authorization",
                &authorization("AKIATEST", "content-type;host;x-amz-date", signature),
            ),
        ],
    )
}

fn temporary() -> Sample {
    let signature = "e2f9cd9fa56ef7dfddf90ba36d15c8449cbcec315942e56a3593566a7c21a307";
    sample(
        "/",
        "",
        "x",
        &[
            ("x-amz-date", "20260102T030405Z"),
            ("x-amz-security-token", "token"),
            (
                "authorization",
                &authorization("ASIATEST", "host;x-amz-date;x-amz-security-token", signature),
            ),
        ],
    )
}

fn presigned() -> Sample {
    let query = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
                 X-Amz-Credential=AKIATEST%2F20260102%2Feu-west-3%2Fsts%2Faws4_request&X-Amz-Date=20260102T030405Z&\
                 X-Amz-Expires=60&X-Amz-SignedHeaders=host&\
                 X-Amz-Signature=3e057e0f7fd41c88b05e6e1bd0c1067e1026a33e9f9c5849381b6506eae12561";
    Sample {
        method: "GET",
        ..sample("/", query, "", &[])
    }
}

fn verify_at(sample: &Sample, mode: Mode, seconds: i64) -> Result<Identity, SignatureError> {
    let Sample {
        method,
        path,
        query,
        headers,
        body,
    } = sample;
    let request = Request {
        method,
        path,
        query,
        headers,
        body,
    };
    let claim = Claim::parse(&request)?;
    let now = signed_at() + SignedDuration::from_secs(seconds);
    Verifier::new(Arc::new(Keys), mode).verify(&claim, &request, "sts", now)
}

fn verify(sample: &Sample) -> Result<Identity, SignatureError> {
    verify_at(sample, Mode::Sigv4, 0)
}

#[test]
fn what_botocore_signed_is_believed() {
    let signature = "1b91bfb8e39efd4952bb25d5052838b4b0ffe415433f4e1c49ecc135d74ba9e8";
    let odd = sample(
        "/a%20b/../c//d%2Fe/",
        "b=2&a=%20x%2B&a=1&empty=",
        "",
        &[
            ("x-spaces", "a   b  "),
            ("x-amz-date", "20260102T030405Z"),
            (
                "authorization",
                &authorization("AKIATEST", "host;x-amz-date;x-spaces", signature),
            ),
        ],
    );
    for sample in [plain(), temporary(), presigned(), odd] {
        assert_eq!(
            verify(&sample).expect("it is right").account,
            "000000000000",
            "{:?}",
            sample.headers
        );
    }
}

#[test]
fn time_counts_to_the_second() {
    for (sample, seconds, good) in [
        (plain(), 300, false),
        (plain(), 239, true),
        (plain(), -300, true),
        (plain(), -301, false),
        (presigned(), 60, true),
        (presigned(), 61, false),
        (presigned(), -301, false),
    ] {
        assert_eq!(
            verify_at(&sample, Mode::Sigv4, seconds).is_ok(),
            good,
            "{seconds}"
        );
    }
    assert_eq!(
        verify_at(&plain(), Mode::Sigv4, 240),
        Err(SignatureError::TokenExpired)
    );
    let late = verify_at(&plain(), Mode::Sigv4, 360)
        .expect_err("it is late")
        .to_string();
    assert_eq!(
        late,
        "Signature expired: 20260102T030405Z is now earlier than 20260102T030505Z (20260102T031005Z - 5 min.)"
    );
    let early = verify_at(&plain(), Mode::Sigv4, -360)
        .expect_err("it is early")
        .to_string();
    assert_eq!(
        early,
        "Signature not yet current: 20260102T030405Z is still later than 20260102T030305Z (20260102T025805Z + 5 min.)"
    );
}

#[test]
fn every_change_is_seen() {
    let change = |edit: &dyn Fn(&mut Sample)| {
        let mut sample = plain();
        edit(&mut sample);
        verify(&sample)
    };
    assert_eq!(change(&|it| it.method = "PUT"), Err(SignatureError::Mismatch));
    assert_eq!(change(&|it| it.path = "/x"), Err(SignatureError::Mismatch));
    assert_eq!(
        change(&|it| it.query.push_str("a=b")),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(change(&|it| it.body.push(b' ')), Err(SignatureError::Mismatch));
    assert_eq!(
        change(&|it| {
            it.headers
                .append("content-type", HeaderValue::from_static("text/plain"));
        }),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        change(&|it| drop(it.headers.insert("x-amz-target", HeaderValue::from_static("A.B")))),
        Err(SignatureError::Unsigned("'x-amz-target'".to_owned()))
    );
    let presigned_change = |from: &str, to: &str| {
        let mut sample = presigned();
        assert!(sample.query.contains(from));
        sample.query = sample.query.replace(from, to);
        verify(&sample)
    };
    assert_eq!(
        presigned_change("Expires=60", "Expires=600"),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        presigned_change("GetCallerIdentity", "GetSessionToken"),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        presigned_change("Expires=60", "Expires=-1"),
        Err(SignatureError::Expires)
    );
    assert_eq!(
        presigned_change("SignedHeaders=host", "SignedHeaders=x-host"),
        Err(SignatureError::Unsigned("'Host' or ':authority'".to_owned()))
    );
}

#[test]
fn another_service_is_refused_in_both_modes() {
    let Sample {
        method,
        path,
        query,
        headers,
        body,
    } = &plain();
    let request = Request {
        method,
        path,
        query,
        headers,
        body,
    };
    let claim = Claim::parse(&request).expect("it is well formed");
    for mode in [Mode::Sigv4, Mode::Open] {
        let found = Verifier::new(Arc::new(Keys), mode).verify(&claim, &request, "ecs", signed_at());
        assert_eq!(
            found,
            Err(SignatureError::ScopeService {
                expected: "ecs".to_owned()
            })
        );
    }
}

#[test]
fn open_mode_reads_the_account_from_the_key() {
    let with = |key: &str| {
        let mut sample = plain();
        let value = authorization(key, "content-type;host;x-amz-date", "00");
        sample
            .headers
            .insert("authorization", HeaderValue::from_str(&value).expect("a value"));
        verify_at(&sample, Mode::Open, 1_000_000)
            .expect("it is well formed")
            .account
    };
    assert_eq!(with("111122223333"), "111122223333");
    for key in ["AKIATEST", "test", "11112222333", "1111222233334", "11112222333x"] {
        assert_eq!(with(key), OPEN_ACCOUNT);
    }
    assert_eq!(with("ASIATEST"), "000000000000");
}

#[test]
fn what_is_no_signature_is_told_apart() {
    let with = |value: &str| {
        let mut sample = plain();
        sample
            .headers
            .insert("authorization", HeaderValue::from_str(value).expect("a value"));
        verify(&sample)
    };
    let mut bare = plain();
    bare.headers.remove("authorization");
    assert_eq!(verify(&bare), Err(SignatureError::Missing));
    for value in [
        "",
        "Basic x",
        "AWS4-HMAC-SHA256X a=b",
        "AWS4-ECDSA-P256-SHA256 Credential=x",
    ] {
        assert_eq!(with(value), Err(SignatureError::Missing), "{value}");
    }
    let good = authorization("AKIATEST", "content-type;host;x-amz-date", "00");
    let text = with("AWS4-HMAC-SHA256 ").expect_err("it is empty").to_string();
    assert!(text.starts_with(
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature'"
    ));
    let text = with("AWS4-HMAC-SHA256 nonsense")
        .expect_err("no pairs")
        .to_string();
    assert!(
        text.starts_with("'nonsense' not a valid key=value pair (missing equal-sign)"),
        "{text}"
    );
    for (from, to) in [
        ("/sts/", "/"),
        ("eu-west-3", ""),
        ("eu-west-3", "Eu"),
        ("AKIATEST", ""),
        ("eu-west-3", "../.."),
    ] {
        assert!(
            matches!(with(&good.replace(from, to)), Err(SignatureError::Credential(_))),
            "{from} {to}"
        );
    }
    assert!(matches!(
        with(&good.replace("aws4_request", "aws4")),
        Err(SignatureError::Terminator(_))
    ));
    assert!(matches!(
        with(&good.replace("20260102", "20260103")),
        Err(SignatureError::ScopeDate { .. })
    ));
    assert!(matches!(
        with(&good.replace("20260102", "2026")),
        Err(SignatureError::ScopeDate { .. })
    ));
    let mut sample = plain();
    sample
        .headers
        .insert("x-amz-date", HeaderValue::from_static("2026-01-02T03:04:05Z"));
    assert!(matches!(verify(&sample), Err(SignatureError::Date(_))));
}

#[test]
fn answers_never_name_the_secret() {
    for error in [
        SignatureError::Mismatch,
        SignatureError::UnknownKey,
        SignatureError::Token,
    ] {
        for protocol in [Protocol::Json, Protocol::Query, Protocol::Ec2, Protocol::RestXml] {
            assert!(!format!("{:?}", error.answer(protocol)).contains("secret\""));
        }
    }
    assert!(!format!("{:?}", Keys.find("AKIATEST")).contains("secret\""));
}
