use super::*;

const DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 1234567      89    1    2    0     0          0         0     7654      32    3    4    0     0       0          0
";

#[test]
fn the_interface_is_what_is_not_loopback() {
    let usage = interface(DEV, |name| name != "lo").unwrap();
    assert_eq!(
        (
            usage.received_bytes,
            usage.received_packets,
            usage.received_errors,
            usage.received_dropped
        ),
        (1_234_567, 89, 1, 2)
    );
    assert_eq!(
        (
            usage.sent_bytes,
            usage.sent_packets,
            usage.sent_errors,
            usage.sent_dropped
        ),
        (7654, 32, 3, 4)
    );
    let loopback: Vec<&str> = DEV.lines().take(3).collect();
    assert_eq!(interface(&loopback.join("\n"), |name| name != "lo"), None);
}

#[test]
fn files_with_two_names_count_once() {
    let place = std::env::temp_dir().join(format!("wharf-usage-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("deep")).unwrap();
    fs::write(place.join("deep/file"), vec![1; 100_000]).unwrap();
    let once = on_disk(vec![place.clone()]);
    assert!(once >= 100_000, "{once}");
    fs::hard_link(place.join("deep/file"), place.join("twin")).unwrap();
    assert_eq!(on_disk(vec![place.clone()]), once);
    fs::remove_dir_all(place).unwrap();
}
