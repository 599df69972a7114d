use super::*;

struct Bench {
    folder: tempfile::TempDir,
    machine: Machine,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    let [etc, run] = ["etc", "run"].map(|name| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("it is made");
        path
    });
    let machine = Machine {
        etc,
        run,
        memory: folder.path().join("memory.json"),
        instance: "0a1b2c3d".to_owned(),
    };
    Bench { folder, machine }
}

fn server(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 53, 1, 2], port))
}

impl Bench {
    fn conf(&self) -> PathBuf {
        self.machine.resolv_conf()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(self.conf()).expect("it is there")
    }

    fn resolved(&self) {
        let folder = self.machine.run.join("systemd/resolve");
        std::fs::create_dir_all(&folder).expect("it is made");
        std::fs::write(folder.join("io.systemd.Resolve"), "").expect("it is written");
        std::fs::write(folder.join("stub-resolv.conf"), "nameserver 127.0.0.53\n").expect("it is written");
        std::os::unix::fs::symlink(folder.join("stub-resolv.conf"), self.conf()).expect("it is linked");
    }
}

#[test]
fn a_file_is_as_it_was_to_the_byte() {
    let bench = bench();
    let before = "# mine\nnameserver 192.0.2.53\nsearch a b\noptions edns0";
    std::fs::write(bench.conf(), before).expect("it is written");
    std::fs::set_permissions(bench.conf(), std::fs::Permissions::from_mode(0o640)).expect("it is set");
    for domain in ["Example.com.", "shop.test", "example.com"] {
        bench.machine.install(domain, server(53)).expect(domain);
    }
    assert_eq!(bench.read(), format!("{MARK}\nnameserver 127.53.1.2\n{before}"));
    assert_eq!(
        bench.machine.domains().expect("they are known"),
        ["example.com", "shop.test"]
    );
    bench.machine.remove("example.com", server(53)).expect("it goes");
    assert!(bench.read().contains("127.53.1.2"));
    bench.machine.remove("shop.test", server(53)).expect("it goes");
    assert_eq!(bench.read(), before);
    let mode = std::fs::metadata(bench.conf())
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(!bench.machine.memory.exists());
    let again = bench.machine.remove("shop.test", server(53));
    assert!(matches!(again, Err(MachineError::NotInstalled(_))));
}

#[test]
fn a_link_is_a_link_again_and_nothing_is_nothing() {
    let bench = bench();
    let target = bench.folder.path().join("elsewhere");
    std::fs::write(&target, "nameserver 192.0.2.53\n").expect("it is written");
    std::os::unix::fs::symlink(&target, bench.conf()).expect("it is linked");
    bench
        .machine
        .install("example.com", server(53))
        .expect("it is installed");
    assert!(bench.read().starts_with(MARK));
    assert_eq!(
        std::fs::read_to_string(&target).expect("it is there"),
        "nameserver 192.0.2.53\n"
    );
    bench.machine.remove("example.com", server(53)).expect("it goes");
    assert_eq!(std::fs::read_link(bench.conf()).expect("it is a link"), target);
    std::fs::remove_file(bench.conf()).expect("it goes");
    bench
        .machine
        .install("example.com", server(53))
        .expect("it is installed");
    bench.machine.remove("example.com", server(53)).expect("it goes");
    assert!(!bench.conf().exists());
}

#[test]
fn what_others_have_written_since_stays() {
    let bench = bench();
    std::fs::write(bench.conf(), "nameserver 192.0.2.53\n").expect("it is written");
    bench
        .machine
        .install("example.com", server(53))
        .expect("it is installed");
    std::fs::write(bench.conf(), format!("{}nameserver 192.0.2.54\n", bench.read())).expect("it is written");
    bench.machine.remove("example.com", server(53)).expect("it goes");
    assert_eq!(bench.read(), "nameserver 192.0.2.53\nnameserver 192.0.2.54\n");
}

#[test]
fn what_others_have_written_between_two_domains_stays_too() {
    let bench = bench();
    std::fs::write(bench.conf(), "nameserver 192.0.2.53\n").expect("it is written");
    bench
        .machine
        .install("a.test", server(53))
        .expect("it is installed");
    std::fs::write(bench.conf(), "nameserver 192.0.2.99\n").expect("it is written");
    bench
        .machine
        .install("b.test", server(53))
        .expect("it is installed");
    assert!(
        bench.read().ends_with("127.53.1.2\nnameserver 192.0.2.99\n"),
        "{}",
        bench.read()
    );
    bench.machine.remove("a.test", server(53)).expect("it goes");
    bench.machine.remove("b.test", server(53)).expect("it goes");
    assert_eq!(bench.read(), "nameserver 192.0.2.99\n");
}

#[test]
fn systemd_resolved_is_told_of_the_domains_alone() {
    let bench = bench();
    bench.resolved();
    let installed = bench
        .machine
        .install("example.com", server(5300))
        .expect("any port will do");
    assert_eq!(installed.follow, Follow::ReloadResolved);
    bench
        .machine
        .install("shop.test", server(5300))
        .expect("it is installed");
    let text = std::fs::read_to_string(&installed.file).expect("it is there");
    assert!(
        text.ends_with("[Resolve]\nDNS=127.53.1.2:5300\nDomains=~example.com ~shop.test\nDNSSEC=no\n"),
        "{text}"
    );
    assert_eq!(bench.read(), "nameserver 127.0.0.53\n");
    bench
        .machine
        .remove("example.com", server(5300))
        .expect("it goes");
    let text = std::fs::read_to_string(&installed.file).expect("it is there");
    assert!(text.contains("Domains=~shop.test\n"), "{text}");
    bench.machine.remove("shop.test", server(5300)).expect("it goes");
    assert!(!bench.machine.drop_ins().exists());
}

#[test]
fn what_cannot_work_is_refused() {
    let bench = bench();
    for domain in ["", ".", "a..b", "a b", "ü.example"] {
        let refused = bench.machine.install(domain, server(53));
        assert!(matches!(refused, Err(MachineError::Domain(_))), "{domain}");
    }
    let refused = bench.machine.install("example.com", server(5300));
    assert!(matches!(refused, Err(MachineError::Port(_))));
    assert!(!bench.conf().exists() && !bench.machine.memory.exists());
}
