//! Parameter Store, through its own interface.

use aws_protocol::ApiError;
use aws_shape::{secretsmanager, ssm::*};

use super::{World, world};
use crate::PARAMETER_VALUES;

fn put(name: &str, value: &str) -> PutParameterRequest {
    PutParameterRequest {
        name: name.into(),
        value: value.into(),
        type_: Some(ParameterType::String),
        ..Default::default()
    }
}

fn over(name: &str, value: &str) -> PutParameterRequest {
    PutParameterRequest {
        type_: None,
        overwrite: Some(true),
        ..put(name, value)
    }
}

fn secure(name: &str, value: &str) -> PutParameterRequest {
    PutParameterRequest {
        type_: Some(ParameterType::SecureString),
        ..put(name, value)
    }
}

fn filter(key: &str, option: Option<&str>, values: &[&str]) -> ParameterStringFilter {
    ParameterStringFilter {
        key: key.into(),
        option: option.map(str::to_owned),
        values: Some(values.iter().map(|it| (*it).to_owned()).collect()),
    }
}

impl World {
    async fn store(&self, input: PutParameterRequest) -> Result<i64, String> {
        let answer = self.secrets.put_parameter(&self.context, input).await;
        answer
            .map(|it| it.version.unwrap())
            .map_err(|error| error.to_string())
    }

    async fn read(&self, name: &str, decrypt: bool) -> Result<Parameter, String> {
        let input = GetParameterRequest {
            name: name.into(),
            with_decryption: Some(decrypt),
        };
        let answer = self.secrets.get_parameter(&self.context, input).await;
        answer
            .map(|it| it.parameter.unwrap())
            .map_err(|error| error.to_string())
    }

    async fn value(&self, name: &str) -> Result<String, String> {
        self.read(name, true).await.map(|it| it.value.unwrap())
    }

    async fn below(
        &self,
        path: &str,
        recursive: bool,
        filters: Vec<ParameterStringFilter>,
    ) -> Result<Vec<String>, String> {
        let (mut names, mut next_token) = (vec![], None);
        loop {
            let input = GetParametersByPathRequest {
                path: path.into(),
                recursive: Some(recursive),
                parameter_filters: (!filters.is_empty()).then(|| filters.clone()),
                with_decryption: Some(true),
                max_results: Some(2),
                next_token,
            };
            let answer = self.secrets.get_parameters_by_path(&self.context, input).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let page = answer.parameters.unwrap().into_iter();
            names.extend(page.map(|it| {
                it.selector
                    .map_or(it.name.clone().unwrap(), |selector| it.name.unwrap() + &selector)
            }));
            match answer.next_token {
                Some(token) => next_token = Some(token),
                None => return Ok(names),
            }
        }
    }

    async fn described(&self, filter: ParameterStringFilter) -> Result<Vec<String>, ApiError> {
        let input = DescribeParametersRequest {
            parameter_filters: Some(vec![filter]),
            ..Default::default()
        };
        let answer = self.secrets.describe_parameters(&self.context, input).await?;
        let list = answer.parameters.unwrap().into_iter();
        Ok(list.filter_map(|it| it.name).collect())
    }

    async fn label(
        &self,
        name: &str,
        version: Option<i64>,
        labels: &[&str],
    ) -> Result<Vec<String>, ApiError> {
        let input = LabelParameterVersionRequest {
            name: name.into(),
            parameter_version: version,
            labels: labels.iter().map(|it| (*it).to_owned()).collect(),
        };
        let answer = self.secrets.label_parameter_version(&self.context, input).await?;
        Ok(answer.invalid_labels.unwrap())
    }
}

#[tokio::test]
async fn overwriting_makes_a_version() {
    let world = world();
    assert_eq!(world.store(put("/a", "1")).await, Ok(1));
    assert_eq!(
        world.store(put("/a", "2")).await.unwrap_err(),
        "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in \
         the request to true."
    );
    assert_eq!(world.store(over("/a", "2")).await, Ok(2));
    let read = world.read("/a", false).await.unwrap();
    assert_eq!(
        read.arn.as_deref(),
        Some("arn:aws:ssm:us-east-1:000000000000:parameter/a")
    );
    assert_eq!((read.value.as_deref(), read.version), (Some("2"), Some(2)));
    assert_eq!(world.value("/a:1").await.unwrap(), "1");
    assert_eq!(
        world
            .value("arn:aws:ssm:us-east-1:000000000000:parameter/a:1")
            .await
            .unwrap(),
        "1"
    );
    assert_eq!(
        world.value("/a:3").await.unwrap_err(),
        "ParameterVersionNotFound: Systems Manager could not find version 3 of /a. Verify the version and try again."
    );
    assert!(
        world
            .value("/b")
            .await
            .unwrap_err()
            .starts_with("ParameterNotFound: ")
    );
    assert!(
        world
            .value("a")
            .await
            .unwrap_err()
            .starts_with("ParameterNotFound: "),
        "the slash counts"
    );
    assert!(
        world
            .store(put("a", "x"))
            .await
            .unwrap_err()
            .starts_with("ParameterAlreadyExists"),
        "one ARN"
    );
}

#[tokio::test]
async fn a_secure_string_is_ciphertext_until_asked_for() {
    let world = world();
    world.store(secure("/s", "hunter2")).await.unwrap();
    world.store(put("/p", "plain")).await.unwrap();
    let sealed = world.read("/s", false).await.unwrap().value.unwrap();
    assert!(!sealed.contains("hunter2"));
    assert_eq!(world.value("/s").await.unwrap(), "hunter2");
    assert_eq!(world.read("/p", false).await.unwrap().value.unwrap(), "plain");
    for (_, row) in world.store.snapshot().list(PARAMETER_VALUES) {
        assert!(!row.0.contains("hunter2") && !row.0.contains("plain"));
    }
    let input = DescribeParametersRequest::default();
    let list = world
        .secrets
        .describe_parameters(&world.context, input)
        .await
        .unwrap()
        .parameters
        .unwrap();
    assert_eq!(list[0].key_id, None, "of a String");
    assert_eq!(list[1].key_id.as_deref(), Some("alias/aws/ssm"));
    let key = PutParameterRequest {
        key_id: Some("alias/x".into()),
        ..put("/q", "v")
    };
    assert!(world.store(key).await.unwrap_err().contains("SecureString"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = world();
    let refused = async |input| world.store(input).await.unwrap_err();
    assert!(
        refused(put("/a", &"x".repeat(4097)))
            .await
            .contains("maximum parameter value of 4096 characters")
    );
    let advanced = |size: usize| PutParameterRequest {
        tier: Some(ParameterTier::Advanced),
        ..put("/a", &"x".repeat(size))
    };
    assert!(
        refused(advanced(8193))
            .await
            .contains("maximum parameter value of 8192 characters")
    );
    let smart = PutParameterRequest {
        tier: Some(ParameterTier::IntelligentTiering),
        ..put("/smart", &"x".repeat(5000))
    };
    world.store(smart).await.unwrap();
    world.store(advanced(8192)).await.unwrap();
    world.store(over("/a", &"y".repeat(5000))).await.unwrap();
    let down = PutParameterRequest {
        tier: Some(ParameterTier::Standard),
        ..over("/a", "x")
    };
    assert!(refused(down).await.contains("You can't downgrade"));
    assert!(
        refused(put("/b", ""))
            .await
            .contains("greater than or equal to 1")
    );
    assert!(
        refused(put("/b", "a{{b}}"))
            .await
            .contains("can't nest another parameter")
    );
    let untyped = PutParameterRequest {
        type_: None,
        ..put("/b", "x")
    };
    assert!(refused(untyped).await.contains("A parameter type is required"));
    let pattern = |pattern: &str, value| PutParameterRequest {
        allowed_pattern: Some(pattern.into()),
        ..put("/n", value)
    };
    assert!(
        refused(pattern("^\\d+$", "x"))
            .await
            .starts_with("ParameterPatternMismatchException")
    );
    assert!(
        refused(pattern("(", "x"))
            .await
            .starts_with("InvalidAllowedPatternException")
    );
    world.store(pattern("^\\d+$", "12")).await.unwrap();
    assert!(
        refused(over("/n", "x"))
            .await
            .starts_with("ParameterPatternMismatchException"),
        "it is kept"
    );
    let tagged = PutParameterRequest {
        tags: Some(vec![Tag {
            key: "a".into(),
            value: "b".into(),
        }]),
        ..over("/n", "13")
    };
    assert!(
        refused(tagged)
            .await
            .contains("tags and overwrite can't be used together")
    );
    let image = PutParameterRequest {
        data_type: Some("aws:ec2:image".into()),
        ..put("/i", "ami-1")
    };
    assert!(refused(image).await.contains("does not serve"));
}

#[tokio::test]
async fn several_are_read_at_once_and_unknown_ones_named() {
    let world = world();
    for name in ["/a", "/b"] {
        world.store(put(name, name)).await.unwrap();
    }
    let input = GetParametersRequest {
        names: ["/b", "/a:9", "/c", "/a:1"].map(str::to_owned).to_vec(),
        with_decryption: None,
    };
    let answer = world.secrets.get_parameters(&world.context, input).await.unwrap();
    let found: Vec<String> = answer
        .parameters
        .unwrap()
        .into_iter()
        .filter_map(|it| it.name)
        .collect();
    assert_eq!(found, ["/b", "/a"]);
    assert_eq!(answer.invalid_parameters.unwrap(), ["/a:9", "/c"]);
}

#[tokio::test]
async fn a_path_leads_to_what_is_below_it() {
    let world = world();
    for name in ["root", "/app/a", "/app/b", "/app/x/c", "/app/x/y/d", "/apple/e"] {
        world.store(put(name, "v")).await.unwrap();
    }
    let below = async |path, recursive| world.below(path, recursive, vec![]).await.unwrap();
    assert_eq!(below("/app", false).await, ["/app/a", "/app/b"]);
    assert_eq!(
        below("/app/", true).await,
        ["/app/a", "/app/b", "/app/x/c", "/app/x/y/d"]
    );
    assert_eq!(below("/app/x", true).await, ["/app/x/c", "/app/x/y/d"]);
    assert_eq!(below("/", false).await, ["root"]);
    assert_eq!(below("/", true).await.len(), 6);
    assert!(below("/none", true).await.is_empty());
    assert!(
        world
            .below("app", true, vec![])
            .await
            .unwrap_err()
            .starts_with("ValidationException")
    );

    world.store(over("/app/a", "w")).await.unwrap();
    world.store(secure("/app/s", "w")).await.unwrap();
    world.label("/app/a", Some(1), &["live"]).await.unwrap();
    let with = async |filters| world.below("/app", true, filters).await;
    assert_eq!(
        with(vec![filter("Label", None, &["live"])]).await.unwrap(),
        ["/app/a:live"]
    );
    assert_eq!(
        with(vec![filter("Type", None, &["SecureString"])]).await.unwrap(),
        ["/app/s"]
    );
    assert_eq!(
        with(vec![filter("KeyId", Some("BeginsWith"), &["alias/"])])
            .await
            .unwrap(),
        ["/app/s"]
    );
    assert!(
        with(vec![filter("Name", None, &["/app/s"])])
            .await
            .unwrap_err()
            .starts_with("InvalidFilterKey")
    );
}

#[tokio::test]
async fn descriptions_are_filtered() {
    let world = world();
    for name in ["/app/a", "/app/b/c", "solo"] {
        world.store(put(name, "v")).await.unwrap();
    }
    let described =
        async |key, option, values: &[&str]| world.described(filter(key, option, values)).await.unwrap();
    assert_eq!(described("Name", None, &["/app/a"]).await, ["/app/a"]);
    assert_eq!(
        described("Name", Some("BeginsWith"), &["/app"]).await,
        ["/app/a", "/app/b/c"]
    );
    assert_eq!(described("Name", Some("Contains"), &["ol"]).await, ["solo"]);
    assert_eq!(described("Path", None, &["/app"]).await, ["/app/a"]);
    assert_eq!(
        described("Path", Some("Recursive"), &["/app"]).await,
        ["/app/a", "/app/b/c"]
    );
    assert_eq!(described("Tier", None, &["Standard"]).await.len(), 3);
    let tags = AddTagsToResourceRequest {
        resource_type: ResourceTypeForTagging::Parameter,
        resource_id: "solo".into(),
        tags: vec![Tag {
            key: "team".into(),
            value: "x".into(),
        }],
    };
    world
        .secrets
        .add_tags_to_resource(&world.context, tags)
        .await
        .unwrap();
    assert_eq!(described("tag:team", None, &["x"]).await, ["solo"]);
    assert!(described("tag:team", None, &["y"]).await.is_empty());
    let code = async |filter| world.described(filter).await.unwrap_err().code;
    assert_eq!(code(filter("Label", None, &["x"])).await, "InvalidFilterKey");
    assert_eq!(
        code(filter("Type", Some("BeginsWith"), &["S"])).await,
        "InvalidFilterOption"
    );
    assert_eq!(code(filter("Type", None, &["Sring"])).await, "InvalidFilterValue");
}

#[tokio::test]
async fn labels_move_and_select() {
    let world = world();
    for (n, input) in [put("/a", "1"), over("/a", "2")].into_iter().enumerate() {
        assert_eq!(world.store(input).await, Ok(n as i64 + 1));
    }
    let unfit = world
        .label("/a", Some(1), &["live", "1st", "aws-x"])
        .await
        .unwrap();
    assert_eq!(unfit, ["1st", "aws-x"]);
    assert_eq!(world.value("/a:live").await.unwrap(), "1");
    world.label("/a", None, &["live"]).await.unwrap();
    let read = world.read("/a:live", true).await.unwrap();
    assert_eq!(
        (read.value.as_deref(), read.selector.as_deref()),
        (Some("2"), Some(":live"))
    );
    let many: Vec<String> = (0..10).map(|n| format!("l{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        world.label("/a", None, &many).await.unwrap_err().code,
        "ParameterVersionLabelLimitExceeded"
    );
    let input = UnlabelParameterVersionRequest {
        name: "/a".into(),
        parameter_version: 2,
        labels: vec!["live".into(), "other".into()],
    };
    let answer = world
        .secrets
        .unlabel_parameter_version(&world.context, input)
        .await
        .unwrap();
    assert_eq!(answer.removed_labels.unwrap(), ["live"]);
    assert_eq!(answer.invalid_labels.unwrap(), ["other"]);
    assert!(
        world
            .value("/a:live")
            .await
            .unwrap_err()
            .starts_with("ParameterVersionNotFound")
    );
}

#[tokio::test]
async fn a_history_has_a_hundred_versions_at_most() {
    let world = world();
    world.store(put("/a", "1")).await.unwrap();
    for n in 2..=101 {
        world.store(over("/a", &n.to_string())).await.unwrap();
    }
    assert!(world.value("/a:1").await.is_err());
    assert_eq!(world.store.snapshot().list(PARAMETER_VALUES).len(), 100);
    world.label("/a", Some(2), &["keep"]).await.unwrap();
    assert!(
        world
            .store(over("/a", "x"))
            .await
            .unwrap_err()
            .starts_with("ParameterMaxVersionLimitExceeded")
    );
    let input = GetParameterHistoryRequest {
        name: "/a".into(),
        ..Default::default()
    };
    let answer = world
        .secrets
        .get_parameter_history(&world.context, input)
        .await
        .unwrap();
    let page = answer.parameters.unwrap();
    assert_eq!(
        (page.len(), page[0].value.as_deref(), page[0].labels.as_deref()),
        (50, Some("2"), Some(&["keep".to_owned()][..]))
    );
    assert!(answer.next_token.is_some());
}

#[tokio::test]
async fn deleting_names_what_was_not_there() {
    let world = world();
    world.store(put("/a", "1")).await.unwrap();
    let input = DeleteParametersRequest {
        names: vec!["/a".into(), "/b".into()],
    };
    let answer = world
        .secrets
        .delete_parameters(&world.context, input)
        .await
        .unwrap();
    assert_eq!(answer.deleted_parameters.unwrap(), ["/a"]);
    assert_eq!(answer.invalid_parameters.unwrap(), ["/b"]);
    assert!(world.store.snapshot().list(PARAMETER_VALUES).is_empty());
    let input = DeleteParameterRequest { name: "/a".into() };
    assert_eq!(
        world
            .secrets
            .delete_parameter(&world.context, input)
            .await
            .unwrap_err()
            .code,
        "ParameterNotFound"
    );
    assert_eq!(world.store(put("/a", "1")).await, Ok(1), "a new one begins anew");
}

#[tokio::test]
async fn a_secret_can_be_read_as_a_parameter() {
    let world = world();
    let input = secretsmanager::CreateSecretRequest {
        name: "db".into(),
        secret_string: Some("hunter2".into()),
        ..Default::default()
    };
    secretsmanager::Api::create_secret(&world.secrets, &world.context, input)
        .await
        .unwrap();
    let name = "/aws/reference/secretsmanager/db";
    assert_eq!(world.value(name).await.unwrap(), "hunter2");
    assert!(
        world
            .read(name, false)
            .await
            .unwrap_err()
            .contains("WithDecryption")
    );
    assert!(
        world
            .value("/aws/reference/secretsmanager/no")
            .await
            .unwrap_err()
            .starts_with("ParameterNotFound")
    );
}
