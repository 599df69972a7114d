//! The first process of an instance: started by the data plane inside it, and knows nothing of the cloud around it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use client_agent::Agent;

/// The command by which it is started; the endpoint and the instance's size follow.
pub(super) const ROLE: &str = "instance";
/// What the instance keeps for itself.
const OWN_MEMORY_MIB: u32 = 32;
/// Set by the cloud for images whose agent joins a cluster that nobody names.
const IMAGE_WITH_AGENT: &str = "ECS_OPTIMIZED";

/// `<endpoint> <cpu units> <memory in MiB>`
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = arguments
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let [endpoint, cpu_units, memory_mib] = words.as_slice() else {
        return ExitCode::FAILURE;
    };
    let number = |text: &String| text.parse::<u32>().unwrap_or_default();
    let agent = Agent {
        endpoint: endpoint.clone(),
        root: PathBuf::from("/"),
        cpu_units: number(cpu_units),
        memory_mib: number(memory_mib).saturating_sub(OWN_MEMORY_MIB),
        joins_by_default: std::env::var_os(IMAGE_WITH_AGENT).is_some(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(async {
                tokio::select! {
                    () = agent.run() => {}
                    () = super::told_to_stop() => {}
                }
            });
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}
