use super::*;

fn place(target: TargetName, cluster: &str, region: Option<&str>) -> Where {
    Where {
        target,
        cluster: cluster.into(),
        profile: None,
        region: region.map(str::to_owned),
    }
}

#[test]
fn what_is_there_by_itself_is_not_said() {
    let usual = place(TargetName::Local, client_deploy::CLUSTER_DEFAULT, None);
    assert_eq!(usual.again(), "");
}

#[test]
fn what_was_chosen_is_said_again() {
    let chosen = place(TargetName::Aws, "shop", Some("eu-west-1"));
    assert_eq!(chosen.again(), " --target aws --cluster shop --region eu-west-1");
}
