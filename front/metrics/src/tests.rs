use std::sync::Arc;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ecs;
use base_id::Scope;
use contract::route::{Flow, Traffic, TrafficMeter};
use contract::usage::{ContainerUsage, Counters, TaskUsage, Usage};

use crate::{Parts, gather};

struct Fake;

#[async_trait]
impl ecs::Api for Fake {
    async fn list_clusters(
        &self,
        _: &Context,
        _: ecs::ListClustersRequest,
    ) -> Result<ecs::ListClustersResponse, ApiError> {
        let cluster_arns = Some(vec!["arn:aws:ecs:r:a:cluster/main".to_owned()]);
        Ok(ecs::ListClustersResponse {
            cluster_arns,
            ..Default::default()
        })
    }

    async fn list_tasks(
        &self,
        _: &Context,
        _: ecs::ListTasksRequest,
    ) -> Result<ecs::ListTasksResponse, ApiError> {
        let task_arns = Some(vec!["arn:aws:ecs:r:a:task/main/t1".to_owned()]);
        Ok(ecs::ListTasksResponse {
            task_arns,
            ..Default::default()
        })
    }

    async fn describe_tasks(
        &self,
        _: &Context,
        input: ecs::DescribeTasksRequest,
    ) -> Result<ecs::DescribeTasksResponse, ApiError> {
        let task = ecs::Task {
            task_arn: input.tasks.first().cloned(),
            group: Some("service:we\"b".into()),
            cpu: Some("256".into()),
            task_definition_arn: Some("arn:aws:ecs:r:a:task-definition/web:7".into()),
            ..Default::default()
        };
        Ok(ecs::DescribeTasksResponse {
            tasks: Some(vec![task]),
            ..Default::default()
        })
    }
}

#[async_trait]
impl Usage for Fake {
    async fn task(&self, _: &str) -> Option<TaskUsage> {
        None
    }

    async fn counters(&self, task: &str) -> Option<Counters> {
        assert_eq!(task, "t1");
        let app = ContainerUsage {
            name: "app".into(),
            cpu_nanoseconds: 1_500_000_000,
            memory_bytes: 300,
            cache_bytes: 100,
            ..Default::default()
        };
        Some(Counters {
            at: jiff::Timestamp::UNIX_EPOCH,
            containers: vec![app],
            interface: None,
        })
    }
}

impl TrafficMeter for Fake {
    fn traffic(&self) -> Vec<Traffic> {
        let buckets = [0.004, 0.2].map(|it| (contract::metric::bucket(it), 2));
        let flow = Flow {
            listener: "arn:aws:elasticloadbalancing:r:a:listener/app/web/1/2".into(),
            target_group: "arn:aws:elasticloadbalancing:r:a:targetgroup/web/3".into(),
            requests: 4,
            target_answers: [3, 0, 0, 1],
            response_seconds: 0.408,
            response_buckets: buckets.into(),
            ..Default::default()
        };
        vec![Traffic {
            boot: "b".into(),
            flows: vec![flow],
        }]
    }
}

#[tokio::test]
async fn what_runs_and_what_went_through_is_told() {
    let fake = Arc::new(Fake);
    let context = Context {
        scope: Scope::new("a", "r"),
        request_id: String::new(),
        principal_arn: String::new(),
        access_key: String::new(),
    };
    let page = gather::page(&Parts {
        ecs: fake.clone(),
        usage: fake.clone(),
        traffic: fake,
        context,
    })
    .await;
    for line in [
        r#"wharf_container_cpu_seconds_total{cluster="main",service="we\"b",task="t1",task_definition="web:7",container="app"} 1.5"#,
        r#"wharf_container_memory_bytes{cluster="main",service="we\"b",task="t1",task_definition="web:7",container="app"} 200"#,
        r#"wharf_load_balancer_requests_total{listener="arn:aws:elasticloadbalancing:r:a:listener/app/web/1/2",load_balancer="app/web/1",target_group="targetgroup/web/3"} 4"#,
        r#"load_balancer="app/web/1",target_group="targetgroup/web/3",by="target",code="5xx"} 1"#,
        r#"target_group="targetgroup/web/3",le="0.005"} 2"#,
        r#"target_group="targetgroup/web/3",le="+Inf"} 4"#,
        "# TYPE wharf_load_balancer_response_seconds histogram",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}
