//! The deployment guide's task definition on instances, and the script with which people build production.

use crate::cloud::Cloud;
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
