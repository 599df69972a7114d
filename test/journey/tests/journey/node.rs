//! The JavaScript SDK, which takes answers less lightly than others do.

use crate::cloud::{Cloud, root};
use crate::command::run;
use crate::image::load_busybox;

#[test]
fn the_javascript_sdk_accepts_every_answer() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let folder = root().join("test/journey/node");
    let script = folder.join("waiters.js");
    let mut node = cloud.client("node", &[script.to_str().unwrap()]);
    assert_eq!(run(node.current_dir(&folder)), "done");
}
