//! Small services that answer from their input, and a front before them on a loopback port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::{
    acm, applicationautoscaling, autoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53,
    secretsmanager, servicediscovery, ssm, sts,
};
use aws_signature::{Credentials, Mode, Secret, Verifier};
use base_clock::SystemClock;
use base_id::SequentialIds;
use front_api::{Api, Hosts, Services};

/// Answers as if it were every service.
pub struct Fake;

#[async_trait]
impl sts::Api for Fake {
    async fn get_caller_identity(
        &self,
        context: &Context,
        _: sts::GetCallerIdentityRequest,
    ) -> Result<sts::GetCallerIdentityResponse, ApiError> {
        Ok(sts::GetCallerIdentityResponse {
            user_id: Some(context.access_key.clone()),
            account: Some(context.scope.account.clone()),
            arn: Some(context.principal_arn.clone()),
        })
    }
}

#[async_trait]
impl ecs::Api for Fake {
    async fn create_cluster(
        &self,
        context: &Context,
        input: ecs::CreateClusterRequest,
    ) -> Result<ecs::CreateClusterResponse, ApiError> {
        let name = input.cluster_name.unwrap_or_else(|| "default".to_owned());
        match name.as_str() {
            "crash" => Err(ApiError::internal("the disk is on fire")),
            "panic" => panic!("a fault of the program"),
            _ => Ok(ecs::CreateClusterResponse {
                cluster: Some(ecs::Cluster {
                    cluster_arn: Some(context.scope.arn("ecs", &format!("cluster/{name}"))),
                    cluster_name: Some(name),
                    status: Some("ACTIVE".to_owned()),
                    tags: input.tags,
                    ..ecs::Cluster::default()
                }),
            }),
        }
    }

    async fn describe_services(
        &self,
        _: &Context,
        _: ecs::DescribeServicesRequest,
    ) -> Result<ecs::DescribeServicesResponse, ApiError> {
        Err(ApiError::client("ClusterNotFoundException", "Cluster not found."))
    }

    async fn register_task_definition(
        &self,
        _: &Context,
        input: ecs::RegisterTaskDefinitionRequest,
    ) -> Result<ecs::RegisterTaskDefinitionResponse, ApiError> {
        Ok(ecs::RegisterTaskDefinitionResponse {
            task_definition: Some(ecs::TaskDefinition {
                family: Some(input.family),
                container_definitions: Some(input.container_definitions),
                network_mode: input.network_mode,
                registered_at: Some(jiff::Timestamp::from_millisecond(1_767_225_600_250).expect("in range")),
                ..ecs::TaskDefinition::default()
            }),
            tags: input.tags,
        })
    }
}

impl acm::Api for Fake {}

#[async_trait]
impl route53::Api for Fake {}

#[async_trait]
impl servicediscovery::Api for Fake {}

#[async_trait]
impl applicationautoscaling::Api for Fake {}
#[async_trait]
impl autoscaling::Api for Fake {}
#[async_trait]
impl cloudwatch::Api for Fake {}

#[async_trait]
impl elbv2::Api for Fake {
    async fn create_load_balancer(
        &self,
        context: &Context,
        input: elbv2::CreateLoadBalancerInput,
    ) -> Result<elbv2::CreateLoadBalancerOutput, ApiError> {
        Ok(elbv2::CreateLoadBalancerOutput {
            load_balancers: Some(vec![elbv2::LoadBalancer {
                load_balancer_arn: Some(context.scope.arn("elasticloadbalancing", "loadbalancer/app/x/1")),
                load_balancer_name: Some(input.name),
                security_groups: input.security_groups,
                created_time: Some(jiff::Timestamp::from_second(1_767_225_600).expect("in range")),
                ..elbv2::LoadBalancer::default()
            }]),
        })
    }

    async fn describe_load_balancers(
        &self,
        _: &Context,
        input: elbv2::DescribeLoadBalancersInput,
    ) -> Result<elbv2::DescribeLoadBalancersOutput, ApiError> {
        match input.names {
            Some(_) => Err(ApiError::client(
                "LoadBalancerNotFound",
                "Load balancers '[<none> & \"more\"]' not found",
            )),
            None => Ok(elbv2::DescribeLoadBalancersOutput {
                load_balancers: Some(Vec::new()),
                next_marker: None,
            }),
        }
    }
}

#[async_trait]
impl ec2::Api for Fake {
    async fn create_vpc(
        &self,
        _: &Context,
        input: ec2::CreateVpcRequest,
    ) -> Result<ec2::CreateVpcResult, ApiError> {
        let tags = input
            .tag_specifications
            .unwrap_or_default()
            .into_iter()
            .find_map(|it| it.tags);
        Ok(ec2::CreateVpcResult {
            vpc: Some(ec2::Vpc {
                vpc_id: Some("vpc-1".to_owned()),
                cidr_block: input.cidr_block,
                tags,
                ..ec2::Vpc::default()
            }),
        })
    }

    async fn delete_vpc(&self, _: &Context, input: ec2::DeleteVpcRequest) -> Result<(), ApiError> {
        if input.vpc_id == "vpc-1" {
            return Ok(());
        }
        let message = format!("The vpc ID '{}' does not exist", input.vpc_id);
        Err(ApiError::client("InvalidVpcID.NotFound", message))
    }
}

#[async_trait]
impl logs::Api for Fake {
    async fn create_log_group(&self, _: &Context, _: logs::CreateLogGroupRequest) -> Result<(), ApiError> {
        Ok(())
    }
}

#[async_trait]
impl ecr::Api for Fake {}

#[async_trait]
impl secretsmanager::Api for Fake {}

#[async_trait]
impl ssm::Api for Fake {}

#[async_trait]
impl iam::Api for Fake {
    async fn get_role(
        &self,
        _: &Context,
        input: iam::GetRoleRequest,
    ) -> Result<iam::GetRoleResponse, ApiError> {
        let message = format!("The role with name {} cannot be found.", input.role_name);
        Err(ApiError::client("NoSuchEntity", message))
    }
}

/// Secrets of the tests.
pub struct Keys;

impl Credentials for Keys {
    fn find(&self, access_key: &str) -> Option<Secret> {
        let secret = |token: Option<&str>, expires| Secret {
            secret_key: "secret".to_owned(),
            session_token: token.map(str::to_owned),
            account: "000000000000".to_owned(),
            principal_arn: "arn:aws:iam::000000000000:root".to_owned(),
            expires,
        };
        match access_key {
            "AKIATEST" => Some(secret(None, None)),
            "ASIATEST" => Some(secret(Some("token"), None)),
            "ASIAEXPIRED" => Some(secret(Some("token"), Some(jiff::Timestamp::UNIX_EPOCH))),
            _ => None,
        }
    }
}

/// A front that serves until the runtime ends.
pub struct Front {
    pub address: SocketAddr,
    /// How often everything was removed.
    pub resets: Arc<AtomicUsize>,
}

impl Front {
    pub async fn start(mode: Mode) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        Self::serve(
            listener.expect("a free port"),
            mode,
            Arc::new(Fake),
            axum::Router::new(),
        )
    }

    /// With a real ECR, and more than the APIs of AWS.
    pub fn serve(
        listener: tokio::net::TcpListener,
        mode: Mode,
        ecr: Arc<dyn ecr::Api>,
        more: axum::Router,
    ) -> Self {
        let address = listener.local_addr().expect("it listens");
        let resets = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&resets);
        let fake = Arc::new(Fake);
        let api = Api {
            services: Services {
                acm: Arc::clone(&fake) as _,
                applicationautoscaling: Arc::clone(&fake) as _,
                autoscaling: Arc::clone(&fake) as _,
                cloudwatch: Arc::clone(&fake) as _,
                ec2: Arc::clone(&fake) as _,
                ecr,
                ecs: Arc::clone(&fake) as _,
                elbv2: Arc::clone(&fake) as _,
                iam: Arc::clone(&fake) as _,
                logs: Arc::clone(&fake) as _,
                route53: Arc::clone(&fake) as _,
                servicediscovery: Arc::clone(&fake) as _,
                secretsmanager: Arc::clone(&fake) as _,
                ssm: Arc::clone(&fake) as _,
                sts: fake,
            },
            verifier: Verifier::new(Arc::new(Keys), mode),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SequentialIds::default()),
            reset: Arc::new(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Ok(()) })
            }),
        };
        let hosts = Hosts::new().name("wharf.test").origin("http://console.test");
        let router = hosts.protect(more.merge(api.router()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, resets }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
