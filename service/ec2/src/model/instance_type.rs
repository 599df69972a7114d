//! Instance types: how many processors, how much memory, how many interfaces.

/// One instance type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InstanceType {
    pub(crate) name: String,
    pub(crate) family: &'static Family,
    pub(crate) vcpus: u32,
    pub(crate) memory_mib: u32,
    pub(crate) interfaces_max: u32,
    pub(crate) addresses_per_interface: u32,
}

/// What all sizes of a family share.
#[derive(Debug, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) burstable: bool,
    pub(crate) current: bool,
    pub(crate) hypervisor: &'static str,
    pub(crate) manufacturer: &'static str,
    pub(crate) clock_ghz: f64,
    /// In AWS's words.
    pub(crate) network: &'static str,
    pub(crate) threads_per_core: u32,
    sizes: &'static [Size],
}

/// Name, vCPUs, MiB of memory, interfaces, IPv4 addresses of each.
type Size = (&'static str, u32, u32, u32, u32);

const SMALL: &[Size] = &[
    ("nano", 2, 512, 2, 2),
    ("micro", 2, 1024, 2, 2),
    ("small", 2, 2048, 3, 4),
    ("medium", 2, 4096, 3, 6),
    ("large", 2, 8192, 3, 12),
    ("xlarge", 4, 16_384, 4, 15),
    ("2xlarge", 8, 32_768, 4, 15),
];
const T2: &[Size] = &[
    ("nano", 1, 512, 2, 2),
    ("micro", 1, 1024, 2, 2),
    ("small", 1, 2048, 3, 4),
    ("medium", 2, 4096, 3, 6),
    ("large", 2, 8192, 3, 12),
    ("xlarge", 4, 16_384, 3, 15),
    ("2xlarge", 8, 32_768, 3, 15),
];
const GENERAL: &[Size] = &[
    ("large", 2, 8192, 3, 10),
    ("xlarge", 4, 16_384, 4, 15),
    ("2xlarge", 8, 32_768, 4, 15),
    ("4xlarge", 16, 65_536, 8, 30),
    ("8xlarge", 32, 131_072, 8, 30),
    ("12xlarge", 48, 196_608, 8, 30),
    ("16xlarge", 64, 262_144, 15, 50),
    ("24xlarge", 96, 393_216, 15, 50),
];
const GRAVITON: &[Size] = &[
    ("medium", 1, 4096, 2, 4),
    ("large", 2, 8192, 3, 10),
    ("xlarge", 4, 16_384, 4, 15),
    ("2xlarge", 8, 32_768, 4, 15),
    ("4xlarge", 16, 65_536, 8, 30),
];
const C5: &[Size] = &[
    ("large", 2, 4096, 3, 10),
    ("xlarge", 4, 8192, 4, 15),
    ("2xlarge", 8, 16_384, 4, 15),
    ("4xlarge", 16, 32_768, 8, 30),
    ("9xlarge", 36, 73_728, 8, 30),
    ("12xlarge", 48, 98_304, 8, 30),
    ("18xlarge", 72, 147_456, 15, 50),
    ("24xlarge", 96, 196_608, 15, 50),
];
const C6I: &[Size] = &[
    ("large", 2, 4096, 3, 10),
    ("xlarge", 4, 8192, 4, 15),
    ("2xlarge", 8, 16_384, 4, 15),
    ("4xlarge", 16, 32_768, 8, 30),
    ("8xlarge", 32, 65_536, 8, 30),
    ("12xlarge", 48, 98_304, 8, 30),
    ("16xlarge", 64, 131_072, 15, 50),
    ("24xlarge", 96, 196_608, 15, 50),
];
const MEMORY: &[Size] = &[
    ("large", 2, 16_384, 3, 10),
    ("xlarge", 4, 32_768, 4, 15),
    ("2xlarge", 8, 65_536, 4, 15),
    ("4xlarge", 16, 131_072, 8, 30),
    ("8xlarge", 32, 262_144, 8, 30),
    ("12xlarge", 48, 393_216, 8, 30),
    ("16xlarge", 64, 524_288, 15, 50),
    ("24xlarge", 96, 786_432, 15, 50),
];

const fn intel(name: &'static str, clock_ghz: f64, network: &'static str, sizes: &'static [Size]) -> Family {
    Family {
        name,
        architecture: X86,
        burstable: false,
        current: true,
        hypervisor: "nitro",
        manufacturer: "Intel",
        clock_ghz,
        network,
        threads_per_core: 2,
        sizes,
    }
}

const fn graviton(name: &'static str, network: &'static str, sizes: &'static [Size]) -> Family {
    Family {
        architecture: ARM,
        manufacturer: "AWS",
        threads_per_core: 1,
        ..intel(name, 2.5, network, sizes)
    }
}

const X86: &str = "x86_64";
const ARM: &str = "arm64";

/// What programs of this machine are made for: nothing else can run in an instance, which has no emulator.
pub(crate) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { ARM } else { X86 };

static FAMILIES: &[Family] = &[
    Family {
        burstable: true,
        hypervisor: "xen",
        threads_per_core: 1,
        ..intel("t2", 2.3, "Low to Moderate", T2)
    },
    Family {
        burstable: true,
        ..intel("t3", 2.5, "Up to 5 Gigabit", SMALL)
    },
    Family {
        burstable: true,
        manufacturer: "AMD",
        ..intel("t3a", 2.2, "Up to 5 Gigabit", SMALL)
    },
    Family {
        burstable: true,
        ..graviton("t4g", "Up to 5 Gigabit", SMALL)
    },
    intel("m5", 3.1, "Up to 10 Gigabit", GENERAL),
    intel("m6i", 3.5, "Up to 12.5 Gigabit", GENERAL),
    graviton("m6g", "Up to 10 Gigabit", GRAVITON),
    intel("c5", 3.4, "Up to 10 Gigabit", C5),
    intel("c6i", 3.5, "Up to 12.5 Gigabit", C6I),
    intel("r5", 3.1, "Up to 10 Gigabit", MEMORY),
];

/// What RunInstances takes when nothing is asked for. AWS's own choice, m1.small, is none of these.
pub(crate) const DEFAULT: &str = if cfg!(target_arch = "aarch64") {
    "t4g.small"
} else {
    "t3.small"
};

/// All types that can run on this machine, by name.
pub(crate) fn all() -> Vec<InstanceType> {
    let families = FAMILIES
        .iter()
        .filter(|family| family.architecture == ARCHITECTURE);
    families
        .flat_map(|family| family.sizes.iter().map(move |size| of(family, size)))
        .collect()
}

pub(crate) fn find(name: &str) -> Option<InstanceType> {
    let (family, size) = name.split_once('.')?;
    let family = FAMILIES
        .iter()
        .find(|it| it.name == family && it.architecture == ARCHITECTURE)?;
    let size = family.sizes.iter().find(|it| it.0 == size)?;
    Some(of(family, size))
}

fn of(family: &'static Family, size: &Size) -> InstanceType {
    InstanceType {
        name: format!("{}.{}", family.name, size.0),
        family,
        vcpus: size.1,
        memory_mib: size.2,
        interfaces_max: size.3,
        addresses_per_interface: size.4,
    }
}

impl InstanceType {
    pub(crate) fn cores(&self) -> u32 {
        (self.vcpus / self.family.threads_per_core).max(1)
    }

    pub(crate) fn threads_per_core(&self) -> u32 {
        self.vcpus / self.cores()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        let all = all();
        assert!(all.len() > 20);
        for one in &all {
            assert_eq!(find(&one.name).as_ref(), Some(one));
        }
        assert!(find(DEFAULT).is_some());
        assert!(find("m5").is_none() && find("p9.large").is_none());
    }
}
