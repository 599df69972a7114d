//! Everything at random, with sudden death in between: what is described is there, and what is not, is not.

use crate::cloud::{Cloud, root, wharf};
use crate::command::run;
use crate::image::load_busybox;

const OPERATIONS: &str = "500";
/// `WHARF_SEED=7` chooses others; what they meet depends on when who is killed.
const SEED: &str = "1";

#[test]
fn five_hundred_operations_with_sudden_deaths_leave_nothing() {
    let seed = std::env::var("WHARF_SEED").unwrap_or_else(|_| SEED.to_owned());
    let operations = std::env::var("WHARF_STORM").unwrap_or_else(|_| OPERATIONS.to_owned());
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let script = root().join("test/journey/python/storm.py");
    let listen = format!("127.0.0.1:{}", cloud.port);
    let mut python = cloud.client(
        "python3",
        &[
            script.to_str().unwrap(),
            &seed,
            &operations,
            &listen,
            wharf().to_str().unwrap(),
        ],
    );
    python
        .env("WHARF_STATE_DIR", cloud.state())
        .env("WHARF_INSTANCE", cloud.instance());
    run(&mut python);
    cloud.stop();
    cloud.assert_nothing_left();
}
