//! Images: the names that people ask for. All of them run the machine's own programs.

use sha2::{Digest as _, Sha256};

use super::instance_type::ARCHITECTURE;

/// A machine image, the same in every account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: &'static str,
    /// `amazon`, where the owner is one of Amazon's accounts.
    pub(crate) owner_alias: Option<&'static str>,
    pub(crate) root_device: &'static str,
    pub(crate) snapshot: String,
    pub(crate) size_gib: u32,
    pub(crate) volume_type: &'static str,
    /// RFC 3339 with milliseconds.
    pub(crate) created: String,
    pub(crate) boot_mode: &'static str,
    pub(crate) imds: Option<&'static str>,
}

/// A line of images that is built again and again.
struct Line {
    owner: &'static str,
    owner_alias: Option<&'static str>,
    /// `{v}` is the build, `{a}` the architecture.
    name: &'static str,
    description: &'static str,
    root_device: &'static str,
    size_gib: u32,
    volume_type: &'static str,
    imds: Option<&'static str>,
    /// Build and day, oldest first.
    builds: &'static [(&'static str, &'static str)],
}

const AMAZON: &str = "137112412989";
const AMAZON_ECS: &str = "591542846629";
const CANONICAL: &str = "099720109477";

const LINES: &[Line] = &[
    Line {
        owner: AMAZON_ECS,
        owner_alias: Some("amazon"),
        name: "amzn2-ami-ecs-hvm-2.0.{v}-{a}-ebs",
        description: "Amazon Linux AMI 2.0.{v} {a} ECS HVM GP2",
        root_device: "/dev/xvda",
        size_gib: 30,
        volume_type: "gp2",
        imds: None,
        builds: &[("20250610", "2025-06-10"), ("20250805", "2025-08-05")],
    },
    Line {
        owner: AMAZON_ECS,
        owner_alias: Some("amazon"),
        name: "al2023-ami-ecs-hvm-2023.0.{v}-kernel-6.1-{a}",
        description: "Amazon Linux AMI 2023.0.{v} {a} ECS HVM EBS",
        root_device: "/dev/xvda",
        size_gib: 30,
        volume_type: "gp3",
        imds: Some("v2.0"),
        builds: &[("20250610", "2025-06-10"), ("20250805", "2025-08-05")],
    },
    Line {
        owner: AMAZON,
        owner_alias: Some("amazon"),
        name: "amzn2-ami-hvm-2.0.{v}-{a}-gp2",
        description: "Amazon Linux 2 AMI 2.0.{v} {a} HVM gp2",
        root_device: "/dev/xvda",
        size_gib: 8,
        volume_type: "gp2",
        imds: None,
        builds: &[("20250623.0", "2025-06-23"), ("20250728.1", "2025-07-28")],
    },
    Line {
        owner: AMAZON,
        owner_alias: Some("amazon"),
        name: "amzn2-ami-kernel-5.10-hvm-2.0.{v}-{a}-gp2",
        description: "Amazon Linux 2 Kernel 5.10 AMI 2.0.{v} {a} HVM gp2",
        root_device: "/dev/xvda",
        size_gib: 8,
        volume_type: "gp2",
        imds: None,
        builds: &[("20250623.0", "2025-06-23"), ("20250728.1", "2025-07-28")],
    },
    Line {
        owner: AMAZON,
        owner_alias: Some("amazon"),
        name: "al2023-ami-{v}-kernel-6.1-{a}",
        description: "Amazon Linux 2023 AMI {v} {a} HVM kernel-6.1",
        root_device: "/dev/xvda",
        size_gib: 8,
        volume_type: "gp3",
        imds: Some("v2.0"),
        builds: &[
            ("2023.7.20250623.1", "2025-06-24"),
            ("2023.8.20250808.1", "2025-08-08"),
        ],
    },
    Line {
        owner: CANONICAL,
        owner_alias: None,
        name: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{d}-server-{v}",
        description: "Canonical, Ubuntu, 22.04 LTS, {d} jammy image build on {v}",
        root_device: "/dev/sda1",
        size_gib: 8,
        volume_type: "gp2",
        imds: None,
        builds: &[("20250610", "2025-06-10"), ("20250728", "2025-07-28")],
    },
    Line {
        owner: CANONICAL,
        owner_alias: None,
        name: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{d}-server-{v}",
        description: "Canonical, Ubuntu, 24.04, {d} noble image build on {v}",
        root_device: "/dev/sda1",
        size_gib: 8,
        volume_type: "gp3",
        imds: Some("v2.0"),
        builds: &[("20250610", "2025-06-10"), ("20250804", "2025-08-04")],
    },
];

/// All images of a region.
pub(crate) fn all(region: &str) -> Vec<Image> {
    LINES
        .iter()
        .flat_map(|line| line.builds.iter().map(move |build| of(region, line, build)))
        .collect()
}

pub(crate) fn find(region: &str, id: &str) -> Option<Image> {
    all(region).into_iter().find(|image| image.id == id)
}

fn of(region: &str, line: &Line, (build, day): &(&str, &str)) -> Image {
    let debian = if ARCHITECTURE == "arm64" { "arm64" } else { "amd64" };
    let fill = |text: &str| {
        text.replace("{v}", build)
            .replace("{a}", ARCHITECTURE)
            .replace("{d}", debian)
    };
    let name = fill(line.name);
    Image {
        id: stable("ami", region, &name),
        snapshot: stable("snap", region, &name),
        description: fill(line.description),
        owner: line.owner,
        owner_alias: line.owner_alias,
        root_device: line.root_device,
        size_gib: line.size_gib,
        volume_type: line.volume_type,
        created: format!("{day}T18:00:00.000Z"),
        boot_mode: if ARCHITECTURE == "arm64" {
            "uefi"
        } else {
            "uefi-preferred"
        },
        imds: line.imds,
        name,
    }
}

/// An id that this name has in this region on every machine and for ever.
fn stable(kind: &str, region: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind} {region} {name}"));
    let digits: String = digest.iter().take(9).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}-{}", &digits[..17])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_differ_by_region_and_name() {
        let here = all("us-east-1");
        assert_eq!(here, all("us-east-1"));
        let mut ids: Vec<_> = here
            .iter()
            .chain(&all("eu-west-1"))
            .map(|it| it.id.clone())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2 * here.len());
        assert!(ids.iter().all(|id| id.len() == "ami-".len() + 17));
    }
}
