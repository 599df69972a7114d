//! The command line's view of the cloud, made real.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use front_cli::{Auth, CloudError, CloudInfo, Finding, NamesLed, Process, StartOptions};

use super::names::Led;
use super::start::Wishes;
use super::{Cloud, DEFAULT_STATE, REGION, Reach};
use crate::pipeline;

struct Local;

impl front_cli::Cloud for Local {
    fn default_state_dir(&self) -> PathBuf {
        PathBuf::from(DEFAULT_STATE)
    }

    fn start(&self, state_dir: &Path, options: &StartOptions) -> Result<CloudInfo, CloudError> {
        if !nix::unistd::geteuid().is_root() {
            return Err(CloudError::Machine {
                message: "the local cloud needs root: it makes network namespaces, mounts and control groups"
                    .into(),
                remedy: "run the same command with sudo".into(),
            });
        }
        let wishes = Wishes {
            listen: options.listen,
            open: options.auth.map(|auth| auth == Auth::Open),
            build_ca_bundle: options.build_ca_bundle.clone(),
            registry_mirrors: options.registry_mirrors.clone(),
            actions: options.actions.iter().map(|it| absolute(it)).collect(),
            console_password_file: options.console_password_file.as_deref().map(absolute),
        };
        cloud(state_dir)
            .start(&wishes)
            .map(|reach| info(state_dir, &reach))
            .map_err(failed)
    }

    fn stop(&self, state_dir: &Path) -> Result<bool, CloudError> {
        cloud(state_dir).stop().map_err(failed)
    }

    fn info(&self, state_dir: &Path) -> Result<Option<CloudInfo>, CloudError> {
        Ok(cloud(state_dir)
            .reach()
            .map_err(failed)?
            .map(|reach| info(state_dir, &reach)))
    }

    fn processes(&self, state_dir: &Path) -> Result<Vec<Process>, CloudError> {
        let processes = cloud(state_dir).processes().map_err(failed)?.into_iter();
        Ok(processes
            .map(|(role, pid)| Process {
                name: role.name().to_owned(),
                pid,
            })
            .collect())
    }

    fn machine(&self, state_dir: &Path) -> Result<client_pipeline::Machine, CloudError> {
        let cloud = cloud(state_dir);
        let reach = cloud.reach().map_err(failed)?;
        pipeline::machine(&cloud.state, reach.as_ref()).map_err(failed)
    }

    fn start_runner(&self, state_dir: &Path, run: u64, actions: &[PathBuf]) -> Result<(), CloudError> {
        let actions: Vec<PathBuf> = actions.iter().map(|it| absolute(it)).collect();
        pipeline::start_runner(&absolute(state_dir), run, &actions).map_err(failed)
    }

    fn install_dns(&self, state_dir: &Path, domain: &str) -> Result<NamesLed, CloudError> {
        cloud(state_dir).install_dns(domain).map(led).map_err(failed)
    }

    fn remove_dns(&self, state_dir: &Path, domain: &str) -> Result<NamesLed, CloudError> {
        cloud(state_dir).remove_dns(domain).map(led).map_err(failed)
    }

    fn dns_domains(&self, state_dir: &Path) -> Result<Vec<String>, CloudError> {
        cloud(state_dir).dns_domains().map_err(failed)
    }

    fn authority(&self, state_dir: &Path) -> Result<String, CloudError> {
        cloud(state_dir).authority().map_err(failed)
    }

    fn doctor(&self, state_dir: &Path) -> Vec<Finding> {
        let found = dataplane_node::check_host(state_dir).into_iter();
        found
            .map(|one| Finding {
                name: one.name.to_owned(),
                ok: one.ok,
                sentence: one.sentence,
                remedy: (!one.remedy.is_empty()).then_some(one.remedy),
            })
            .collect()
    }
}

fn led(led: Led) -> NamesLed {
    NamesLed {
        domains: led.domains,
        file: led.file,
        note: led.note,
    }
}

fn cloud(state_dir: &Path) -> Cloud {
    Cloud {
        state: absolute(state_dir),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn info(state_dir: &Path, reach: &Reach) -> CloudInfo {
    CloudInfo {
        endpoint: reach.settings.endpoint(),
        region: REGION.to_owned(),
        access_key: reach.keys.access_key.clone(),
        secret_key: reach.keys.secret_key.clone(),
        dns: std::fs::read_to_string(reach.layout.dns_address())
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        docker_host: format!("unix://{}", reach.layout.engine_socket().display()),
        state_dir: state_dir.to_owned(),
        auth: if reach.settings.open {
            Auth::Open
        } else {
            Auth::Sigv4
        },
    }
}

fn failed(error: anyhow::Error) -> CloudError {
    CloudError::Failed(format!("{error:#}"))
}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    front_cli::run(front_cli::Environment {
        arguments,
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        cloud: Box::new(Local),
    })
}
