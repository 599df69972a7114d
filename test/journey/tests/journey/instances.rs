//! Instances, groups of them, and what runs there, as boto3 sees it.

use crate::cloud::Cloud;
use crate::command::run;
use crate::image::load_busybox;

#[test]
fn instances_live_and_carry_tasks() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let script = crate::cloud::root().join("test/journey/python/instances.py");
    run(&mut cloud.client("python3", &[script.to_str().unwrap()]));
}

#[test]
fn an_instance_is_measured() {
    let cloud = Cloud::start(&[]);
    let script = crate::cloud::root().join("test/journey/python/instance_metrics.py");
    run(&mut cloud.client("python3", &[script.to_str().unwrap()]));
}
