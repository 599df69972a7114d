//! What a local cloud was started with, kept so that its processes and every command agree.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base_id::{IdSource as _, RandomIds};
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Eight hexadecimal digits; names what this cloud has in the kernel.
    pub(crate) instance: String,
    pub(crate) listen: SocketAddr,
    /// Accept any well-formed signature.
    #[serde(default)]
    pub(crate) open: bool,
    /// Certificate authorities that RUN trusts; the machine's own when absent.
    #[serde(default)]
    pub(crate) build_ca_bundle: Option<PathBuf>,
    /// `docker.io=127.0.0.1:5000`: other hosts for a registry's images.
    #[serde(default)]
    pub(crate) registry_mirrors: Vec<String>,
    /// Folders with actions that workflows use.
    #[serde(default)]
    pub(crate) actions: Vec<PathBuf>,
    /// What the console asks for; without it the console is for this machine alone.
    #[serde(default)]
    pub(crate) console_password_file: Option<PathBuf>,
}

pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4566);

/// The account of a cloud that verifies signatures.
pub(crate) const ACCOUNT: &str = "000000000000";

/// Where distributions keep the machine's certificate authorities.
const MACHINE_CA_BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

impl Settings {
    pub(crate) fn new() -> Self {
        Self {
            instance: RandomIds.hex(8),
            listen: DEFAULT_LISTEN,
            open: false,
            build_ca_bundle: None,
            registry_mirrors: vec![],
            actions: vec![],
            console_password_file: None,
        }
    }

    pub(crate) fn load(state: &Path) -> anyhow::Result<Option<Self>> {
        let path = Layout::settings(state);
        match std::fs::read(&path) {
            Ok(text) => Ok(Some(
                serde_json::from_slice(&text)
                    .with_context(|| format!("{} cannot be read", path.display()))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    pub(crate) fn save(&self, state: &Path) -> anyhow::Result<()> {
        // Keys and logs are in there: for its owner only.
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state);
        made.with_context(|| format!("{} cannot be created", state.display()))?;
        write_private(&Layout::settings(state), &serde_json::to_vec_pretty(self)?)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Whose account a request without any hint is for.
    pub(crate) fn account(&self) -> &'static str {
        if self.open {
            aws_signature::OPEN_ACCOUNT
        } else {
            ACCOUNT
        }
    }

    pub(crate) fn ca_bundle(&self) -> Option<PathBuf> {
        let machine = || {
            MACHINE_CA_BUNDLES
                .iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
        };
        self.build_ca_bundle.clone().or_else(machine)
    }
}

/// The key by which this cloud's commands sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

/// Replaces a file that only root may read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let new = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        std::fs::rename(&new, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
