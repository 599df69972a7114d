use super::*;

fn one(name: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), "1".to_owned())]
}

#[test]
fn parameters_are_told_apart_by_their_namespace() {
    let mut asked = one("net.core.somaxconn");
    asked.extend(one("kernel.sem"));
    asked.extend(one("fs.mqueue.msg_max"));
    let sysctls = resolve(&asked, false).unwrap();
    assert_eq!(sysctls.network, one("net.core.somaxconn"));
    assert_eq!(sysctls.ipc.len(), 2);
    assert_eq!(
        resolve(&asked, true).unwrap_err(),
        "sysctl \"kernel.sem\" is not allowed in the IPC namespace of the host"
    );
}

#[test]
fn the_machines_own_are_refused() {
    for name in [
        "kernel.panic",
        "vm.swappiness",
        "net./../kernel.panic",
        "net...kernel",
        "net.ipv4/ip_forward",
        "kernel.sem/x",
        "",
    ] {
        assert_eq!(
            resolve(&one(name), false).unwrap_err(),
            format!("sysctl {name:?} is not in a separate kernel namespace")
        );
    }
}
