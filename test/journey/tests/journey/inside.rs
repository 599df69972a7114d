//! Task definitions field by field: registered, read back, and seen from inside containers.

use crate::cloud::{Cloud, root};
use crate::command::run;
use crate::image::load_busybox;

/// Runs one of the scripts beside this test against a cloud.
pub fn script(cloud: &Cloud, name: &str, arguments: &[&str]) -> String {
    let path = root().join("test/journey/python").join(name);
    let mut words = vec![path.to_str().unwrap()];
    words.extend(arguments);
    run(&mut cloud.client("python3", &words))
}

#[test]
fn every_field_of_a_task_definition_is_seen_from_inside() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let said = script(&cloud, "inside.py", &[]);
    assert_eq!(said, "fargate\nmachine\noverrides\nfailures");
    cloud.stop();
    cloud.assert_nothing_left();
}
