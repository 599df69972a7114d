//! `wharf up`.

use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use client_deploy::{AppName, Deployed, DomainName, DomainOptions, Outcome, UpOptions};
use jiff::Timestamp;

use crate::arguments::{TargetName, Up, Where};
use crate::cloud::{CloudInfo, StartOptions};
use crate::command::Session;
use crate::exit::Ended;
use crate::progress::Progress;

/// A name server that does not answer is not waited for longer, in seconds.
const RESOLVE_MAX_SECONDS: u64 = 2;
/// Names are asked for with a port.
const ANY_PORT: u16 = 80;

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
            domain: up.domain.clone().map(|name| DomainOptions {
                name,
                https: up.https,
            }),
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
        let more = up.place.again();
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
        if let (TargetName::Local, Some(domain)) = (up.place.target, &up.domain) {
            self.conclude_domain(deployed, domain);
        }
        Ok(())
    }
}

impl Session {
    /// What this machine needs so that the domain works in its own programs.
    fn conclude_domain(&self, deployed: &Deployed, domain: &DomainName) {
        let there = addresses(host(&deployed.balancer_url));
        if addresses(domain.as_str()).is_disjoint(&there) {
            self.output
                .say(format!("  lead it here    wharf dns install {domain}"));
        }
        if deployed.url.starts_with("https://") {
            self.output
                .say("  who vouches     wharf cloud ca prints the authority's certificate");
        }
    }
}

/// The host of a URL without a port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Where this machine's programs are led by a name; nowhere when that takes too long.
fn addresses(name: &str) -> BTreeSet<IpAddr> {
    let (asked, answer) = (name.to_owned(), mpsc::channel());
    let (found, answered) = answer;
    std::thread::spawn(move || {
        let all = (asked.as_str(), ANY_PORT).to_socket_addrs();
        // Nobody listens any more when it took too long.
        let _ = found.send(all.map(|all| all.map(|it| it.ip()).collect()));
    });
    let answer = answered.recv_timeout(Duration::from_secs(RESOLVE_MAX_SECONDS));
    answer.ok().and_then(Result::ok).unwrap_or_default()
}

fn since(began: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(began)).unwrap_or_default()
}
