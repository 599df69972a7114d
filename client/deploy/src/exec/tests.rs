use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_client::{Client, Keys, Overrides};
use aws_protocol::Context;
use aws_shape::ecs::*;

use super::*;
use crate::failure::Failure;

const REFUSAL: &str = "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.";

/// A service `shop` with tasks on two pages, whose containers are `web` and `helper`.
#[derive(Default)]
struct Fake {
    tasks: Vec<Task>,
    refuses: bool,
    asked: Mutex<Vec<ExecuteCommandRequest>>,
}

#[async_trait]
impl Api for Fake {
    async fn describe_services(
        &self,
        _: &Context,
        input: DescribeServicesRequest,
    ) -> Result<DescribeServicesResponse, ApiError> {
        let balanced = LoadBalancer {
            container_name: Some("web".to_owned()),
            ..Default::default()
        };
        let service = Service {
            service_name: Some("shop".to_owned()),
            status: Some("ACTIVE".to_owned()),
            load_balancers: Some(vec![balanced]),
            ..Default::default()
        };
        Ok(DescribeServicesResponse {
            services: (input.services == ["shop"]).then(|| vec![service]),
            failures: None,
        })
    }

    async fn list_tasks(&self, _: &Context, input: ListTasksRequest) -> Result<ListTasksResponse, ApiError> {
        assert_eq!(input.service_name.as_deref(), Some("shop"));
        let page: usize = input.next_token.map_or(0, |token| token.parse().unwrap());
        let arns = self.tasks.iter().skip(page).take(1);
        Ok(ListTasksResponse {
            task_arns: Some(arns.filter_map(|it| it.task_arn.clone()).collect()),
            next_token: (page + 1 < self.tasks.len()).then(|| (page + 1).to_string()),
        })
    }

    async fn describe_tasks(
        &self,
        _: &Context,
        input: DescribeTasksRequest,
    ) -> Result<DescribeTasksResponse, ApiError> {
        let asked = |it: &&Task| input.tasks.iter().any(|arn| it.task_arn.as_ref() == Some(arn));
        Ok(DescribeTasksResponse {
            tasks: Some(self.tasks.iter().filter(asked).cloned().collect()),
            failures: None,
        })
    }

    async fn describe_task_definition(
        &self,
        _: &Context,
        _: DescribeTaskDefinitionRequest,
    ) -> Result<DescribeTaskDefinitionResponse, ApiError> {
        let container = |name: &str| ContainerDefinition {
            name: Some(name.to_owned()),
            ..Default::default()
        };
        Ok(DescribeTaskDefinitionResponse {
            task_definition: Some(TaskDefinition {
                container_definitions: Some(vec![container("helper"), container("web")]),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    async fn execute_command(
        &self,
        _: &Context,
        input: ExecuteCommandRequest,
    ) -> Result<ExecuteCommandResponse, ApiError> {
        if self.refuses {
            return Err(ApiError::client("InvalidParameterException", REFUSAL));
        }
        self.asked.lock().unwrap().push(input);
        Ok(ExecuteCommandResponse {
            session: Some(Session {
                session_id: Some("one".to_owned()),
                stream_url: Some("ws://127.0.0.1/one".to_owned()),
                token_value: Some("secret".to_owned()),
            }),
            ..Default::default()
        })
    }
}

/// Started so many seconds after 1970.
fn task(id: &str, started_s: i64, status: &str) -> Task {
    Task {
        task_arn: Some(format!("arn:aws:ecs:us-east-1:000000000000:task/wharf/{id}")),
        task_definition_arn: Some("shop:1".to_owned()),
        started_at: Some(jiff::Timestamp::from_second(started_s).unwrap()),
        last_status: Some(status.to_owned()),
        enable_execute_command: Some(true),
        ..Default::default()
    }
}

fn shop() -> Fake {
    Fake {
        tasks: vec![
            task("aa1", 10, "RUNNING"),
            task("bb1", 30, "RUNNING"),
            task("bb2", 20, "RUNNING"),
            task("cc1", 40, "PENDING"),
        ],
        ..Default::default()
    }
}

async fn start(fake: &Arc<Fake>, name: &str, options: ExecOptions) -> Result<ExecSession, Failure> {
    let key = Keys {
        access_key: "a".to_owned(),
        secret_key: "s".to_owned(),
        session_token: None,
    };
    let overrides = Overrides {
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        region: Some("us-east-1".to_owned()),
        credentials: Some(key),
        ..Default::default()
    };
    let client = Client::from_environment(overrides).await.unwrap();
    let mut deployer = Deployer::new(&client, Target::Local, "wharf", Arc::new(|_| ()));
    deployer.aws.ecs = fake.clone();
    deployer
        .start_exec(&AppName::parse(name).unwrap(), &options)
        .await
}

fn wanted(container: Option<&str>, task: Option<&str>) -> ExecOptions {
    ExecOptions {
        container: container.map(str::to_owned),
        task: task.map(str::to_owned),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_youngest_task_that_runs_is_chosen_and_its_balanced_container() {
    let fake = Arc::new(shop());
    let session = start(&fake, "shop", wanted(None, None)).await.unwrap();
    assert_eq!((session.id.as_str(), session.token.as_str()), ("one", "secret"));
    start(&fake, "shop", wanted(Some("helper"), Some("bb2")))
        .await
        .unwrap();
    let command = ["sh", "-c", "echo it's $((6*7)); exit 3"]
        .map(str::to_owned)
        .to_vec();
    let options = ExecOptions {
        command: command.clone(),
        ..wanted(None, Some("aa"))
    };
    start(&fake, "shop", options).await.unwrap();
    let asked = fake.asked.lock().unwrap();
    let brief = |it: &ExecuteCommandRequest| {
        let container = it.container.clone().unwrap_or_default();
        format!(
            "{} {container} {} {}",
            short(&it.task),
            it.command,
            it.interactive
        )
    };
    assert_eq!(brief(&asked[0]), "bb1 web /bin/sh true");
    assert_eq!(brief(&asked[1]), "bb2 helper /bin/sh true");
    assert_eq!((short(&asked[2].task)), "aa1");
    assert_eq!(shell_words::split(&asked[2].command).unwrap(), command);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let fake = Arc::new(shop());
    for (name, options, message, hint) in [
        (
            "other",
            wanted(None, None),
            "there is no application `other` in the cluster `wharf`",
            "wharf status lists what is there",
        ),
        (
            "shop",
            wanted(Some("db"), None),
            "the application `shop` has no container `db`",
            "there are: helper, web",
        ),
        (
            "shop",
            wanted(None, Some("cc")),
            "the application `shop` has no running task whose id begins with `cc`",
            "these run: bb1, bb2, aa1",
        ),
    ] {
        let failure = start(&fake, name, options).await.unwrap_err();
        assert_eq!(failure.to_string(), message);
        assert_eq!(failure.hint().as_deref(), Some(hint));
    }
    let nothing = Arc::new(Fake::default());
    let failure = start(&nothing, "shop", wanted(None, None)).await.unwrap_err();
    assert_eq!(failure.to_string(), "the application `shop` has no running task");
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn tasks_that_nobody_may_enter_come_with_the_way_to_change_that() {
    let mut closed = shop();
    for task in &mut closed.tasks {
        task.enable_execute_command = None;
    }
    let refusing = Fake {
        refuses: true,
        ..shop()
    };
    for fake in [closed, refusing] {
        let failure = start(&Arc::new(fake), "shop", wanted(None, None))
            .await
            .unwrap_err();
        assert_eq!(
            failure.to_string(),
            "execute command is not enabled for the tasks of `shop`"
        );
        assert_eq!(
            failure.hint().as_deref(),
            Some(
                "eval \"$(wharf cloud env)\"; aws ecs update-service --cluster wharf --service shop --enable-execute-command --force-new-deployment"
            )
        );
    }
}

#[test]
fn a_session_is_read_as_either_service_writes_it() {
    let of_ecs = r#"{"sessionId": "one", "streamUrl": "wss://there/one", "tokenValue": "secret"}"#;
    let of_ssm = r#"{"SessionId": "one", "StreamUrl": "wss://there/one", "TokenValue": "secret"}"#;
    let read = |text: &str| serde_json::from_str::<ExecSession>(text).unwrap();
    assert_eq!(read(of_ecs), read(of_ssm));
    assert!(!format!("{:?}", read(of_ecs)).contains("secret"));
}
