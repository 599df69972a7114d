//! `wharf up`: from a folder that is in order to a service that answers.
//!
//! The image is built first, while what is there already is looked at: a build that fails leaves nothing half-made.
//! Then everything that does not wait for another is made at the same time. Each part looks whether it is there
//! before it makes it, so that a run that broke off is gone on with by the next one.

mod account;
mod balancer;
mod domain;
mod firewall;
mod image;
mod network;
mod secure;
mod service;
mod survey;

pub(crate) use account::{ROLE_POLICY, role_name};
pub(crate) use balancer::Ground;
pub use domain::DomainOptions;
pub(crate) use firewall::task_group_name;
pub(crate) use secure::is_secure;
pub(crate) use service::Deployment;
pub(crate) use survey::Survey;

use aws_shape::sts;

use crate::check::App;
use crate::deployer::Deployer;
use crate::engine::Engine;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};

/// What may be said about a deployment beside its files.
#[derive(Clone, Debug)]
pub struct UpOptions {
    /// Follow the roll-out to its end.
    pub wait: bool,
    /// How many tasks; as it is, or 1.
    pub desired: Option<u32>,
    /// What the load balancer asks to know whether a task is well; as it is, or `/`.
    pub health_path: Option<String>,
    /// An existing VPC to use.
    pub vpc: Option<String>,
    /// Subnets of it, in two zones at least.
    pub subnets: Vec<String>,
    /// A domain that leads to it; as it is, or none.
    pub domain: Option<DomainOptions>,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            wait: true,
            desired: None,
            health_path: None,
            vpc: None,
            subnets: Vec::new(),
            domain: None,
        }
    }
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Deployed {
    pub name: String,
    pub url: String,
    /// The load balancer's own, the same unless a domain leads to it.
    pub balancer_url: String,
    pub image: String,
    /// With its revision, such as `hello:3`.
    pub task_definition: String,
    /// Whether anything was not as it should be.
    pub changed: bool,
    /// Whether the roll-out was followed to its end.
    pub waited: bool,
}

impl Deployer {
    /// Deploys an application.
    ///
    /// # Errors
    /// When a step fails; what was made until then stays, and the same call goes on from there.
    pub async fn up(&self, app: &App, engine: &Engine, options: &UpOptions) -> Result<Deployed, Failure> {
        self.account().await?;
        let (id, survey) = tokio::try_join!(self.build(app, engine), self.survey(&app.name))?;
        survey.check_ours(&app.name, &self.cluster)?;
        if let Some(missing) = self.missing_secrets(app).await?.into_iter().next() {
            return Err(Failure::Foreseen(Box::new(missing)));
        }
        let (image, (), (), role, ground) = tokio::try_join!(
            self.ship(app, engine, &id),
            self.ensure_cluster(),
            self.ensure_logs(app),
            self.ensure_role(app),
            self.ensure_ground(app, &survey, options),
        )?;
        let mut url = ground.url.clone();
        let mut domain_changed = false;
        if let Some(wanted) = &options.domain {
            domain_changed = self.ensure_domain(&app.name, &survey, &ground, wanted).await?;
            let is_secure = wanted.https || survey.is_secure();
            url = balancer::site(wanted.name.as_str(), is_secure);
        }
        let ready = app
            .definition
            .ready(&app.name, &self.aws.region, &image, role.as_deref());
        let definition = self.register(app, &survey, ready).await?;
        let deployment = self.deploy(app, &survey, &definition, &ground, options).await?;
        let changed = definition.is_new || deployment.changed || domain_changed;
        if options.wait {
            self.follow(&app.name, &deployment, &ground).await?;
        }
        let task_definition = definition.arn.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Deployed {
            name: app.name.to_string(),
            url,
            balancer_url: ground.balancer_url,
            image,
            task_definition,
            changed,
            waited: options.wait,
        })
    }

    /// Whose account this is; shows at once when the credentials are wrong.
    async fn account(&self) -> Result<(), Failure> {
        let work = async {
            let aws = &self.aws;
            let who = aws
                .sts
                .get_caller_identity(&aws.context, sts::GetCallerIdentityRequest {});
            let who = who.await.doing("asking whose credentials these are")?;
            let account = present(who.account, "GetCallerIdentity", "an account")?;
            let summary = format!("{account} in {}", aws.region);
            Ok(Done::new(Outcome::Unchanged, summary, ()))
        };
        self.teller.step(Step::Account, work).await
    }

    async fn build(&self, app: &App, engine: &Engine) -> Result<String, Failure> {
        let work = async {
            let line = |text: String| self.teller.detail(Step::Build, text);
            let id = engine.build(&app.folder, &line).await?;
            let short: String = id.trim_start_matches("sha256:").chars().take(12).collect();
            Ok(Done::new(Outcome::Made, format!("image {short}"), id))
        };
        self.teller.step(Step::Build, work).await
    }
}
