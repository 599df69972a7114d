//! What has to be said again with the next command, so that it means the same application.

use super::{TargetName, Where};

impl Where {
    /// Options with a blank before each; nothing where what is there by itself is meant.
    pub(crate) fn again(&self) -> String {
        let target = (self.target == TargetName::Aws).then_some("aws");
        let cluster = Some(self.cluster.as_str()).filter(|it| *it != client_deploy::CLUSTER_DEFAULT);
        let options = [
            ("target", target),
            ("cluster", cluster),
            ("profile", self.profile.as_deref()),
            ("region", self.region.as_deref()),
        ];
        options
            .iter()
            .filter_map(|(name, value)| Some(format!(" --{name} {}", (*value)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
