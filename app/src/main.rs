//! The binary: one executable, several processes. Read configuration, wire, start, drain; no logic.
//!
//! ```text
//! wharf …          the command line                       cloud/      starting and stopping the local cloud
//! wharf supervise  keeps the three below running           process/supervise.rs
//! wharf control    AWS APIs, services, reconcilers, node  process/control.rs
//! wharf proxy      load balancers, Service Connect       process/proxy.rs
//! wharf dns-server names                                 process/dns.rs
//! wharf shim       one per task: owns its containers      dataplane-runtime
//! wharf instance   in each instance: its first process   client-agent
//! wharf runner     one per pipeline run: its jobs        client-pipeline
//! ```
//!
//! Under the name `session-manager-plugin` it is what AWS's command line starts for `aws ecs execute-command`.

mod cloud;
mod layout;
mod pipeline;
mod process;
mod settings;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// A name of the program, and the command that it stands for.
const PLUGIN: &str = "session-manager-plugin";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if called(&arguments) == Some(OsStr::new(PLUGIN)) {
        arguments.insert(1, PLUGIN.into());
    }
    let role = arguments
        .get(1)
        .and_then(|role| role.to_str())
        .unwrap_or_default()
        .to_owned();
    let rest = arguments.clone().into_iter().skip(2);
    match role.as_str() {
        // Before any thread exists: the runtime library changes what belongs to the whole process.
        "shim" => dataplane_runtime::shim_main(rest),
        "supervise" => process::run(process::Role::Supervise, rest),
        "control" => process::run(process::Role::Control, rest),
        "proxy" => process::run(process::Role::Proxy, rest),
        "dns-server" => process::run(process::Role::Dns, rest),
        "instance" => process::instance(rest),
        "runner" => process::runner(rest),
        _ => cloud::command_line(arguments),
    }
}

/// By which name the program was started.
fn called(arguments: &[OsString]) -> Option<&OsStr> {
    Path::new(arguments.first()?).file_name()
}
