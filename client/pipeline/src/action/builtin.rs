//! Actions that are part of this program: what needs a GitHub to talk to, and what a machine has already.
//!
//! Each is a composite action in a file of its own, so that it is read like any other; only the checkout is code, as
//! it knows where the commit is.

use std::path::Path;

use base_workflow::{Action, parse_action};

use crate::machine::Machine;

#[derive(Clone)]
pub(crate) enum Builtin {
    Checkout,
    /// With the action's name.
    Composite(&'static str, Box<Action>),
}

struct Known {
    slug: &'static str,
    text: &'static str,
    /// It stands in for the real one where these programs are on the machine.
    programs: &'static [&'static str],
}

const CHECKOUT: &str = "actions/checkout";

const KNOWN: [Known; 12] = [
    known("actions/setup-python", include_str!("builtin/setup-python.yml"), &["python3"]),
    known("actions/setup-node", include_str!("builtin/setup-node.yml"), &["node", "npm"]),
    known("actions/setup-go", include_str!("builtin/setup-go.yml"), &["go"]),
    known("actions/setup-java", include_str!("builtin/setup-java.yml"), &["java"]),
    known("dtolnay/rust-toolchain", include_str!("builtin/rust-toolchain.yml"), &["cargo"]),
    known("actions/cache", include_str!("builtin/cache.yml"), &[]),
    known("actions/upload-artifact", include_str!("builtin/upload-artifact.yml"), &[]),
    known("actions/download-artifact", include_str!("builtin/download-artifact.yml"), &[]),
    known("docker/setup-buildx-action", include_str!("builtin/setup-buildx.yml"), &[]),
    known("docker/setup-qemu-action", include_str!("builtin/setup-qemu.yml"), &[]),
    known("docker/login-action", include_str!("builtin/docker-login.yml"), &[]),
    known("docker/build-push-action", include_str!("builtin/build-push.yml"), &[]),
];

const fn known(slug: &'static str, text: &'static str, programs: &'static [&'static str]) -> Known {
    Known { slug, text, programs }
}

/// The folder in a run's work where the built-in actions of its jobs meet.
pub(crate) const TOOLS: &str = "_shared";

impl Builtin {
    /// The one that stands in for a repository here.
    pub(crate) fn named(slug: &str, machine: &Machine) -> Option<Self> {
        if slug == CHECKOUT {
            return Some(Self::Checkout);
        }
        let known = KNOWN.iter().find(|known| known.slug == slug)?;
        if !known.programs.iter().all(|program| machine.has(program)) {
            return None;
        }
        let action = parse_action(known.text).ok()?;
        Some(Self::Composite(known.slug, Box::new(action)))
    }
}

/// What `actions/checkout` is told.
pub(crate) struct CheckoutWish {
    pub(crate) git_ref: Option<String>,
    /// In the workspace.
    pub(crate) path: String,
    pub(crate) depth: Option<u32>,
}

impl CheckoutWish {
    /// # Errors
    /// A sentence about an input that is not served.
    pub(crate) fn new(inputs: &[(String, String)], repository: &str) -> Result<Self, String> {
        let input = |name: &str| {
            let found = inputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        if let Some(other) = input("repository").filter(|other| *other != repository) {
            return Err(format!("checking out another repository ({other}) is not served"));
        }
        let path = input("path").unwrap_or(".");
        let inside = Path::new(path)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
        if !inside {
            return Err(format!("`path: {path}` is outside of the workspace"));
        }
        let depth = input("fetch-depth").unwrap_or("1");
        let depth: u32 = depth
            .parse()
            .map_err(|_| format!("`fetch-depth: {depth}` is not a number of commits"))?;
        Ok(Self {
            git_ref: input("ref").map(str::to_owned),
            path: path.to_owned(),
            depth: (depth > 0).then_some(depth),
        })
    }
}

#[cfg(test)]
mod tests;
