//! Where a command happens: the local cloud or AWS, with a client for it and a Docker Engine.

use std::path::Path;

use aws_client::{Client, Keys, Overrides};
use client_deploy::{AppName, Deployer, Engine, Sink, Target};

use crate::arguments::{TargetName, Where};
use crate::cloud::{CloudInfo, StartOptions};
use crate::command::Session;
use crate::exit::{End, Ended, UNREACHABLE};

/// Docker's own place, when nobody says otherwise.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

impl From<TargetName> for Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::Local => Self::Local,
            TargetName::Aws => Self::Aws,
        }
    }
}

impl Session {
    /// The running local cloud.
    pub fn running(&self) -> Ended<CloudInfo> {
        let info = self.cloud.info(&self.global.state_dir)?;
        info.ok_or_else(|| {
            End::new(UNREACHABLE, "the local cloud is not running")
                .hint("wharf cloud start starts it; --state-dir selects another; --target aws means AWS")
        })
    }

    /// For a command that only looks, or takes away.
    pub fn deployer(&self, place: &Where, sink: Sink) -> Ended<Deployer> {
        let info = match place.target {
            TargetName::Local => Some(self.running()?),
            TargetName::Aws => None,
        };
        self.deployer_at(place, info.as_ref(), sink)
    }

    pub fn deployer_at(&self, place: &Where, info: Option<&CloudInfo>, sink: Sink) -> Ended<Deployer> {
        let overrides = match info {
            Some(info) => Overrides {
                endpoint: Some(info.endpoint.clone()),
                region: Some(place.region.clone().unwrap_or_else(|| info.region.clone())),
                credentials: Some(Keys {
                    access_key: info.access_key.clone(),
                    secret_key: info.secret_key.clone(),
                    session_token: None,
                }),
                ..Default::default()
            },
            None => Overrides {
                region: place.region.clone(),
                profile: place.profile.clone(),
                ca_bundle: self.variable("AWS_CA_BUNDLE").map(Into::into),
                ..Default::default()
            },
        };
        let client = self.runtime.block_on(Client::from_environment(overrides))?;
        Ok(Deployer::new(&client, place.target.into(), &place.cluster, sink))
    }

    /// The engine that builds: for the local cloud its own, so that a push moves no bytes. For AWS the one that
    /// DOCKER_HOST names, the local cloud's if it runs, Docker's, or the local cloud's after all.
    pub fn engine(&self, place: &Where, info: Option<&CloudInfo>) -> Ended<Engine> {
        let host = match (info, place.target) {
            (Some(info), _) => info.docker_host.clone(),
            (None, _) => self.foreign_engine()?,
        };
        Ok(self.runtime.block_on(Engine::connect(&host))?)
    }

    fn foreign_engine(&self) -> Ended<String> {
        if let Some(host) = self.variable("DOCKER_HOST") {
            return Ok(host.to_owned());
        }
        if let Some(info) = self.cloud.info(&self.global.state_dir)? {
            return Ok(info.docker_host);
        }
        if Path::new(DOCKER_SOCKET).exists() {
            return Ok(format!("unix://{DOCKER_SOCKET}"));
        }
        let info = self
            .cloud
            .start(&self.global.state_dir, &StartOptions::default())?;
        Ok(info.docker_host)
    }

    /// The engine for a command that can do without one.
    pub fn engine_if_any(&self, place: &Where) -> Option<Engine> {
        let info = self.cloud.info(&self.global.state_dir).ok().flatten();
        let host = match place.target {
            TargetName::Local => info?.docker_host,
            TargetName::Aws => match self.variable("DOCKER_HOST") {
                Some(host) => host.to_owned(),
                None => info.map_or_else(|| format!("unix://{DOCKER_SOCKET}"), |info| info.docker_host),
            },
        };
        self.runtime.block_on(Engine::connect(&host)).ok()
    }

    /// An environment variable that is there and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }
}

/// An application by its name, or by its folder.
pub(crate) fn app_name(given: &str) -> Ended<AppName> {
    match AppName::parse(given) {
        Ok(name) => Ok(name),
        Err(_) if Path::new(given).is_dir() => Ok(AppName::of_folder(Path::new(given))),
        Err(error) => Err(error.into()),
    }
}
