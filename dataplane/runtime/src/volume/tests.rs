use std::os::unix::fs::symlink;

use super::*;

fn place(name: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("wharf-volume-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("root")).unwrap();
    place
}

fn volumes(place: &Path, sources: &[(&str, VolumeSource)]) -> Volumes {
    let volumes: Vec<Volume> = sources
        .iter()
        .map(|(name, source)| Volume {
            name: (*name).to_owned(),
            source: source.clone(),
        })
        .collect();
    Volumes {
        own: own_directory(&place.join("task")),
        shared: place.join("shared"),
        host: None,
        volumes,
    }
}

fn mount(volume: &str, path: &str) -> Mount {
    Mount {
        volume: volume.to_owned(),
        path: path.to_owned(),
        readonly: false,
    }
}

#[test]
fn no_name_leads_out_of_its_directory() {
    for (name, expected) in [
        ("data_1-x.y", "data_1-x.y"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E."),
        (".", "%2E"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
    ] {
        assert_eq!(file_name(name).unwrap(), expected);
    }
    assert!(file_name("").is_err() && file_name(&"x".repeat(300)).is_err());
}

#[test]
fn targets_that_would_break_the_container_are_refused() {
    for (path, sentence) in [
        (
            "relative",
            "invalid mount path: 'relative' mount path must be absolute",
        ),
        ("/..", "invalid specification: destination can't be '/'"),
        (
            "/x/../proc/sys",
            "\"/proc/sys\" cannot be mounted because it is inside /proc",
        ),
        ("/dev/", "/dev is the container's own"),
    ] {
        assert_eq!(allowed(Path::new(path)).unwrap_err().to_string(), sentence);
    }
    assert!(allowed(Path::new("/processes")).is_ok());
}

#[test]
fn links_of_the_image_are_followed_inside_it_and_then_looked_at_again() {
    let place = place("links");
    let root = place.join("root");
    fs::create_dir_all(root.join("real")).unwrap();
    fs::create_dir_all(root.join("proc")).unwrap();
    symlink("/real", root.join("good")).unwrap();
    symlink("../../proc", root.join("bad")).unwrap();
    let inside = InRoot::open(&root).unwrap();
    let volumes = volumes(&place, &[("v", VolumeSource::Task)]);
    let binds = volumes.prepare(&inside, &[mount("v", "/good/sub")]).unwrap();
    assert_eq!(binds[0].target, Path::new("/real/sub"));
    let refused = volumes.prepare(&inside, &[mount("v", "/bad/sys")]).unwrap_err();
    assert!(refused.contains("inside /proc"), "{refused}");
    assert_eq!(
        volumes.prepare(&inside, &[mount("w", "/x")]).unwrap_err(),
        "volume w is not one of the task's"
    );
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn a_link_inside_a_volume_is_not_a_place_to_mount_on() {
    let place = place("inner");
    let host = place.join("host");
    fs::create_dir_all(&host).unwrap();
    symlink("/proc", host.join("trap")).unwrap();
    let inside = InRoot::open(&place.join("root")).unwrap();
    let sources = [
        ("outer", VolumeSource::Host(host.to_str().unwrap().to_owned())),
        ("inner", VolumeSource::Task),
    ];
    let volumes = volumes(&place, &sources);
    let refused = volumes
        .prepare(&inside, &[mount("inner", "/data/trap"), mount("outer", "/data")])
        .unwrap_err();
    assert!(refused.contains("leads over a link"), "{refused}");
    let refused = volumes
        .prepare(
            &inside,
            &[mount("inner", "/data/trap/self"), mount("outer", "/data")],
        )
        .unwrap_err();
    assert!(refused.contains("leads over a link"), "{refused}");
    let binds = volumes
        .prepare(
            &inside,
            &[mount("inner", "/data/deep/er"), mount("outer", "/data")],
        )
        .unwrap();
    let targets: Vec<_> = binds.iter().map(|bind| bind.target.to_str().unwrap()).collect();
    assert_eq!(targets, ["/data", "/data/deep/er"]);
    assert!(host.join("deep/er").is_dir());
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn what_was_only_partly_filled_is_filled_again() {
    let place = place("partly");
    let image = place.join("root/data");
    fs::create_dir_all(&image).unwrap();
    fs::write(image.join("a"), "a").unwrap();
    fs::write(image.join("b"), "b").unwrap();
    let shared = place.join("shared/key");
    fs::create_dir_all(shared.join(DATA)).unwrap();
    fs::write(shared.join(DATA).join("a"), "half").unwrap();
    fs::write(shared.join(FILLING), "").unwrap();
    let inside = InRoot::open(&place.join("root")).unwrap();
    let key = VolumeSource::Shared {
        key: "key".to_owned(),
    };
    let volumes = volumes(&place, &[("v", key)]);
    let binds = volumes.prepare(&inside, &[mount("v", "/data")]).unwrap();
    assert_eq!(fs::read_to_string(binds[0].source.join("a")).unwrap(), "a");
    assert_eq!(fs::read_to_string(binds[0].source.join("b")).unwrap(), "b");
    // A volume with something in it is left as it is.
    fs::remove_file(binds[0].source.join("b")).unwrap();
    let again = volumes.prepare(&inside, &[mount("v", "/data")]).unwrap();
    assert!(!again[0].source.join("b").exists());
    fs::remove_dir_all(place).unwrap();
}
