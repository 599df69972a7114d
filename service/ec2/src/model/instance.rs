//! Instances, as they are stored: what they were launched from, and what they shall do.

use std::net::Ipv4Addr;

use contract::task::{ObservedTask, TaskPhase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    /// All instances of one RunInstances share it.
    pub(crate) reservation: String,
    pub(crate) launch_index: u32,
    pub(crate) token: Option<Token>,
    pub(crate) image: String,
    pub(crate) kind: String,
    pub(crate) key: Option<Key>,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    /// The primary network interface.
    pub(crate) interface: String,
    pub(crate) address: Ipv4Addr,
    /// Gets a public address at every start.
    pub(crate) public: bool,
    pub(crate) profile: Option<Profile>,
    /// Base64.
    pub(crate) user_data: Option<String>,
    pub(crate) metadata: MetadataOptions,
    pub(crate) monitoring: bool,
    pub(crate) termination_protection: bool,
    pub(crate) stop_protection: bool,
    pub(crate) shutdown: Shutdown,
    pub(crate) ebs_optimized: bool,
    /// Of burstable types: `standard` or `unlimited`.
    pub(crate) credits: Option<String>,
    pub(crate) volume: Volume,
    /// When it was last started.
    pub(crate) launched_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) life: Life,
    /// Why it is no longer running.
    pub(crate) reason: Option<Reason>,
    pub(crate) tags: Tags,
}

/// Of the request that launched it, which may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Digest of the request.
    pub(crate) request: String,
}

/// The key pair as it was at launch: the instance keeps it when the pair is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// In the form of `authorized_keys`.
    pub(crate) public: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) arn: String,
    pub(crate) id: String,
    /// Of its association with the instance.
    pub(crate) association: String,
    pub(crate) since: Timestamp,
}

impl Profile {
    pub(crate) fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetadataOptions {
    /// Only with a session token (version 2).
    pub(crate) tokens_required: bool,
    pub(crate) hop_limit: u8,
    pub(crate) endpoint: bool,
    pub(crate) tags: bool,
}

/// The root disk: a directory of the machine, of which the size is only told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) size_gib: u32,
    pub(crate) kind: String,
    pub(crate) iops: Option<u32>,
    pub(crate) throughput: Option<u32>,
    pub(crate) encrypted: bool,
    pub(crate) delete_on_termination: bool,
    pub(crate) snapshot: String,
    pub(crate) tags: Tags,
}

/// What a shutdown from inside the instance means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shutdown {
    Stop,
    Terminate,
}

impl Shutdown {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
        }
    }
}

/// AWS's code and sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) message: String,
    /// In parentheses behind `User initiated`.
    pub(crate) at: Timestamp,
}

/// What the instance shall do. Every boot is a task of its own, which is named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Life {
    Up {
        boot: String,
        /// Not its first boot.
        again: bool,
        /// It was running before, and is said to be running while it starts again.
        reboot: bool,
    },
    /// Ends, and is started again at once under another name.
    Rebooting {
        boot: String,
    },
    Stopping {
        boot: String,
        force: bool,
    },
    Stopped {
        boot: String,
    },
    ShuttingDown {
        boot: String,
        force: bool,
    },
    Terminated {
        at: Timestamp,
    },
}

/// What is told of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl State {
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl Instance {
    /// The task that is its boot, as long as it has a disk.
    pub(crate) fn boot(&self) -> Option<&str> {
        match &self.life {
            Life::Up { boot, .. }
            | Life::Rebooting { boot }
            | Life::Stopping { boot, .. }
            | Life::Stopped { boot }
            | Life::ShuttingDown { boot, .. } => Some(boot),
            Life::Terminated { .. } => None,
        }
    }

    /// Its state, given what is seen of its boot.
    pub(crate) fn state(&self, seen: Option<&ObservedTask>) -> State {
        match &self.life {
            Life::Up { reboot, .. } => match seen.map(|seen| seen.phase) {
                None | Some(TaskPhase::Provisioning | TaskPhase::Pending) if *reboot => State::Running,
                None | Some(TaskPhase::Provisioning | TaskPhase::Pending) => State::Pending,
                Some(TaskPhase::Running) => State::Running,
                Some(TaskPhase::Stopping | TaskPhase::Stopped) => match self.shutdown {
                    Shutdown::Stop => State::Stopping,
                    Shutdown::Terminate => State::ShuttingDown,
                },
            },
            Life::Rebooting { .. } => State::Running,
            Life::Stopping { .. } => State::Stopping,
            Life::Stopped { .. } => State::Stopped,
            Life::ShuttingDown { .. } => State::ShuttingDown,
            Life::Terminated { .. } => State::Terminated,
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.life, Life::Terminated { .. })
    }

    /// The VPC's name for it.
    pub(crate) fn private_name(&self, region: &str) -> String {
        super::private_name(self.address, region)
    }
}

/// The name that a public address has in the world.
pub(crate) fn public_name(address: Ipv4Addr, region: &str) -> String {
    let host = address.to_string().replace('.', "-");
    match region {
        "us-east-1" => format!("ec2-{host}.compute-1.amazonaws.com"),
        other => format!("ec2-{host}.{other}.compute.amazonaws.com"),
    }
}
