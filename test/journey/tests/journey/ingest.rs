//! What containers write is stored: all of it, once, in order, whoever dies meanwhile.

use crate::cloud::{Cloud, root};
use crate::command::run;
use crate::image::load_busybox;

fn script(cloud: &Cloud, name: &str, arguments: &[&str]) -> String {
    let script = root().join("test/journey/python").join(name);
    let mut python = cloud.client("python3", &[&[script.to_str().unwrap()], arguments].concat());
    run(python.env("WHARF_INSTANCE", cloud.instance()))
}

#[test]
fn thirty_deaths_lose_and_double_no_line() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    eprintln!("{}", script(&cloud, "ingest.py", &["30"]));
    cloud.stop();
    cloud.assert_nothing_left();
}

#[test]
fn twenty_containers_that_write_at_once_lose_nothing() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    eprintln!("{}", script(&cloud, "ingest_flood.py", &["20", "100000"]));
    cloud.stop();
    cloud.assert_nothing_left();
}
