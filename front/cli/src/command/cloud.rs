//! `wharf cloud …` and `wharf doctor`.

use std::path::PathBuf;

use serde_json::json;

use crate::arguments::{CloudCommand, Json, Start};
use crate::cloud::{Auth, CloudInfo, StartOptions};
use crate::command::Session;
use crate::exit::{End, Ended, MACHINE, UNREACHABLE};

impl Session {
    pub(super) fn cloud(&self, command: CloudCommand) -> Ended {
        match command {
            CloudCommand::Start(start) => self.start(start),
            CloudCommand::Stop(json) => self.stop(json),
            CloudCommand::Status(json) => self.cloud_status(json),
            CloudCommand::Env(json) => self.env(json),
            CloudCommand::Ca => self.authority(),
            CloudCommand::Doctor(json) => self.doctor(json),
        }
    }

    fn start(&self, start: Start) -> Ended {
        let options = StartOptions {
            listen: start.listen,
            auth: start.auth,
            build_ca_bundle: start.build_ca_bundle,
            registry_mirrors: start.registry_mirror,
            actions: match start.actions.is_empty() {
                true => self.action_folders(),
                false => start.actions,
            },
            console_password_file: start.console_password_file,
        };
        let info = self.cloud.start(&self.global.state_dir, &options)?;
        if start.json {
            return Ok(self.output.print_json(&as_json(&info))?);
        }
        self.output
            .print(format!("the local cloud answers at {}", info.endpoint))?;
        self.output
            .say("\n  for aws, boto3 and docker:  eval \"$(wharf cloud env)\"");
        Ok(())
    }

    /// Those that the environment names.
    fn action_folders(&self) -> Vec<PathBuf> {
        let named = self.variable("WHARF_ACTIONS_DIR").unwrap_or_default();
        std::env::split_paths(named)
            .filter(|path| !path.as_os_str().is_empty())
            .collect()
    }

    fn stop(&self, json: Json) -> Ended {
        let stopped = self.cloud.stop(&self.global.state_dir)?;
        if json.json {
            return Ok(self.output.print_json(&json!({ "stopped": stopped }))?);
        }
        self.output.print(match stopped {
            true => "the local cloud has stopped",
            false => "the local cloud was not running",
        })?;
        Ok(())
    }

    fn cloud_status(&self, json: Json) -> Ended {
        let info = self.cloud.info(&self.global.state_dir)?;
        let processes = self.cloud.processes(&self.global.state_dir)?;
        if json.json {
            let mut value = json!({ "running": info.is_some(), "processes": processes });
            if let (Some(info), Some(map)) = (&info, value.as_object_mut()) {
                map.insert("cloud".to_owned(), as_json(info));
            }
            self.output.print_json(&value)?;
        } else {
            let mut lines = vec![match &info {
                Some(info) => format!("running at {}", info.endpoint),
                None => "not running".to_owned(),
            }];
            lines.extend(info.iter().flat_map(|info| {
                [
                    format!("  region    {}", info.region),
                    format!("  state     {}", info.state_dir.display()),
                    format!("  docker    {}", info.docker_host),
                    match info.dns {
                        Some(address) => format!("  dns       {address}"),
                        None => "  dns       not answering".to_owned(),
                    },
                    format!("  auth      {}", auth(info.auth)),
                ]
            }));
            lines.extend(processes.iter().map(|one| match one.pid {
                Some(pid) => format!("  {:10} process {pid}", one.name),
                None => format!("  {:10} not running", one.name),
            }));
            self.output.print(lines.join("\n"))?;
        }
        match info {
            Some(_) => Ok(()),
            None => Err(End::new(UNREACHABLE, "")),
        }
    }

    fn env(&self, json: Json) -> Ended {
        let info = self.running()?;
        // Clients put `data-` and `stream-` before these hosts.
        let (discovery, logs) = (without_prefix(&info.endpoint), without_prefix(&info.endpoint));
        let pairs = [
            ("AWS_ENDPOINT_URL", info.endpoint),
            ("AWS_ENDPOINT_URL_SERVICEDISCOVERY", discovery),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", logs),
            ("AWS_REGION", info.region.clone()),
            ("AWS_DEFAULT_REGION", info.region),
            ("AWS_ACCESS_KEY_ID", info.access_key),
            ("AWS_SECRET_ACCESS_KEY", info.secret_key),
            ("DOCKER_HOST", info.docker_host),
        ];
        if json.json {
            let map: serde_json::Map<_, _> = pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            return Ok(self.output.print_json(&map)?);
        }
        let lines: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("export {name}={}", quoted(value)))
            .collect();
        self.output.print(lines.join("\n"))?;
        Ok(())
    }

    pub(super) fn doctor(&self, json: Json) -> Ended {
        let findings = self.cloud.doctor(&self.global.state_dir);
        let ok = findings.iter().all(|one| one.ok);
        if json.json {
            self.output
                .print_json(&json!({ "ok": ok, "findings": findings }))?;
        } else {
            for one in &findings {
                let sign = if one.ok { "✓" } else { "✗" };
                self.output
                    .print(format!("  {sign} {:20} {}", one.name, one.sentence))?;
                if let Some(remedy) = one.remedy.as_ref().filter(|_| !one.ok) {
                    self.output.print(format!("    {:20} hint: {remedy}", ""))?;
                }
            }
        }
        match ok {
            true => Ok(()),
            false => Err(End::new(
                MACHINE,
                "this machine lacks something that the local cloud needs",
            )),
        }
    }
}

fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::Sigv4 => "sigv4",
        Auth::Open => "open",
    }
}

fn as_json(info: &CloudInfo) -> serde_json::Value {
    json!({
        "endpoint": info.endpoint,
        "region": info.region,
        "access_key": info.access_key,
        "secret_key": info.secret_key,
        "docker_host": info.docker_host,
        "dns": info.dns.map(|it| it.to_string()),
        "state_dir": info.state_dir,
        "auth": auth(info.auth),
    })
}

/// Cloud Map's clients put `data-` before the host when they discover instances, and no host of this machine is called so.
/// With an empty user name in the address that becomes the user, which nobody looks at (botocore, so boto3 and the CLI).
fn without_prefix(endpoint: &str) -> String {
    endpoint.replacen("://", "://@", 1)
}

/// For a shell: as it is where that is safe, in single quotes elsewhere.
fn quoted(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(safe) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
