//! Measured and scaled: metrics beside the kernel's own count, policies, schedules, activities.

use crate::cloud::Cloud;
use crate::command::run;
use crate::image::load_busybox;
use crate::inside::script;
use crate::names::dns;

#[test]
fn a_service_is_measured_and_scaled_by_what_is_measured() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let address = dns(&cloud);
    let said = script(&cloud, "scaling.py", &[&address]);
    assert_eq!(said, "measured\ntracked\nstepped\nscheduled");
    let top = run(&mut cloud.wharf(&["top", "--once", "--json"]));
    let view: serde_json::Value = serde_json::from_str(&top).unwrap();
    let service = &view["services"][0];
    assert_eq!(service["name"], "inside/web", "{view}");
    assert!(service["cpu_percent"].as_f64().unwrap() > 1.0, "{view}");
    assert!(service["memory_bytes"].as_f64().unwrap() > 64e6, "{view}");
    assert!(
        view["load_balancers"][0]["name"]
            .as_str()
            .unwrap()
            .starts_with("app/web/"),
        "{view}"
    );
    cloud.stop();
    cloud.assert_nothing_left();
}
