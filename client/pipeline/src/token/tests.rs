use std::os::unix::fs::PermissionsExt as _;

use base_workflow::Value as Is;
use jsonwebtoken::{DecodingKey, Validation, decode};

use super::*;

fn github(event: &str) -> base_workflow::Map {
    let fields = [
        ("repository", "team/app"),
        ("repository_owner", "team"),
        ("ref", "refs/heads/main"),
        ("event_name", event),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), Is::Text(value.to_owned())))
        .into_iter()
        .collect()
}

#[test]
fn subjects_are_written_as_github_writes_them() {
    let subject = |event: &str, environment: Option<&str>| claims(&github(event), environment)["sub"].clone();
    assert_eq!(subject("push", None), "repo:team/app:ref:refs/heads/main");
    assert_eq!(subject("pull_request", None), "repo:team/app:pull_request");
    assert_eq!(
        subject("push", Some("prod:eu")),
        "repo:team/app:environment:prod%3Aeu"
    );
    assert_eq!(claims(&github("push"), Some("prod:eu"))["environment"], "prod:eu");
    assert_eq!(claims(&github("push"), None)["aud"], "https://github.com/team");
}

#[test]
fn the_key_is_made_once_for_its_owner_and_its_public_half_follows_it() {
    let home = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let home = home.path().to_owned();
            std::thread::spawn(move || prepare(&home))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap().unwrap());
    let mode = fs::metadata(private_path(home.path()))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = fs::read(public_key_path(home.path())).unwrap();
    prepare(home.path()).unwrap();
    assert_eq!(fs::read(public_key_path(home.path())).unwrap(), first);
    fs::remove_file(private_path(home.path())).unwrap();
    prepare(home.path()).unwrap();
    assert_ne!(fs::read(public_key_path(home.path())).unwrap(), first);
}

#[tokio::test]
async fn tokens_are_for_whoever_has_the_jobs_bearer() {
    let home = tempfile::tempdir().unwrap();
    let clock = Arc::new(base_clock::SystemClock);
    let said = claims(&github("push"), None);
    let door = Door::open(home.path(), said, clock, Arc::new(base_id::RandomIds)).unwrap();
    let [(_, url), (_, bearer)] = door.variables();
    let ask = async |bearer: &str, query: &str| {
        let mut curl = tokio::process::Command::new("curl");
        curl.args([
            "-s",
            "--noproxy",
            "*",
            "-H",
            &format!("Authorization: bearer {bearer}"),
            &format!("{url}{query}"),
        ]);
        let answer = curl.output().await.unwrap().stdout;
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    assert!(ask("wrong", "").await["value"].is_null());
    let answer = ask(&bearer, "&audience=sts.amazonaws.com").await;
    let key = DecodingKey::from_rsa_pem(&fs::read(public_key_path(home.path())).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["sts.amazonaws.com"]);
    validation.set_issuer(&[ISSUER]);
    let token = decode::<Map<String, Value>>(answer["value"].as_str().unwrap(), &key, &validation).unwrap();
    assert_eq!(token.claims["sub"], "repo:team/app:ref:refs/heads/main");
}
