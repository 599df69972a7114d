//! Docker's default system call filter, compiled to BPF.
//!
//! The facts in `docker.json` (which calls, which argument values) follow the default profile of Moby
//! (`profiles/seccomp/default.json`, documented at docs.docker.com/engine/security/seccomp) as it applies on a kernel
//! of at least 4.8: what Docker's default capabilities allow, and what each further capability adds. Calls that the profile does not name are refused with
//! EPERM; calls newer than the profile are "not implemented", so that a C library takes the older way instead of
//! failing, as runc does it.

use std::collections::{BTreeSet, HashMap};

use seccompiler::{BpfProgram, TargetArch, sock_filter};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::capability::Capabilities;

const FACTS: &str = include_str!("seccomp/docker.json");
/// The newest call that the profile speaks of.
const NEWEST_KNOWN: u32 = libc::SYS_mseal as u32;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SeccompError {
    #[error("the system call filter cannot be compiled: {0}")]
    Compile(String),
    #[error("there is no system call filter for this processor")]
    Processor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    common: Vec<String>,
    x86_64: Vec<String>,
    aarch64: Vec<String>,
    conditional: Vec<Conditional>,
    not_implemented: Vec<String>,
    capabilities: HashMap<String, Vec<String>>,
    x86_64_capabilities: HashMap<String, Vec<String>>,
}

/// Allowed when one argument is as said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditional {
    syscall: String,
    argument: u8,
    #[serde(default)]
    mask: Option<u64>,
    #[serde(default)]
    equals: Option<u64>,
    #[serde(default)]
    differs: Option<u64>,
}

/// The filters to install, in this order: what a later one answers outweighs what an earlier one does.
#[derive(Clone)]
pub(crate) struct Filters(Vec<BpfProgram>);

impl Filters {
    /// For privileged containers.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Docker's profile for a container with these capabilities.
    pub fn docker(capabilities: &Capabilities) -> Result<Self, SeccompError> {
        let facts: Facts =
            serde_json::from_str(FACTS).map_err(|error| SeccompError::Compile(error.to_string()))?;
        let (arch, own) = if cfg!(target_arch = "x86_64") {
            (TargetArch::x86_64, &facts.x86_64)
        } else if cfg!(target_arch = "aarch64") {
            (TargetArch::aarch64, &facts.aarch64)
        } else {
            return Err(SeccompError::Processor);
        };
        let by_architecture = cfg!(target_arch = "x86_64").then_some(&facts.x86_64_capabilities);
        let granted: BTreeSet<&String> = std::iter::once(&facts.capabilities)
            .chain(by_architecture)
            .flatten()
            .filter(|(name, _)| capabilities.has(name))
            .flat_map(|(_, calls)| calls)
            .collect();
        let unimplemented: Vec<&String> = facts
            .not_implemented
            .iter()
            .filter(|name| !granted.contains(name))
            .collect();
        // What shall look unimplemented must pass the allow-list, or EPERM would be the answer of both.
        let plain: BTreeSet<&String> = facts
            .common
            .iter()
            .chain(own)
            .chain(unimplemented.iter().copied())
            .chain(granted)
            .collect();
        let conditional = facts
            .conditional
            .iter()
            .filter(|conditional| !plain.contains(&conditional.syscall));
        let mut rules: Vec<Value> = conditional.map(rule).collect();
        rules.extend(plain.iter().map(|name| json!({"syscall": name})));
        let unimplemented: Vec<Value> = unimplemented
            .iter()
            .map(|name| json!({"syscall": name}))
            .collect();
        let text = json!({
            "allow": {
                "mismatch_action": {"errno": libc::EPERM},
                "match_action": "allow",
                "filter": rules,
            },
            "unimplemented": {
                "mismatch_action": "allow",
                "match_action": {"errno": libc::ENOSYS},
                "filter": unimplemented,
            },
        })
        .to_string();
        let mut programs: HashMap<String, BpfProgram> = seccompiler::compile_from_json(text.as_bytes(), arch)
            .map_err(|error| SeccompError::Compile(error.to_string()))?;
        let mut take = |name: &str| {
            programs
                .remove(name)
                .ok_or_else(|| SeccompError::Compile(format!("no program called {name}")))
        };
        Ok(Self(vec![
            take("allow")?,
            take("unimplemented")?,
            newer_than(NEWEST_KNOWN),
        ]))
    }

    /// Puts the filters on the calling thread, for ever. Needs CAP_SYS_ADMIN in the thread's user namespace, as
    /// "no new privileges" is not set.
    pub fn install(&self) -> std::io::Result<()> {
        for program in &self.0 {
            let length = u16::try_from(program.len())
                .map_err(|_| std::io::Error::other("the system call filter is too long"))?;
            let program = libc::sock_fprog {
                len: length,
                filter: program.as_ptr().cast_mut().cast::<libc::sock_filter>(),
            };
            // SAFETY: the program outlives the call, is only read, and its instructions have the kernel's layout.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_seccomp,
                    libc::SECCOMP_SET_MODE_FILTER,
                    0,
                    &raw const program,
                )
            };
            if result != 0 {
                return Err(std::io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

fn rule(conditional: &Conditional) -> Value {
    let (operator, value) = match (conditional.mask, conditional.equals, conditional.differs) {
        (Some(mask), equals, _) => (json!({"masked_eq": mask}), equals.unwrap_or(0)),
        (None, Some(value), _) => (json!("eq"), value),
        (None, None, differs) => (json!("ne"), differs.unwrap_or(0)),
    };
    // Flags and families are 32 bits wide; the upper half of the register is not looked at by the kernel.
    let argument = json!({"index": conditional.argument, "type": "dword", "op": operator, "val": value});
    json!({"syscall": conditional.syscall, "args": [argument]})
}

/// "Not implemented" for every call number above this one, everything else allowed.
fn newer_than(number: u32) -> BpfProgram {
    let instruction = |code: u32, jt: u8, jf: u8, k: u32| sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    vec![
        // The call's number is the first word of what the filter sees.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 0, 1, number),
        instruction(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests;
