//! Secrets Manager, through its own interface.

use std::time::Duration;

use aws_protocol::ApiError;
use aws_shape::secretsmanager::*;
use base_reconcile::{Outcome, Reconciler as _};

use super::{World, with_key, world};
use crate::{Deletions, SECRET_VALUES, SECRETS};

const TOKEN: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl World {
    async fn create(&self, name: &str, value: Option<&str>) -> Result<CreateSecretResponse, ApiError> {
        let input = CreateSecretRequest {
            name: name.into(),
            secret_string: value.map(str::to_owned),
            client_request_token: Some(TOKEN.into()),
            ..Default::default()
        };
        self.secrets.create_secret(&self.context, input).await
    }

    async fn put(
        &self,
        id: &str,
        token: &str,
        value: &str,
        stages: &[&str],
    ) -> Result<Vec<String>, ApiError> {
        let stages: Vec<String> = stages.iter().map(|it| (*it).to_owned()).collect();
        let input = PutSecretValueRequest {
            secret_id: id.into(),
            client_request_token: Some(token.into()),
            secret_string: Some(value.into()),
            version_stages: (!stages.is_empty()).then_some(stages),
            ..Default::default()
        };
        let answer = self.secrets.put_secret_value(&self.context, input).await?;
        Ok(answer.version_stages.unwrap())
    }

    async fn get(&self, id: &str, version: Option<&str>, stage: Option<&str>) -> Result<String, String> {
        let input = GetSecretValueRequest {
            secret_id: id.into(),
            version_id: version.map(str::to_owned),
            version_stage: stage.map(str::to_owned),
        };
        let answer = self.secrets.get_secret_value(&self.context, input).await;
        answer
            .map(|it| it.secret_string.unwrap())
            .map_err(|error| error.to_string())
    }

    async fn describe(&self, id: &str) -> Result<DescribeSecretResponse, ApiError> {
        let input = DescribeSecretRequest { secret_id: id.into() };
        self.secrets.describe_secret(&self.context, input).await
    }

    async fn delete(
        &self,
        id: &str,
        days: Option<i64>,
        force: bool,
    ) -> Result<DeleteSecretResponse, ApiError> {
        let input = DeleteSecretRequest {
            secret_id: id.into(),
            recovery_window_in_days: days,
            force_delete_without_recovery: force.then_some(true),
        };
        self.secrets.delete_secret(&self.context, input).await
    }

    async fn names(&self, key: FilterNameStringType, value: &str) -> Vec<String> {
        let input = ListSecretsRequest {
            filters: Some(vec![Filter {
                key: Some(key),
                values: Some(vec![value.into()]),
            }]),
            ..Default::default()
        };
        let answer = self.secrets.list_secrets(&self.context, input).await.unwrap();
        let list = answer.secret_list.unwrap().into_iter();
        list.filter_map(|secret| secret.name).collect()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn a_secret_is_found_by_name_arn_and_partial_arn() {
    let world = world();
    let made = world.create("prod/db-main", Some("hunter2")).await.unwrap();
    let arn = made.arn.unwrap();
    let (head, suffix) = arn.rsplit_once('-').unwrap();
    assert_eq!(
        head,
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-main"
    );
    assert_eq!(suffix.len(), 6);
    assert_eq!(made.version_id.as_deref(), Some(TOKEN));
    for id in ["prod/db-main", &arn, head] {
        assert_eq!(world.get(id, None, None).await.unwrap(), "hunter2", "{id}");
    }
    let missing = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    for id in [
        "prod/db",
        &format!("{head}-AAAAAA"),
        "arn:aws:secretsmanager:eu-west-1:000000000000:secret:prod/db-main",
    ] {
        assert_eq!(world.get(id, None, None).await.unwrap_err(), missing, "{id}");
    }
    assert_eq!(
        code(world.create("bad name", None).await),
        "ValidationException: Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
         following: -/_+=.@!"
    );
}

#[tokio::test]
async fn values_are_sealed_and_open_with_their_key_only() {
    let world = world();
    world.create("a", Some("hunter2")).await.unwrap();
    let rows = world.store.snapshot().list(SECRET_VALUES);
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].1.0.contains("hunter2"));
    let stranger = with_key(&world.store, &world.clock, 8);
    let input = GetSecretValueRequest {
        secret_id: "a".into(),
        ..Default::default()
    };
    let error = stranger
        .get_secret_value(&world.context, input)
        .await
        .unwrap_err();
    assert_eq!(error.code, "DecryptionFailure");
}

#[tokio::test]
async fn binary_values_come_back_as_bytes() {
    let world = world();
    let input = CreateSecretRequest {
        name: "b".into(),
        secret_binary: Some(vec![0, 255, 1]),
        ..Default::default()
    };
    world.secrets.create_secret(&world.context, input).await.unwrap();
    let input = GetSecretValueRequest {
        secret_id: "b".into(),
        ..Default::default()
    };
    let answer = world
        .secrets
        .get_secret_value(&world.context, input)
        .await
        .unwrap();
    assert_eq!(
        (answer.secret_binary, answer.secret_string),
        (Some(vec![0, 255, 1]), None)
    );
    let both = CreateSecretRequest {
        name: "c".into(),
        secret_binary: Some(vec![1]),
        secret_string: Some("x".into()),
        ..Default::default()
    };
    assert!(
        code(world.secrets.create_secret(&world.context, both).await)
            .starts_with("InvalidParameterException: ")
    );
}

#[tokio::test]
async fn a_token_makes_one_version() {
    let world = world();
    let first = world.create("a", Some("1")).await.unwrap();
    assert_eq!(
        world.create("a", Some("1")).await.unwrap(),
        first,
        "the same request again"
    );
    assert!(code(world.create("a", Some("2")).await).contains("You can't use ClientRequestToken"));
    assert_eq!(
        code(world.create("a", None).await),
        "ResourceExistsException: The operation failed because the secret a already exists."
    );
    assert_eq!(world.put("a", OTHER, "2", &[]).await.unwrap(), ["AWSCURRENT"]);
    assert_eq!(world.put("a", OTHER, "2", &[]).await.unwrap(), ["AWSCURRENT"]);
    assert!(code(world.put("a", OTHER, "3", &[]).await).starts_with("ResourceExistsException: "));
}

#[tokio::test]
async fn labels_move_from_version_to_version() {
    let world = world();
    world.create("a", Some("1")).await.unwrap();
    world.put("a", OTHER, "2", &["AWSPENDING"]).await.unwrap();
    assert_eq!(world.get("a", None, None).await.unwrap(), "1");
    assert_eq!(world.get("a", None, Some("AWSPENDING")).await.unwrap(), "2");
    assert_eq!(
        world.get("a", Some(TOKEN), Some("AWSPENDING")).await.unwrap_err(),
        "InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId."
    );
    let promote = |from: Option<&str>| UpdateSecretVersionStageRequest {
        secret_id: "a".into(),
        version_stage: "AWSCURRENT".into(),
        remove_from_version_id: from.map(str::to_owned),
        move_to_version_id: Some(OTHER.into()),
    };
    let change = |input| world.secrets.update_secret_version_stage(&world.context, input);
    assert!(code(change(promote(None)).await).contains("RemoveFromVersionId can't be empty"));
    change(promote(Some(TOKEN))).await.unwrap();
    assert_eq!(world.get("a", None, None).await.unwrap(), "2");
    assert_eq!(world.get("a", None, Some("AWSPREVIOUS")).await.unwrap(), "1");
    let stages = world.describe("a").await.unwrap().version_ids_to_stages.unwrap();
    assert_eq!(stages[OTHER], ["AWSPENDING", "AWSCURRENT"]);
    assert_eq!(stages[TOKEN], ["AWSPREVIOUS"]);
    // A third version pushes the first one out of every label.
    world.put("a", &TOKEN.replace('1', "3"), "3", &[]).await.unwrap();
    assert!(
        !world
            .describe("a")
            .await
            .unwrap()
            .version_ids_to_stages
            .unwrap()
            .contains_key(TOKEN)
    );
    assert_eq!(
        world.get("a", Some(TOKEN), None).await.unwrap(),
        "1",
        "deprecated, not gone"
    );
    let remove = UpdateSecretVersionStageRequest {
        remove_from_version_id: Some(TOKEN.replace('1', "3")),
        move_to_version_id: None,
        ..promote(None)
    };
    assert!(code(change(remove).await).contains("can't be completely removed"));
}

#[tokio::test]
async fn old_versions_make_room() {
    let world = world();
    world.create("a", Some("0")).await.unwrap();
    for n in 0..105 {
        world.put("a", &format!("{n:032}"), "v", &[]).await.unwrap();
    }
    assert_eq!(world.store.snapshot().list(SECRET_VALUES).len(), 100);
    assert!(
        world
            .get("a", Some(TOKEN), None)
            .await
            .unwrap_err()
            .starts_with("ResourceNotFoundException")
    );
}

#[tokio::test]
async fn deletion_can_be_undone_until_it_is_due() {
    let world = world();
    world.create("a", Some("1")).await.unwrap();
    assert!(code(world.delete("a", Some(6), false).await).contains("between 7 and 30 days"));
    assert!(code(world.delete("a", Some(7), true).await).contains("in conjunction with"));
    let at = world
        .delete("a", Some(7), false)
        .await
        .unwrap()
        .deletion_date
        .unwrap();
    assert_eq!(at.to_string(), "2026-01-08T12:00:00Z");
    let marked = "InvalidRequestException: You can't perform this operation on the secret because it was marked for \
                  deletion.";
    assert_eq!(world.get("a", None, None).await.unwrap_err(), marked);
    assert!(code(world.create("a", Some("1")).await).contains("already scheduled for deletion"));
    assert!(code(world.delete("a", None, false).await).contains("already scheduled for deletion"));
    assert_eq!(world.describe("a").await.unwrap().deleted_date, Some(at));
    assert!(world.names(FilterNameStringType::Name, "a").await.is_empty());
    let restore = RestoreSecretRequest {
        secret_id: "a".into(),
    };
    world
        .secrets
        .restore_secret(&world.context, restore)
        .await
        .unwrap();
    assert_eq!(world.get("a", None, None).await.unwrap(), "1");

    let deletions = Deletions::new(world.secrets.clone());
    assert_eq!(deletions.activate().await.unwrap(), Outcome::Settled);
    world.delete("a", Some(7), false).await.unwrap();
    assert_eq!(deletions.activate().await.unwrap(), Outcome::Until(at));
    world.clock.advance(DAY * 7);
    assert_eq!(deletions.activate().await.unwrap(), Outcome::Again);
    assert!(world.store.snapshot().list(SECRETS).is_empty());
    assert!(world.store.snapshot().list(SECRET_VALUES).is_empty());
}

#[tokio::test]
async fn a_forced_deletion_is_at_once_and_repeatable() {
    let world = world();
    world.create("a", Some("1")).await.unwrap();
    world.create("ab", Some("1")).await.unwrap();
    world.delete("a", None, true).await.unwrap();
    world.delete("a", None, true).await.unwrap();
    assert_eq!(
        code(world.delete("a", None, false).await),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    );
    assert_eq!(
        world.store.snapshot().list(SECRET_VALUES).len(),
        1,
        "another one's value stays"
    );
    let again = world.create("a", Some("2")).await.unwrap();
    assert_eq!(world.get(&again.arn.unwrap(), None, None).await.unwrap(), "2");
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let world = world();
    for (name, description, tag) in [("app/db", "The Database", "one"), ("app/key", "signing", "two")] {
        let input = CreateSecretRequest {
            name: name.into(),
            description: Some(description.into()),
            tags: Some(vec![Tag {
                key: Some("team".into()),
                value: Some(tag.into()),
            }]),
            ..Default::default()
        };
        world.secrets.create_secret(&world.context, input).await.unwrap();
    }
    use FilterNameStringType as Key;
    assert_eq!(world.names(Key::Name, "app/").await, ["app/db", "app/key"]);
    assert_eq!(world.names(Key::Name, "!app/d").await, ["app/key"]);
    assert_eq!(world.names(Key::Description, "database").await, ["app/db"]);
    assert_eq!(world.names(Key::TagKey, "te").await.len(), 2);
    assert_eq!(world.names(Key::TagValue, "two").await, ["app/key"]);
    assert_eq!(world.names(Key::All, "app SIGN").await, ["app/key"]);
    assert!(world.names(Key::OwningService, "x").await.is_empty());
    assert_eq!(
        world.get("app/db", None, None).await.unwrap_err(),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    );
}

#[tokio::test]
async fn a_batch_tells_what_it_could_not_read() {
    let world = world();
    world.create("a", Some("1")).await.unwrap();
    let input = BatchGetSecretValueRequest {
        secret_id_list: Some(vec!["a".into(), "b".into()]),
        ..Default::default()
    };
    let answer = world
        .secrets
        .batch_get_secret_value(&world.context, input)
        .await
        .unwrap();
    assert_eq!(
        answer.secret_values.unwrap()[0].secret_string.as_deref(),
        Some("1")
    );
    assert_eq!(
        answer.errors.unwrap()[0].error_code.as_deref(),
        Some("ResourceNotFoundException")
    );
}

#[tokio::test]
async fn the_day_of_the_last_look_is_remembered() {
    let world = world();
    world.create("a", Some("1")).await.unwrap();
    assert_eq!(world.describe("a").await.unwrap().last_accessed_date, None);
    world.get("a", None, None).await.unwrap();
    let commit = world.store.snapshot().commit();
    world.get("a", None, None).await.unwrap();
    assert_eq!(world.store.snapshot().commit(), commit, "one write a day");
    let day = world.describe("a").await.unwrap().last_accessed_date.unwrap();
    assert_eq!(day.to_string(), "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn passwords_have_what_was_asked_for() {
    let world = world();
    let make = |input| world.secrets.get_random_password(&world.context, input);
    for _ in 0..50 {
        let input = GetRandomPasswordRequest {
            password_length: Some(4),
            ..Default::default()
        };
        let password = make(input).await.unwrap().random_password.unwrap();
        for kind in [char::is_lowercase, char::is_uppercase, char::is_numeric] {
            assert!(password.chars().any(kind), "{password}");
        }
        assert!(password.chars().any(|it| it.is_ascii_punctuation()), "{password}");
    }
    let input = GetRandomPasswordRequest {
        exclude_punctuation: Some(true),
        exclude_uppercase: Some(true),
        exclude_lowercase: Some(true),
        exclude_characters: Some("012345678".into()),
        ..Default::default()
    };
    assert_eq!(
        make(input).await.unwrap().random_password.unwrap(),
        "9".repeat(32)
    );
    let short = GetRandomPasswordRequest {
        password_length: Some(3),
        ..Default::default()
    };
    assert!(code(make(short).await).contains("too short"));
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = world();
    world.create("a", None).await.unwrap();
    let tag = |key: &str| Tag {
        key: Some(key.into()),
        value: Some("v".into()),
    };
    let input = TagResourceRequest {
        secret_id: "a".into(),
        tags: vec![tag("x"), tag("y")],
    };
    world.secrets.tag_resource(&world.context, input).await.unwrap();
    let input = UntagResourceRequest {
        secret_id: "a".into(),
        tag_keys: vec!["x".into()],
    };
    world.secrets.untag_resource(&world.context, input).await.unwrap();
    assert_eq!(world.describe("a").await.unwrap().tags, Some(vec![tag("y")]));
    let input = TagResourceRequest {
        secret_id: "a".into(),
        tags: vec![tag("aws:x")],
    };
    assert!(
        code(world.secrets.tag_resource(&world.context, input).await)
            .starts_with("InvalidParameterException")
    );
}
