//! What a container may use of memory and swap beyond its hard limit: files of its control group.

use contract::task::Linux;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub limit_mib: Option<u32>,
    pub reservation_mib: Option<u32>,
    /// Beyond memory; 0 is none.
    pub swap_mib: Option<u32>,
    /// 0 to 100.
    pub swappiness: Option<u8>,
}

/// A file of a control group, what to write, and what to say when this machine does not have the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub file: &'static str,
    pub value: String,
    pub otherwise: String,
}

impl Memory {
    pub fn new(limit_mib: Option<u32>, reservation_mib: Option<u32>, linux: &Linux) -> Self {
        Self {
            limit_mib,
            reservation_mib,
            swap_mib: linux.max_swap_mib,
            swappiness: linux.swappiness,
        }
    }

    /// In the order in which the kernel takes them: the limit before the one for memory and swap, which may not be
    /// lower.
    pub fn settings(&self, unified: bool) -> Vec<Setting> {
        let bytes = |mib: u32| (u64::from(mib) << 20).to_string();
        let mut settings = Vec::new();
        let mut set = |file, value, otherwise: &str| {
            settings.push(Setting {
                file,
                value,
                otherwise: otherwise.to_owned(),
            });
        };
        if let Some(limit) = self.limit_mib {
            let file = if unified {
                "memory.max"
            } else {
                "memory.limit_in_bytes"
            };
            set(file, bytes(limit), "memory was not limited: this machine cannot");
        }
        if let Some(reservation) = self.reservation_mib {
            let file = if unified {
                "memory.low"
            } else {
                "memory.soft_limit_in_bytes"
            };
            let otherwise = "memory was not reserved: this machine cannot";
            set(file, bytes(reservation), otherwise);
        }
        if let (Some(swap), true) = (self.swap_mib, unified) {
            let otherwise = "swap was not limited: this machine does not account for it";
            set("memory.swap.max", bytes(swap), otherwise);
        }
        if let (Some(swap), Some(limit), false) = (self.swap_mib, self.limit_mib, unified) {
            let otherwise = "swap was not limited: this machine does not account for it";
            let both = bytes(limit.saturating_add(swap));
            set("memory.memsw.limit_in_bytes", both, otherwise);
        }
        if let Some(swappiness) = self.swappiness {
            let otherwise = "swappiness was not set: control groups of version 2 have none";
            set("memory.swappiness", swappiness.to_string(), otherwise);
        }
        settings
    }

    /// What cannot be given, whatever the machine.
    pub fn note(&self, unified: bool) -> Option<String> {
        (!unified && self.swap_mib.is_some() && self.limit_mib.is_none()).then(|| {
            "swap was not limited: it is limited together with memory, which has no limit".to_owned()
        })
    }
}

#[cfg(test)]
mod tests;
