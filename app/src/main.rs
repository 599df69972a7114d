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

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let mut rest = arguments.clone();
    let role = rest
        .next()
        .and_then(|role| role.into_string().ok())
        .unwrap_or_default();
    match role.as_str() {
        // Before any thread exists: the runtime library changes what belongs to the whole process.
        "shim" => dataplane_runtime::shim_main(rest),
        "supervise" => process::run(process::Role::Supervise, rest),
        "control" => process::run(process::Role::Control, rest),
        "proxy" => process::run(process::Role::Proxy, rest),
        _ => cloud::command_line(std::iter::once(program).chain(arguments).collect()),
    }
}
