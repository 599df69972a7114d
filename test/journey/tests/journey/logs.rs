//! CloudWatch Logs as boto3 and the AWS CLI use it: searched, queried, counted, sent on, watched.

use crate::cloud::Cloud;
use crate::inside::script;

#[test]
fn logs_are_searched_queried_sent_on_and_watched() {
    let cloud = Cloud::start(&[]);
    let said = script(&cloud, "logs.py", &[]);
    assert_eq!(
        said,
        "patterns\ninsights\nfilters\nsubscription\nlive tail\nalarm"
    );
    cloud.stop();
    cloud.assert_nothing_left();
}
