//! What builds come to.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};

use crate::bench::{Bench, Test};
use crate::tests;

pub const TESTS: &[Test] = tests![
    steps_are_cached_by_what_they_depend_on,
    copied_files_belong_to_root_and_keep_their_modes,
    a_run_leaves_its_changes_and_nothing_else,
    stages_give_only_what_is_copied,
    settings_follow_dockers_rules,
    failures_are_reported_in_their_place,
    archives_are_unpacked_by_add,
    a_hostile_context_stays_inside,
    a_build_ends_with_its_client,
    the_cache_survives_a_collection,
    the_client_gives_secrets_hosts_and_no_network,
];

fn cached(text: &str) -> Vec<bool> {
    text.lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| {
            let outcome = line.split_once("] ")?.1;
            (outcome == "CACHED" || outcome.starts_with("DONE ")).then(|| outcome == "CACHED")
        })
        .collect()
}

fn steps_are_cached_by_what_they_depend_on(bench: &mut Bench) {
    bench.busybox();
    let dockerfile = "FROM busybox:1.35\nWORKDIR /app\nCOPY requirements .\nRUN cat requirements > out\nARG LATE=1\nCOPY . .\n";
    let folder = bench.folder(
        "app",
        &[("Dockerfile", dockerfile), ("requirements", "a"), ("main", "1")],
    );
    let text = bench.build(&folder, &["-t", "app"]).ok();
    assert_eq!(cached(&text), [false; 4], "{text}");
    let first = bench.service.store.find("app").unwrap();
    let text = bench.build(&folder, &["-t", "app"]).ok();
    assert_eq!(cached(&text), [true; 4], "{text}");
    assert_eq!(
        bench.service.store.find("app").unwrap(),
        first,
        "the same image, byte for byte"
    );
    // New times, same content.
    fs::write(folder.join("main"), "1").unwrap();
    assert_eq!(cached(&bench.build(&folder, &[]).ok()), [true; 4]);
    fs::write(folder.join("main"), "2").unwrap();
    assert_eq!(cached(&bench.build(&folder, &[]).ok()), [true, true, true, false]);
    // An argument that comes after a RUN does not concern it.
    let text = bench.build(&folder, &["--build-arg", "LATE=2"]).ok();
    assert_eq!(cached(&text), [true; 4], "{text}");
    assert_eq!(cached(&bench.build(&folder, &["--no-cache"]).ok()), [false; 4]);
}

fn copied_files_belong_to_root_and_keep_their_modes(bench: &mut Bench) {
    bench.busybox();
    let dockerfile = "FROM busybox:1.35\nRUN mkdir -p /real && ln -s real /link && echo user:x:77:78::/:/bin/sh >> /etc/passwd\nCOPY --chown=user script a\u{f1}o\\ \u{1F980} /link/\nCOPY script /x/y/z\nCOPY --chmod=600 script /secret\nCOPY dir /d/\nCOPY *.txt /t/\n";
    let folder = bench.folder(
        "app",
        &[
            ("script*", "#!"),
            ("dir/sub/file", "f"),
            ("a.txt", "a"),
            ("b.txt", "b"),
            ("c.md", "c"),
            (".dockerignore", "Dockerfile\n"),
        ],
    );
    fs::write(
        folder.join("Dockerfile"),
        dockerfile.replace("a\u{f1}o\\ \u{1F980} ", ""),
    )
    .unwrap();
    fs::write(folder.join("dir/a\u{f1}o \u{1F980}"), "crab").unwrap();
    std::os::unix::fs::chown(folder.join("script"), Some(1234), Some(1234)).unwrap();
    bench.build(&folder, &["-t", "app"]).ok();
    let layers = bench.layers("app");
    let find = |path: &str| {
        let found = layers
            .iter()
            .rev()
            .map(|layer| layer.join(path))
            .find(|path| path.symlink_metadata().is_ok());
        found.unwrap_or_else(|| panic!("{path} is not there"))
    };
    let metadata = |path: &str| fs::symlink_metadata(find(path)).unwrap();
    assert!(
        metadata("link").is_symlink(),
        "a link in the way is followed, not replaced"
    );
    assert_eq!(
        (metadata("real/script").uid(), metadata("real/script").gid()),
        (77, 78)
    );
    assert_eq!(
        (
            metadata("x/y/z").uid(),
            metadata("x/y/z").permissions().mode() & 0o777
        ),
        (0, 0o755)
    );
    assert_eq!(metadata("secret").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(find("d/sub/file")).unwrap(), "f");
    assert_eq!(fs::read_to_string(find("d/a\u{f1}o \u{1F980}")).unwrap(), "crab");
    assert!(find("t/a.txt").exists() && find("t/b.txt").exists());
    assert!(!layers.iter().any(|layer| layer.join("t/c.md").exists()));
}

fn a_run_leaves_its_changes_and_nothing_else(bench: &mut Bench) {
    bench.busybox();
    let dockerfile = "FROM busybox:1.35\nRUN mkdir /keep && echo a > /keep/a && echo b > /keep/b && ln /keep/b /keep/b2\nRUN rm /keep/a && nslookup localhost; cat /etc/resolv.conf /etc/hosts > /seen; id -u >> /seen; hostname >> /seen\n";
    let folder = bench.folder("app", &[("Dockerfile", dockerfile)]);
    bench.build(&folder, &["-t", "app"]).ok();
    let layers = bench.layers("app");
    let top = layers.last().unwrap();
    let mut names: Vec<String> = fs::read_dir(top)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["keep", "seen"], "nothing of /etc, /run, /proc, /dev");
    assert!(
        fs::symlink_metadata(top.join("keep/a"))
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let below = &layers[layers.len() - 2];
    let inode = |name: &str| fs::metadata(below.join(name)).unwrap().ino();
    assert_eq!(inode("keep/b"), inode("keep/b2"));
    // In the archive the deletion has the form of images.
    let path = bench.path("app.tar");
    bench.docker(&["save", "-o", path.to_str().unwrap(), "app"]).ok();
    let digest = bench
        .service
        .store
        .image(&bench.service.store.find("app").unwrap())
        .unwrap();
    let layer = digest.layers.last().unwrap().digest.hex().to_owned();
    let listing = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("tar xOf {} blobs/sha256/{layer} | tar t", path.display()))
        .output()
        .unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains("keep/.wh.a\n"), "{listing}");
}

fn stages_give_only_what_is_copied(bench: &mut Bench) {
    bench.busybox();
    let dockerfile = "FROM busybox:1.35 AS build\nRUN echo made > /made && chown 5:6 /made\nFROM busybox:1.35 AS unused\nRUN false\nFROM scratch\nCOPY --from=build /made /made\nCOPY --from=busybox:1.35 /bin/busybox /bin/\n";
    let folder = bench.folder("app", &[("Dockerfile", dockerfile)]);
    let text = bench.build(&folder, &["-t", "app"]).ok();
    assert!(
        text.contains("[build 2/2] RUN") && !text.contains("unused"),
        "{text}"
    );
    let layers = bench.layers("app");
    assert_eq!(layers.len(), 2);
    assert_eq!(
        fs::metadata(layers[0].join("made")).unwrap().uid(),
        5,
        "what a stage made keeps its owner"
    );
    assert!(layers[1].join("bin/busybox").exists());
    bench.build(&folder, &["--target", "unused"]).fails();
    assert!(
        bench
            .build(&folder, &["--target", "nothing"])
            .fails()
            .contains("no stage `nothing`")
    );
}

fn settings_follow_dockers_rules(bench: &mut Bench) {
    bench.busybox();
    let base = bench.folder(
        "base",
        &[(
            "Dockerfile",
            "FROM busybox:1.35\nENV A=1\nCMD [\"base\"]\nWORKDIR /w\n",
        )],
    );
    bench.build(&base, &["-t", "base"]).ok();
    let dockerfile = "ARG TAG=latest\nFROM base:${TAG}\nARG X=''\nENV X=$X B=$A\nRUN [ \"${X-unset}\" = '' ] && [ \"$B\" = 1 ] && [ \"$PWD\" = /w ] && [ \"$HOME\" = /root ]\nENTRYPOINT [\"/e\"]\nEXPOSE 80 53/udp\nLABEL a=\"b c\"\nUSER 7:8\nRUN [ \"$(id -u):$(id -g)\" = 7:8 ]\nSTOPSIGNAL SIGINT\nVOLUME /data\nHEALTHCHECK --interval=5s CMD true\nWORKDIR sub\nSHELL [\"/bin/ash\", \"-c\"]\n";
    let folder = bench.folder("app", &[("Dockerfile", dockerfile)]);
    bench
        .build(&folder, &["-t", "app", "--label", "from=outside"])
        .ok();
    let config = bench
        .docker(&[
            "inspect",
            "--type",
            "image",
            "app",
            "--format",
            "{{json .Config}}",
        ])
        .ok();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let environment = config["Env"].as_array().unwrap();
    assert!(
        environment.contains(&"X=".into()) && environment.contains(&"B=1".into()),
        "{config}"
    );
    assert!(
        config.get("Cmd").is_none_or(serde_json::Value::is_null),
        "the base's CMD was for its own entry point"
    );
    assert_eq!(config["Entrypoint"][0], "/e");
    assert_eq!(config["WorkingDir"], "/w/sub");
    assert_eq!(config["User"], "7:8");
    assert_eq!(config["Labels"]["a"], "b c");
    assert_eq!(config["Labels"]["from"], "outside");
    assert_eq!(config["Healthcheck"]["Interval"], 5_000_000_000_u64);
    assert!(config["ExposedPorts"].get("53/udp").is_some());
    assert_eq!(config["Shell"][0], "/bin/ash");
    assert_eq!(config["StopSignal"], "SIGINT");
}

fn failures_are_reported_in_their_place(bench: &mut Bench) {
    bench.busybox();
    let folder = bench.folder(
        "app",
        &[(
            "Dockerfile",
            "FROM busybox:1.35\nRUN echo last words && \\\n    exit 3\n",
        )],
    );
    let text = bench.build(&folder, &[]).fails();
    for part in [
        "exit code 3",
        "Dockerfile:2:5",
        "last words",
        "help: the step's output says why",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    for (dockerfile, parts) in [
        (
            "FROM busybox:1.35\nCOPPY a b\nEXPOSE x\n",
            ["did you mean `COPY`?", "Dockerfile:2:1", "Dockerfile:3:8"],
        ),
        (
            "FROM busybox:1.35\nCOPY missing /\n",
            [
                "`missing` is not in the build context",
                "Dockerfile:2:6",
                "help: ",
            ],
        ),
        (
            "FROM scratch\nRUN true\n",
            ["could not be started", "Dockerfile:2:5", "needs a shell"],
        ),
        (
            "FROM 127.0.0.1:1/none:1\n",
            ["cannot be reached", "Dockerfile:1:6", "docker load"],
        ),
        (
            "FROM busybox:1.35\nCOPY --chown=nobody-here Dockerfile /\n",
            ["no user `nobody-here`", "Dockerfile:2:14", "COPY"],
        ),
    ] {
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
        let text = bench.build(&folder, &["-t", "broken"]).fails();
        for part in parts {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
    assert!(bench.service.store.find("broken").is_err());
    bench.await_nothing_temporary();
}

fn archives_are_unpacked_by_add(bench: &mut Bench) {
    bench.busybox();
    let folder = bench.folder(
        "app",
        &[
            ("Dockerfile", "FROM busybox:1.35\nADD a.tar.gz plain /to/\n"),
            ("in/file", "x"),
            ("plain", "p"),
        ],
    );
    let packed = std::process::Command::new("tar")
        .args(["--owner=42", "--group=43", "-czf", "a.tar.gz", "-C", "in", "file"])
        .current_dir(&folder)
        .status();
    assert!(packed.unwrap().success());
    bench.build(&folder, &["-t", "app"]).ok();
    let layers = bench.layers("app");
    let top = layers.last().unwrap();
    assert_eq!(fs::metadata(top.join("to/file")).unwrap().uid(), 42);
    assert_eq!(fs::metadata(top.join("to/plain")).unwrap().uid(), 0);
    assert!(!top.join("to/a.tar.gz").exists());
}

fn a_hostile_context_stays_inside(bench: &mut Bench) {
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    let folder = bench.folder("app", &[("Dockerfile", "FROM scratch\nCOPY link /link\n")]);
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    let text = bench.build(&folder, &[]).fails();
    assert!(
        text.contains("is not in the build context"),
        "a link leads nowhere outside: {text}"
    );
    // A hand-made archive that climbs out.
    let script = format!(
        "import tarfile,io\nt=tarfile.open({:?},'w')\n\
         def add(n,b):\n i=tarfile.TarInfo(n);i.size=len(b);t.addfile(i,io.BytesIO(b))\n\
         add('Dockerfile',b'FROM scratch\\n')\nadd('../outside/evil',b'x')\nt.close()\n",
        bench.path("evil.tar")
    );
    assert!(
        std::process::Command::new("python3")
            .arg("-c")
            .arg(script)
            .status()
            .unwrap()
            .success()
    );
    let text = bench
        .curl(&[
            "--unix-socket",
            bench.service.socket.to_str().unwrap(),
            "-X",
            "POST",
            "--data-binary",
            &format!("@{}", bench.path("evil.tar").display()),
            "http://docker/v1.41/build",
        ])
        .ok();
    assert!(text.contains("leads out of the image"), "{text}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

fn a_build_ends_with_its_client(bench: &mut Bench) {
    use std::io::{BufRead as _, BufReader};
    bench.busybox();
    let marker = format!("86{}", std::process::id());
    let dockerfile = format!("FROM busybox:1.35\nRUN echo begun && sleep {marker}\n");
    let folder = bench.folder("app", &[("Dockerfile", &dockerfile)]);
    let mut command = bench.docker_command(&["build", folder.to_str().unwrap()]);
    let mut client = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line == "begun"));
    assert!(is_running(&marker));
    client.kill().unwrap();
    client.wait().unwrap();
    bench.await_nothing_temporary();
    for _ in 0..200 {
        if !is_running(&marker) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the step goes on without anybody");
}

/// Whether a process with this argument runs.
fn is_running(argument: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        arguments
            .split(|byte| *byte == 0)
            .any(|one| one == argument.as_bytes())
    })
}

fn the_cache_survives_a_collection(bench: &mut Bench) {
    bench.busybox();
    let folder = bench.folder("app", &[("Dockerfile", "FROM busybox:1.35\nRUN date > /made\n")]);
    bench.build(&folder, &["-t", "app"]).ok();
    let before = bench.service.store.find("app").unwrap();
    // A collection keeps what the cache leads to.
    bench.docker(&["rmi", "app"]).ok();
    bench
        .service
        .store
        .retain_now(&[], std::time::Duration::ZERO)
        .unwrap();
    let text = bench.build(&folder, &["-t", "app"]).ok();
    assert_eq!(cached(&text), [true], "{text}");
    assert_eq!(bench.service.store.find("app").unwrap(), before);
}

fn the_client_gives_secrets_hosts_and_no_network(bench: &mut Bench) {
    bench.busybox();
    let config = bench.path("docker-config");
    fs::create_dir_all(&config).unwrap();
    // {"token":"czNjcjN0"}, which is `s3cr3t`
    let headers = r#"{"HttpHeaders": {"X-Build-Secrets": "eyJ0b2tlbiI6ImN6Tmpjak4wIn0="}}"#;
    fs::write(config.join("config.json"), headers).unwrap();
    let dockerfile = "FROM busybox:1.35\nRUN --mount=type=secret,id=token,required [ \"$(cat /run/secrets/token)\" = s3cr3t ]\nRUN grep -q '10.9.8.7.*db' /etc/hosts\nRUN [ \"$(grep -c : /proc/net/dev)\" = 1 ]\nRUN --network=host [ \"$(grep -c : /proc/net/dev)\" -ge 1 ]\n";
    let folder = bench.folder("app", &[("Dockerfile", dockerfile)]);
    let arguments = ["-t", "app", "--add-host", "db:10.9.8.7", "--network", "none"];
    bench.build(&folder, &arguments).ok();
    let history = bench.docker(&["inspect", "--type", "image", "app"]).ok();
    assert!(
        !history.contains("s3cr3t") && !history.contains("czNjcjN0"),
        "{history}"
    );
}
