//! What an instance can read about itself, by path.

use std::collections::BTreeMap;

use serde_json::json;

use super::Guest;

impl Guest {
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:ec2:{}:{}:instance/{}",
            self.region, self.account, self.instance_id
        )
    }

    /// The documents of the instance metadata service, below a version.
    pub fn documents(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::from([("dynamic/instance-identity/document".to_owned(), self.identity())]);
        let mut put = |path: &str, text: String| {
            all.insert(format!("meta-data/{path}"), text);
        };
        put("ami-id", self.image_id.clone());
        put("ami-launch-index", self.launch_index.to_string());
        put("ami-manifest-path", "(unknown)".to_owned());
        put("block-device-mapping/ami", device_name(&self.root_device));
        put("block-device-mapping/root", self.root_device.clone());
        put("hostname", self.hostname.clone());
        put("instance-action", "none".to_owned());
        put("instance-id", self.instance_id.clone());
        put("instance-life-cycle", self.lifecycle.to_owned());
        put("instance-type", self.instance_type.clone());
        put("local-hostname", self.hostname.clone());
        put("local-ipv4", self.address.to_string());
        put("mac", self.mac.clone());
        put("placement/availability-zone", self.zone.clone());
        put("placement/availability-zone-id", self.zone_id.clone());
        put("placement/region", self.region.clone());
        put("profile", "default-hvm".to_owned());
        put("reservation-id", self.reservation_id.clone());
        put("security-groups", self.group_names());
        put("services/domain", "amazonaws.com".to_owned());
        put("services/partition", "aws".to_owned());
        if let Some(address) = self.public_address {
            put("public-ipv4", address.to_string());
            put("public-hostname", self.public_name.clone().unwrap_or_default());
        }
        if let Some(key) = &self.key {
            put("public-keys/0/name", key.name.clone());
            put("public-keys/0/openssh-key", key.public.clone());
        }
        if let Some(profile) = &self.profile {
            let info = json!({
                "Code": "Success",
                "LastUpdated": self.launched_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "InstanceProfileArn": profile.arn,
                "InstanceProfileId": profile.id,
            });
            put("iam/info", info.to_string());
        }
        for (name, value) in self.tags.iter().flatten() {
            put(&format!("tags/instance/{name}"), value.clone());
        }
        self.interface(&mut put);
        all
    }

    fn interface(&self, put: &mut impl FnMut(&str, String)) {
        let mut put = |name: &str, text: String| {
            put(&format!("network/interfaces/macs/{}/{name}", self.mac), text);
        };
        let ids: Vec<&str> = self.groups.iter().map(|(id, _)| id.as_str()).collect();
        put("device-number", "0".to_owned());
        put("interface-id", self.interface_id.clone());
        put("local-hostname", self.hostname.clone());
        put("local-ipv4s", self.address.to_string());
        put("mac", self.mac.clone());
        put("owner-id", self.account.clone());
        put("security-group-ids", ids.join("\n"));
        put("security-groups", self.group_names());
        put("subnet-id", self.subnet.clone());
        put("subnet-ipv4-cidr-block", self.subnet_range.to_string());
        put("vpc-id", self.vpc.clone());
        put("vpc-ipv4-cidr-block", self.vpc_range.to_string());
        put("vpc-ipv4-cidr-blocks", self.vpc_range.to_string());
        if let Some(address) = self.public_address {
            put("public-ipv4s", address.to_string());
            put("public-hostname", self.public_name.clone().unwrap_or_default());
            put(&format!("ipv4-associations/{address}"), self.address.to_string());
        }
    }

    fn group_names(&self) -> String {
        let names: Vec<&str> = self.groups.iter().map(|(_, name)| name.as_str()).collect();
        names.join("\n")
    }

    fn identity(&self) -> String {
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let document = json!({
            "accountId": self.account,
            "architecture": architecture,
            "availabilityZone": self.zone,
            "billingProducts": null,
            "devpayProductCodes": null,
            "marketplaceProductCodes": null,
            "imageId": self.image_id,
            "instanceId": self.instance_id,
            "instanceType": self.instance_type,
            "kernelId": null,
            "pendingTime": self.launched_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "privateIp": self.address.to_string(),
            "ramdiskId": null,
            "region": self.region,
            "version": "2017-09-30",
        });
        format!("{document:#}")
    }
}

/// As the machine's image calls its root device.
fn device_name(device: &str) -> String {
    device.trim_start_matches("/dev/").to_owned()
}
