//! The binary: one executable, several processes. Read configuration, wire, start, drain; no logic.
//!
//! ```text
//! wharf …          the command line                       cloud/      starting and stopping the local cloud
//! wharf supervise  keeps the two below running            process/supervise.rs
//! wharf control    AWS APIs, services, reconcilers, node  process/control.rs
//! wharf proxy      the load balancer                      process/proxy.rs
//! wharf shim       one per task: owns its containers      dataplane-runtime
//! ```

mod cloud;
mod layout;
mod process;
mod settings;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
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
        _ => cloud::command_line(arguments),
    }
}
