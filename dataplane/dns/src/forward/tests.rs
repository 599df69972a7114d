use super::*;

#[test]
fn name_servers_are_read_as_the_c_library_reads_them() {
    let text = "# a comment\nsearch example.com\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 # two\nnameserver\n\
                nameserver fe80::1%eth0\nnameserver nonsense\nnameserver [192.0.2.3]:5353\noptions edns0\n";
    let read: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
    assert_eq!(read, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:5353"]);
}
