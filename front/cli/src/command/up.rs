//! `wharf up`.

use std::time::Duration;

use client_deploy::{AppName, Deployed, Outcome, UpOptions};
use jiff::Timestamp;

use crate::arguments::{TargetName, Up, Where};
use crate::cloud::{CloudInfo, StartOptions};
use crate::command::Session;
use crate::exit::Ended;
use crate::progress::Progress;

impl Session {
    pub(super) fn up(&self, up: &Up) -> Ended {
        let name = match &up.name {
            Some(name) => AppName::parse(name)?,
            None => AppName::of_folder(&up.path),
        };
        // Files first: nothing is done before they are in order.
        let app = client_deploy::check(&up.path, name, up.place.target.into())?;
        for note in &app.notes {
            self.output.say(format!("  {}", self.output.paint("2", note)));
        }
        let progress = Progress::new(self.output.clone());
        let info = self.cloud_for(&up.place, &progress)?;
        let deployer = self.deployer_at(&up.place, info.as_ref(), progress.sink())?;
        let engine = self.engine(&up.place, info.as_ref())?;
        let options = UpOptions {
            wait: !up.no_wait,
            desired: up.desired_count,
            health_path: up.health_path.clone(),
            vpc: up.vpc.clone(),
            subnets: up.subnets.clone(),
        };
        let deployed = self.runtime.block_on(deployer.up(&app, &engine, &options));
        progress.clear();
        let deployed = deployed?;
        if up.json {
            return Ok(self.output.print_json(&deployed)?);
        }
        self.conclude(&deployed, up)
    }

    /// The local cloud, started if none runs; nothing for AWS.
    fn cloud_for(&self, place: &Where, progress: &Progress) -> Ended<Option<CloudInfo>> {
        if place.target == TargetName::Aws {
            return Ok(None);
        }
        if let Some(info) = self.cloud.info(&self.global.state_dir)? {
            return Ok(Some(info));
        }
        progress.started("cloud");
        let began = Timestamp::now();
        match self.cloud.start(&self.global.state_dir, &StartOptions::default()) {
            Ok(info) => {
                progress.finished("cloud", Outcome::Made, &info.endpoint, since(began));
                Ok(Some(info))
            }
            Err(error) => {
                progress.failed("cloud");
                Err(error.into())
            }
        }
    }

    fn conclude(&self, deployed: &Deployed, up: &Up) -> Ended {
        let (name, url) = (&deployed.name, &deployed.url);
        let more = match up.place.target {
            TargetName::Local => String::new(),
            TargetName::Aws => " --target aws".to_owned(),
        };
        let said = match (deployed.waited, deployed.changed) {
            (true, true) => format!("{name} is live at"),
            (true, false) => format!("{name} was live already, nothing has changed:"),
            (false, _) => format!("{name} is on its way; it will be at"),
        };
        self.output.say(format!("\n{said}"));
        self.output.print(url)?;
        self.output.say(format!(
            "\n  what it prints  wharf logs {name} -f{more}\n  how it is       wharf status {name}{more}\n  take it away    wharf down {name}{more}"
        ));
        Ok(())
    }
}

fn since(began: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(began)).unwrap_or_default()
}
