//! Terraform and its AWS provider, unmodified: a production set-up made, read back, changed and removed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cloud::{Cloud, root};
use crate::command::{get, run, shell};
use crate::image::load_busybox;

/// `terraform plan -detailed-exitcode` says so when there is nothing to do.
const NOTHING_TO_DO: i32 = 0;

/// Where the provider lies on this machine, if it has a copy: then nothing is downloaded.
fn plugins() -> Option<PathBuf> {
    let found = shell(
        "find / -xdev \\( -path /proc -o -path /sys -o -path /tmp \\) -prune -o -name 'terraform-provider-aws_v5.100*' -print -quit 2>/dev/null || true",
    );
    let provider = found.lines().next()?.to_owned();
    // <plugins>/<host>/<namespace>/<name>/<version>/<platform>/<file>
    Path::new(&provider).ancestors().nth(6).map(Path::to_owned)
}

struct Terraform<'a> {
    cloud: &'a Cloud,
    folder: PathBuf,
}

impl Terraform<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.cloud.client("terraform", words);
        command.current_dir(&self.folder).env_remove("TF_CLI_CONFIG_FILE");
        command
    }

    fn init(&self) {
        let mut command = self.command(&["init", "-no-color", "-input=false"]);
        if let Some(plugins) = plugins() {
            command.arg(format!("-plugin-dir={}", plugins.display()));
        }
        run(&mut command);
    }

    fn change(&self, words: &[&str], variables: &[&str]) -> String {
        let mut command = self.command(words);
        run(command
            .args(["-auto-approve", "-no-color", "-input=false"])
            .args(variables))
    }

    fn assert_empty_plan(&self, variables: &[&str]) {
        let mut command = self.command(&["plan", "-no-color", "-input=false", "-detailed-exitcode"]);
        let output = command.args(variables).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(NOTHING_TO_DO),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn terraform_makes_changes_and_removes_a_production_set_up() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let folder = cloud.state().join("terraform");
    std::fs::create_dir(&folder).unwrap();
    for file in ["main.tf", "names.tf", "monitoring.tf"] {
        let source = root().join("test/journey/terraform").join(file);
        std::fs::copy(source, folder.join(file)).unwrap();
    }
    let terraform = Terraform {
        cloud: &cloud,
        folder,
    };
    terraform.init();
    terraform.change(&["apply"], &[]);
    terraform.assert_empty_plan(&[]);
    let region = "--region eu-west-3";
    // Not every program resolves names below `localhost`.
    let place = "LoadBalancers[0].AvailabilityZones[0].LoadBalancerAddresses[0].IpAddress";
    let address = cloud.aws(&format!(
        "elbv2 describe-load-balancers --names shop {region} --query {place} --output text"
    ));
    assert_eq!(get(&format!("http://{address}/")), (200, "hello\n".to_owned()));

    let variables = ["-var", "greeting=hi", "-var", "desired=2"];
    let said = terraform.change(&["apply"], &variables);
    assert!(said.contains("0 added, 3 changed, 0 destroyed"), "{said}");
    terraform.assert_empty_plan(&variables);
    let described = cloud.aws_json(&format!(
        "ecs describe-services --cluster shop --services shop {region}"
    ));
    assert_eq!(described["services"][0]["runningCount"], 2);
    let instances = cloud.aws_json(&format!(
        "ecs describe-clusters --clusters shop {region} --query clusters[0].registeredContainerInstancesCount"
    ));
    assert_eq!(instances, 2, "the second copy needs an instance of its own");

    terraform.change(&["destroy"], &variables);
    assert_bare(&cloud, region);
    cloud.stop();
    cloud.assert_nothing_left();
}

/// What can be described is what was there before: the default VPC, and what AWS too remembers for a while.
fn assert_bare(cloud: &Cloud, region: &str) {
    for (call, query) in [
        ("ec2 describe-vpcs", "Vpcs[?!IsDefault].VpcId"),
        ("ec2 describe-subnets", "Subnets[?!DefaultForAz].SubnetId"),
        ("ec2 describe-addresses", "Addresses[].PublicIp"),
        (
            "ec2 describe-network-interfaces",
            "NetworkInterfaces[].NetworkInterfaceId",
        ),
        (
            "ec2 describe-instances",
            "Reservations[].Instances[?State.Name!=`terminated`].InstanceId[]",
        ),
        (
            "ec2 describe-launch-templates",
            "LaunchTemplates[].LaunchTemplateName",
        ),
        ("ec2 describe-key-pairs", "KeyPairs[].KeyName"),
        (
            "autoscaling describe-auto-scaling-groups",
            "AutoScalingGroups[].AutoScalingGroupName",
        ),
        (
            "elbv2 describe-load-balancers",
            "LoadBalancers[].LoadBalancerName",
        ),
        ("elbv2 describe-target-groups", "TargetGroups[].TargetGroupName"),
        ("route53 list-hosted-zones", "HostedZones[].Name"),
        ("route53 list-health-checks", "HealthChecks[].Id"),
        ("route53 list-reusable-delegation-sets", "DelegationSets[].Id"),
        ("servicediscovery list-namespaces", "Namespaces[].Name"),
        ("acm list-certificates", "CertificateSummaryList[].DomainName"),
        ("ecs list-clusters", "clusterArns"),
        ("ecr describe-repositories", "repositories[].repositoryName"),
        ("iam list-roles", "Roles[].RoleName"),
        (
            "iam list-instance-profiles",
            "InstanceProfiles[].InstanceProfileName",
        ),
        ("logs describe-log-groups", "logGroups[].logGroupName"),
        ("secretsmanager list-secrets", "SecretList[].Name"),
        ("ssm describe-parameters", "Parameters[].Name"),
    ] {
        let left = cloud.aws_json(&format!("{call} {region} --query {query}"));
        assert_eq!(left, serde_json::json!([]), "{call}");
    }
}
