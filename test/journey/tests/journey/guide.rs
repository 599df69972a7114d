//! The deployment guide's task definition on instances, and the script with which people build production.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::command::get;
use crate::image::load_busybox;
use crate::inside::script;

#[test]
fn the_guides_task_definition_runs_as_written_on_instances() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let said = script(&cloud, "guide.py", &[]);
    assert_eq!(said, "live\ntwo\nrecovered\ndeleted");
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn production_is_built_once_and_left_alone_the_second_time() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let build = || -> Value {
        let said = script(&cloud, "production.py", &[]);
        serde_json::from_str(said.lines().last().unwrap()).unwrap()
    };
    let (first, second) = (build(), build());
    assert_eq!(first["stands"], second["stands"]);
    let made = first["made"].as_array().unwrap();
    assert_eq!(made.len(), 26, "{made:?}");
    assert!(second["made"].as_array().unwrap().is_empty(), "{second}");
    let balancers = cloud.aws_json("elbv2 describe-load-balancers --names production");
    let zone = &balancers["LoadBalancers"][0]["AvailabilityZones"][0];
    let address = zone["LoadBalancerAddresses"][0]["IpAddress"].as_str().unwrap();
    assert_eq!(get(&format!("http://{address}/")).1, "well\n");
    cloud.stop();
    cloud.assert_nothing_left();
}
