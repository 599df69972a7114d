//! Volumes: what containers find in them, what they leave, and where they may not be mounted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use contract::task::{Mount, TaskPhase, Tmpfs, Volume, VolumeSource};
use dataplane_runtime::{ContainerSpec, TaskSpec};

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    a_tasks_volume_is_shared_by_its_containers_and_goes_with_it,
    a_new_volume_is_filled_from_the_image,
    a_shared_volume_outlives_its_task_and_stays_in_its_place,
    directories_and_files_of_the_host,
    read_only_is_read_only_all_the_way_down,
    volumes_inside_volumes,
    places_that_are_refused,
    memory_file_systems,
];

fn volume(name: &str, source: VolumeSource) -> Volume {
    Volume {
        name: name.to_owned(),
        source,
    }
}

fn host(path: &std::path::Path) -> VolumeSource {
    VolumeSource::Host(path.to_str().unwrap().to_owned())
}

fn mount(volume: &str, path: &str) -> Mount {
    Mount {
        volume: volume.to_owned(),
        path: path.to_owned(),
        readonly: false,
    }
}

fn task(bench: &Bench, id: &str, volumes: Vec<Volume>, containers: Vec<ContainerSpec>) -> TaskSpec {
    let mut task = bench.task(containers);
    task.id = id.to_owned();
    task.volumes = volumes;
    task
}

async fn a_tasks_volume_is_shared_by_its_containers_and_goes_with_it(bench: Bench) {
    let mut writer = bench.shell("writer", "echo written > /out/file");
    writer.mounts = vec![mount("data", "/out")];
    writer.essential = false;
    let mut reader = bench.shell(
        "reader",
        "while ! cat /in/file; do sleep 0.02; done 2>/dev/null; grep ' /in ' /proc/mounts | wc -l",
    );
    reader.mounts = vec![mount("data", "/in")];
    let volumes = vec![volume("data", VolumeSource::Task)];
    bench
        .to_the_end(&task(&bench, "t1", volumes, vec![writer, reader]))
        .await;
    assert_eq!(bench.output("t1", "reader"), "written\n1\n");
    let written = bench.runtime.directory("t1").join("volumes/data/data/file");
    assert!(written.exists());
    bench.runtime.forget("t1").unwrap();
    assert!(!written.exists());
}

async fn a_new_volume_is_filled_from_the_image(bench: Bench) {
    let layer = bench.directory.join("layer");
    fs::create_dir_all(layer.join("data/deep")).unwrap();
    fs::write(layer.join("data/deep/file"), "from the image\n").unwrap();
    symlink("deep/file", layer.join("data/link")).unwrap();
    std::os::unix::fs::chown(layer.join("data"), Some(1000), Some(1001)).unwrap();
    fs::set_permissions(layer.join("data"), fs::Permissions::from_mode(0o2750)).unwrap();
    let line = "stat -c '%u:%g %a' /data; cat /data/link; ls /data; echo kept > /data/mine";
    let mut container = bench.shell("app", line);
    container.lower.push(layer.clone());
    container.mounts = vec![mount("data", "/data")];
    container.user = Some("web".to_owned());
    let volumes = vec![volume("data", VolumeSource::Task)];
    bench
        .to_the_end(&task(&bench, "t1", volumes, vec![container]))
        .await;
    assert_eq!(
        bench.output("t1", "app"),
        "1000:1001 2750\nfrom the image\ndeep\nlink\n"
    );
    assert!(!layer.join("data/mine").exists(), "the image stays as it is");
}

async fn a_shared_volume_outlives_its_task_and_stays_in_its_place(bench: Bench) {
    let layer = bench.directory.join("layer");
    fs::create_dir_all(layer.join("data")).unwrap();
    fs::write(layer.join("data/file"), "first").unwrap();
    let key = VolumeSource::Shared {
        key: "../../../escape".to_owned(),
    };
    for (id, expected) in [("t1", "first"), ("t2", "first,t1")] {
        let mut container = bench.shell("app", &format!("cat /data/file; printf ,{id} >> /data/file"));
        container.lower.push(layer.clone());
        container.mounts = vec![mount("any", "/data")];
        let volumes = vec![volume("any", key.clone())];
        bench
            .to_the_end(&task(&bench, id, volumes, vec![container]))
            .await;
        bench.runtime.directory(id);
        assert_eq!(bench.output(id, "app").trim(), expected);
        bench.runtime.forget(id).unwrap();
    }
    let state = bench.directory.join("state");
    assert!(!bench.directory.join("escape").exists() && !state.join("escape").exists());
    assert!(state.join("volumes/%2E.%2F..%2F..%2Fescape/data/file").exists());
}

async fn directories_and_files_of_the_host(bench: Bench) {
    let (made, file) = (
        bench.directory.join("not/there/yet"),
        bench.directory.join("file"),
    );
    fs::write(&file, "of the host\n").unwrap();
    let mut container = bench.shell("app", "cat /etc/deep/file; touch /made/x; cat /etc/hosts");
    container.mounts = vec![
        mount("made", "/made"),
        mount("file", "/etc/deep/file"),
        mount("file", "/etc/hosts"),
    ];
    let volumes = vec![volume("made", host(&made)), volume("file", host(&file))];
    bench
        .to_the_end(&task(&bench, "t1", volumes, vec![container]))
        .await;
    assert_eq!(bench.output("t1", "app"), "of the host\nof the host\n");
    assert_eq!(fs::metadata(made.join("x")).unwrap().uid(), 0);
}

async fn read_only_is_read_only_all_the_way_down(bench: Bench) {
    let outer = bench.directory.join("outer");
    fs::create_dir_all(outer.join("inner")).unwrap();
    // Something mounted inside what is mounted, which a read-only bind alone would leave writable.
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "none"])
        .arg(outer.join("inner"))
        .status()
        .unwrap();
    assert!(mounted.success());
    let line = "touch /data/x 2>&1; touch /data/inner/x 2>&1; mount -o remount,rw /data 2>&1; true";
    let mut container = bench.shell("app", line);
    container.mounts = vec![Mount {
        readonly: true,
        ..mount("data", "/data")
    }];
    let volumes = vec![volume("data", host(&outer))];
    bench
        .to_the_end(&task(&bench, "t1", volumes, vec![container]))
        .await;
    let left = fs::read_dir(outer.join("inner")).unwrap().count();
    nix_umount(&outer.join("inner"));
    let output = bench.output("t1", "app");
    assert_eq!(output.matches("Read-only file system").count(), 2, "{output}");
    assert_eq!(left, 0);
}

fn nix_umount(path: &std::path::Path) {
    nix::mount::umount2(path, nix::mount::MntFlags::MNT_DETACH).unwrap();
}

async fn volumes_inside_volumes(bench: Bench) {
    let mut container = bench.shell("app", "echo inner > /a/b/c/file; ls /a /a/b/c; ls /scratch");
    container.mounts = vec![mount("inner", "/a/b/c"), mount("outer", "/a")];
    container.linux.tmpfs = vec![Tmpfs {
        path: "/a/scratch".to_owned(),
        size_mib: 1,
        options: vec![],
    }];
    let volumes = vec![
        volume("inner", VolumeSource::Task),
        volume("outer", VolumeSource::Task),
    ];
    let mut task = task(&bench, "t1", volumes, vec![container]);
    task.containers[0].arguments[2] =
        "echo inner > /a/b/c/file; ls /a /a/b/c; grep -c /a/scratch /proc/mounts".to_owned();
    bench.to_the_end(&task).await;
    let output = bench.output("t1", "app");
    let words: Vec<_> = output.split_whitespace().collect();
    assert_eq!(words, ["/a:", "b", "scratch", "/a/b/c:", "file", "1"]);
}

async fn places_that_are_refused(bench: Bench) {
    let trap = bench.directory.join("trap");
    fs::create_dir_all(&trap).unwrap();
    symlink("/proc/self", trap.join("self")).unwrap();
    symlink("/proc", trap.join("link")).unwrap();
    for (number, (path, sentence)) in [
        ("/proc/sys", "inside /proc"),
        ("/self/attr", "inside /proc"),
        ("/link", "inside /proc"),
        ("/", "destination can't be '/'"),
        ("relative", "must be absolute"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut container = bench.shell("app", "true");
        container.lower.push(trap.clone());
        container.mounts = vec![mount("data", path)];
        let volumes = vec![volume("data", VolumeSource::Task)];
        let id = format!("t{number}");
        let status = bench
            .to_the_end(&task(&bench, &id, volumes, vec![container]))
            .await;
        let reason = status.cause.unwrap().reason;
        assert!(
            reason.starts_with("CannotStartContainerError: volume data cannot be mounted")
                && reason.contains(sentence),
            "{path}: {reason}"
        );
    }
}

async fn memory_file_systems(bench: Bench) {
    let line = "grep ' /run/x ' /proc/mounts; stat -c %a:%u /run/x; \
                dd if=/dev/zero of=/run/x/f bs=1M count=9 2>&1 | grep -o 'No space'; df -m /dev/shm | tail -1";
    let mut container = bench.shell("app", line);
    container.linux.tmpfs = vec![Tmpfs {
        path: "/run/x".to_owned(),
        size_mib: 2,
        options: ["mode=1770", "uid=1000", "exec"].map(str::to_owned).to_vec(),
    }];
    container.linux.shared_memory_mib = Some(7);
    let (status, output) = bench.outcome(container).await;
    assert_eq!(status.phase, TaskPhase::Stopped);
    let lines: Vec<_> = output.lines().collect();
    assert!(
        lines[0].contains("nosuid,nodev") && !lines[0].contains("noexec") && lines[0].contains("size=2048k"),
        "{output}"
    );
    assert_eq!(lines[1..3], ["1770:1000", "No space"]);
    assert_eq!(lines[3].split_whitespace().nth(1), Some("7"), "{output}");
    let mut container = bench.shell("app", "true");
    container.linux.tmpfs = vec![Tmpfs {
        path: "/x".to_owned(),
        size_mib: 1,
        options: vec!["bind".to_owned()],
    }];
    let mut task = bench.task(vec![container]);
    task.id = "second".to_owned();
    let handle = bench.runtime.start(&task).await.unwrap();
    let status = wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
    assert_eq!(
        status.cause.unwrap().reason,
        "CannotStartContainerError: invalid tmpfs option \"bind\""
    );
}
