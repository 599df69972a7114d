//! What HTTPS listeners prove, and how.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tls {
    /// ARNs; the first is the default one.
    pub(crate) certificates: Vec<String>,
    pub(crate) policy: String,
}

/// The policy of a listener that names none.
pub(crate) const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// AWS's policies that ask for no more than what is spoken here: TLS 1.2 and 1.3 with forward secrecy. Those that would
/// let older versions in are served without them.
const POLICIES: [(&str, &[&str]); 8] = [
    ("ELBSecurityPolicy-2016-08", &["TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-2-2017-01", &["TLSv1.2"]),
    ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", &["TLSv1.2"]),
    ("ELBSecurityPolicy-FS-1-2-Res-2020-10", &["TLSv1.2"]),
    ("ELBSecurityPolicy-TLS13-1-2-2021-06", &["TLSv1.2", "TLSv1.3"]),
    ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", &["TLSv1.2", "TLSv1.3"]),
    (
        "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
        &["TLSv1.2", "TLSv1.3"],
    ),
    ("ELBSecurityPolicy-TLS13-1-3-2021-06", &["TLSv1.3"]),
];

/// Names and versions of all policies, or of these.
pub(crate) fn policies() -> &'static [(&'static str, &'static [&'static str])] {
    &POLICIES
}

/// The versions of TLS that a policy allows.
pub(crate) fn versions(policy: &str) -> Option<&'static [&'static str]> {
    let found = POLICIES.iter().find(|(name, _)| *name == policy)?;
    Some(found.1)
}
