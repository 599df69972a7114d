//! Contexts, archives and layers that mean harm: a clear error or nothing at all, nothing outside, nothing left.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use contract::image::{BuildRequest, Engine as _};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use crate::tests;
use crate::yard::{Test, Yard};

pub const TESTS: &[Test] = tests![
    no_entry_of_a_context_leads_out,
    links_of_a_context_lead_nowhere_outside,
    links_that_loop_are_an_error,
    odd_files_of_a_context_are_left_out,
    names_have_a_limit,
    bombs_are_stopped,
    archives_of_add_are_contexts_too,
    nested_archives_stay_packed,
    layers_of_loaded_images_stay_inside,
    whiteouts_hide_only_what_is_below,
    layers_that_are_not_what_they_say,
    mounts_and_targets_stay_inside,
    a_broken_context_is_an_error,
    a_dockerfile_that_grows_without_end,
];

/// An archive of entries: name, kind, where a link leads, content.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn new(dockerfile: &str) -> Self {
        Self::default().entry("Dockerfile", EntryType::Regular, "", dockerfile.as_bytes())
    }

    /// The name goes into the archive as it is.
    fn entry(mut self, name: &str, kind: EntryType, link: &str, content: &[u8]) -> Self {
        let mut records: Vec<(&str, &[u8])> = vec![("path", name.as_bytes())];
        if !link.is_empty() {
            records.push(("linkpath", link.as_bytes()));
        }
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_pax_extensions(records).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.as_old_mut().name[..1].copy_from_slice(b"x");
        header.set_cksum();
        tar.append(&header, content).unwrap();
        let bytes = tar.into_inner().unwrap();
        // Without the end mark.
        self.0.extend_from_slice(&bytes[..bytes.len() - 1024]);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.entry(name, EntryType::Regular, "", content.as_bytes())
    }

    fn symlink(self, name: &str, to: &str) -> Self {
        self.entry(name, EntryType::Symlink, to, b"")
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

/// A folder beside everything, in which nothing may appear or change.
struct Outside(std::path::PathBuf);

impl Outside {
    fn new(yard: &Yard) -> Self {
        let path = yard.directory.path().join("outside");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("secret"), "secret").unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    #[track_caller]
    fn is_untouched(&self) {
        let names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["secret"]);
        assert_eq!(fs::read_to_string(self.0.join("secret")).unwrap(), "secret");
    }
}

#[track_caller]
fn fails(yard: &Yard, archive: Vec<u8>, part: &str) {
    let built = yard.build_archive(archive);
    let error = built.result.expect_err("it did not fail");
    let flat: Vec<&str> = error.split_whitespace().filter(|word| *word != "│").collect();
    assert!(flat.join(" ").contains(part), "`{part}` is missing in {error}");
}

/// The files of the image that comes of it.
#[track_caller]
fn tree(yard: &Yard, archive: Vec<u8>) -> test_dockerfile::tree::Tree {
    let built = yard.build_archive(archive);
    let digest = built.result.unwrap_or_else(|error| panic!("{error}"));
    yard.runtime.block_on(yard.workshop.tree(&digest)).unwrap()
}

fn no_entry_of_a_context_leads_out(yard: &Yard) {
    let outside = Outside::new(yard);
    let copy = "FROM busybox:1.35\nCOPY . /all/\n";
    for name in ["../evil", "a/../../evil", "../../../../../../../../../evil"] {
        fails(yard, Archive::new(copy).file(name, "x").bytes(), "leads out");
    }
    fails(
        yard,
        Archive::new(copy)
            .entry("leak", EntryType::Link, "../../../../../../etc/passwd", b"")
            .bytes(),
        "leads out",
    );
    // Absolute names are names below the context, as tar itself takes them.
    let absolute = format!("{}/evil", outside.path());
    tree(yard, Archive::new(copy).file(&absolute, "x").bytes());
    // A link that is planted first is followed inside only.
    for link in [
        outside.path().to_owned(),
        format!("../../../../../../../../..{}", outside.path()),
    ] {
        tree(
            yard,
            Archive::new(copy)
                .symlink("link", &link)
                .file("link/evil", "x")
                .bytes(),
        );
        fails(
            yard,
            Archive::new(copy)
                .symlink("link", &link)
                .entry("hard", EntryType::Link, "link/secret", b"")
                .bytes(),
            "`hard`",
        );
    }
    outside.is_untouched();
}

fn links_of_a_context_lead_nowhere_outside(yard: &Yard) {
    let outside = Outside::new(yard);
    for (dockerfile, link) in [
        (
            "FROM scratch\nCOPY link /x\n",
            format!("{}/secret", outside.path()),
        ),
        ("FROM scratch\nCOPY link/secret /x\n", outside.path().to_owned()),
        (
            "FROM scratch\nADD link /x\n",
            format!("../../../../../../..{}/secret", outside.path()),
        ),
        ("FROM scratch\nCOPY link/* /x/\n", outside.path().to_owned()),
    ] {
        fails(
            yard,
            Archive::new(dockerfile).symlink("link", &link).bytes(),
            "is not in the build context",
        );
    }
    // The Dockerfile and its rules are read inside only, too.
    let secret = format!("{}/secret", outside.path());
    fails(
        yard,
        Archive::default().symlink("Dockerfile", &secret).bytes(),
        "has no `Dockerfile`",
    );
    let request = BuildRequest {
        dockerfile: format!("../../../../../../../..{secret}"),
        ..BuildRequest::default()
    };
    let folder = yard.folder("app", &[("Dockerfile", "FROM scratch\n")]);
    assert!(yard.build(&folder, request).result.is_err());
    outside.is_untouched();
}

fn links_that_loop_are_an_error(yard: &Yard) {
    let loops = |dockerfile: &str| Archive::new(dockerfile).symlink("a", "b").symlink("b", "a");
    fails(
        yard,
        loops("FROM scratch\nCOPY a /x\n").bytes(),
        "too many symbolic links",
    );
    fails(
        yard,
        loops("FROM scratch\nCOPY a/file /x\n").bytes(),
        "too many symbolic links",
    );
    fails(
        yard,
        loops("FROM scratch\nCOPY . /\n").file("a/file", "x").bytes(),
        "`a/file`",
    );
    // As they are they hurt nobody.
    let found = tree(yard, loops("FROM scratch\nCOPY . /all/\n").bytes());
    assert_eq!(found.get(Path::new("/all/a")).unwrap().link.as_deref(), Some("b"));
    // In the image.
    let dockerfile =
        "FROM busybox:1.35\nRUN ln -s loop /loop && ln -s /loop/x /other\nCOPY Dockerfile /loop/\n";
    fails(yard, Archive::new(dockerfile).bytes(), "too many symbolic links");
    fails(
        yard,
        Archive::new("FROM busybox:1.35\nRUN ln -s loop /loop\nWORKDIR /loop/x\n").bytes(),
        "too many symbolic links",
    );
}

fn odd_files_of_a_context_are_left_out(yard: &Yard) {
    let found = tree(
        yard,
        Archive::new("FROM scratch\nCOPY . /all/\n")
            .entry("disk", EntryType::Block, "", b"")
            .entry("null", EntryType::Char, "", b"")
            .entry("pipe", EntryType::Fifo, "", b"")
            .file("file", "x")
            .bytes(),
    );
    for name in ["disk", "null", "pipe"] {
        assert!(found.get(&Path::new("/all").join(name)).is_none(), "{name}");
    }
    assert!(found.get(Path::new("/all/file")).is_some());
    // A pipe in place of a file that is read would hold a reader up for ever.
    for name in ["Dockerfile", ".dockerignore"] {
        let archive = Archive::default()
            .entry(name, EntryType::Fifo, "", b"")
            .file("x", "FROM scratch\n");
        assert!(yard.build_archive(archive.bytes()).result.is_err());
    }
    fails(
        yard,
        Archive::new("FROM busybox:1.35\nRUN mkfifo /etc/passwd2 && mv /etc/passwd2 /etc/passwd\nCOPY --chown=app Dockerfile /x\n")
            .bytes(),
        "no user `app`",
    );
}

fn names_have_a_limit(yard: &Yard) {
    let copy = "FROM scratch\nCOPY . /all/\n";
    let deep = |bytes: usize| "d/".repeat(bytes / 2);
    fails(
        yard,
        Archive::new(copy).file(&"n".repeat(256), "x").bytes(),
        "File name too long",
    );
    fails(
        yard,
        Archive::new(copy).file(&format!("{}f", deep(4096)), "x").bytes(),
        "longer than 4096 bytes",
    );
    fails(
        yard,
        Archive::new(copy).file(&"n".repeat(1 << 20), "x").bytes(),
        "longer than 4096 bytes",
    );
    fails(
        yard,
        Archive::new(copy).file(&format!("{}f", deep(1000)), "x").bytes(),
        "deep",
    );
    let longest = format!("{}/{}", "d".repeat(255), "f".repeat(255));
    assert!(
        tree(yard, Archive::new(copy).file(&longest, "x").bytes())
            .get(&Path::new("/all").join(&longest))
            .is_some()
    );
}

fn bombs_are_stopped(yard: &Yard) {
    // A description that would fill the memory, small on the wire.
    let mut header = tar::Header::new_ustar();
    header.set_path("PaxHeaders").unwrap();
    header.set_entry_type(EntryType::XHeader);
    header.set_size(1 << 30);
    header.set_cksum();
    let mut command = std::process::Command::new("gzip");
    let mut child = command
        .arg("-1")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut into = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        let block = vec![b'x'; 1 << 20];
        into.write_all(header.as_bytes()).unwrap();
        for _ in 0..64 {
            into.write_all(&block).unwrap();
        }
    });
    let mut bomb = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bomb).unwrap();
    writing.join().unwrap();
    child.wait().unwrap();
    fails(yard, bomb, "description is too large");
    // A sparse file that says it has a petabyte of holes.
    let mut header = tar::Header::new_gnu();
    header.set_path("sparse").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let real = header.as_gnu_mut().unwrap();
    real.realsize.copy_from_slice(b"\x80\0\0\0\0\x04\0\0\0\0\0\0");
    real.sparse[0]
        .offset
        .copy_from_slice(b"\x80\0\0\0\0\x04\0\0\0\0\0\0");
    real.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let mut archive = Archive::new("FROM scratch\nCOPY . /all/\n").0;
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(&[0; 1024]);
    let began = std::time::Instant::now();
    assert!(yard.build_archive(archive).result.is_err());
    assert!(began.elapsed().as_secs() < 20, "it was not written out first");
    // xz may ask for gigabytes of memory: the stream says so in its first bytes.
    let context = Archive::new("FROM scratch\n").bytes();
    let packed = compressed(&["xz", "--lzma2=dict=1GiB", "-c"], &context);
    fails(yard, packed, "emory");
}

fn compressed(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new(command[0])
        .args(&command[1..])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (mut into, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
    let writing = std::thread::spawn(move || into.write_all(&bytes).unwrap());
    let mut packed = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut packed).unwrap();
    writing.join().unwrap();
    assert!(child.wait().unwrap().success());
    packed
}

fn archives_of_add_are_contexts_too(yard: &Yard) {
    let outside = Outside::new(yard);
    let add = "FROM busybox:1.35\nADD a.tar /to/\n";
    let with = |archive: Archive| {
        Archive::new(add)
            .entry("a.tar", EntryType::Regular, "", &archive.bytes())
            .bytes()
    };
    fails(
        yard,
        with(Archive::default().file("../../evil", "x")),
        "the archive `a.tar`: the path `../../evil` leads out",
    );
    fails(
        yard,
        with(Archive::default().symlink("link", outside.path()).entry(
            "hard",
            EntryType::Link,
            "link/secret",
            b"",
        )),
        "a.tar",
    );
    let found = tree(
        yard,
        with(
            Archive::default()
                .symlink("link", outside.path())
                .file("link/evil", "x"),
        ),
    );
    assert!(found.get(Path::new("/to/link")).is_some());
    // Set-user-id is kept, as in any image; a device is not made.
    let found = tree(
        yard,
        with(
            Archive::default()
                .entry("sda", EntryType::Block, "", b"")
                .file("ok", "x"),
        ),
    );
    assert!(found.get(Path::new("/to/sda")).is_none() && found.get(Path::new("/to/ok")).is_some());
    // A link of the image takes nothing out of it.
    let escape = format!(
        "FROM busybox:1.35\nRUN ln -s {} /to\nADD a.tar /to/\nCOPY a.tar /to/\n",
        outside.path()
    );
    let archive = Archive::default().file("evil", "x").bytes();
    tree(
        yard,
        Archive::new(&escape)
            .entry("a.tar", EntryType::Regular, "", &archive)
            .bytes(),
    );
    outside.is_untouched();
}

fn nested_archives_stay_packed(yard: &Yard) {
    let mut inner = Archive::default().file("core", "x").bytes();
    for number in 0..20 {
        inner = Archive::default()
            .entry(&format!("{number}.tar"), EntryType::Regular, "", &inner)
            .bytes();
    }
    let found = tree(
        yard,
        Archive::new("FROM scratch\nADD a.tar /to/\n")
            .entry("a.tar", EntryType::Regular, "", &inner)
            .bytes(),
    );
    assert_eq!(found.get(Path::new("/to/19.tar")).unwrap().kind, "file");
    assert!(found.get(Path::new("/to/18.tar")).is_none());
}

/// `docker save`'s form of an image with these layers.
fn image(name: &str, layers: &[Vec<u8>], diff_ids: Option<Vec<String>>) -> Vec<u8> {
    let of = |layer: &Vec<u8>| format!("sha256:{}", hex::encode(Sha256::digest(layer)));
    let diff_ids = diff_ids.unwrap_or_else(|| layers.iter().map(of).collect());
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let paths: Vec<String> = (0..layers.len()).map(|number| format!("{number}.tar")).collect();
    let manifest = serde_json::json!([{"Config": "c.json", "RepoTags": [name], "Layers": paths}]);
    let mut archive = Archive::default()
        .file("c.json", &config.to_string())
        .file("manifest.json", &manifest.to_string());
    for (path, layer) in paths.iter().zip(layers) {
        archive = archive.entry(path, EntryType::Regular, "", layer);
    }
    archive.bytes()
}

fn load(yard: &Yard, bytes: Vec<u8>) -> Result<Vec<String>, String> {
    let stream = Box::pin(futures::stream::iter([Ok(bytes::Bytes::from(bytes))]));
    let loaded = yard.runtime.block_on(yard.workshop.engine.load(stream));
    loaded.map_err(|error| error.to_string())
}

fn layers_of_loaded_images_stay_inside(yard: &Yard) {
    let outside = Outside::new(yard);
    for (number, layer) in [
        Archive::default().file("../evil", "x"),
        Archive::default().entry("leak", EntryType::Link, "../../etc/passwd", b""),
        Archive::default()
            .symlink("l", outside.path())
            .entry("leak", EntryType::Link, "l/secret", b""),
        Archive::default().file("a/.wh...", ""),
        Archive::default().file(&"n".repeat(5000), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("hostile:{number}");
        load(yard, image(&name, &[layer.bytes()], None)).unwrap();
        let dockerfile = format!("FROM {name}\nCOPY Dockerfile /x\n");
        let built = yard.build_archive(Archive::new(&dockerfile).bytes());
        let error = built.result.unwrap_err();
        assert!(error.contains("layer sha256:"), "{number}: {error}");
    }
    let link = Archive::default()
        .symlink("link", outside.path())
        .file("link/evil", "x");
    load(yard, image("links:1", &[link.bytes()], None)).unwrap();
    let files = tree(
        yard,
        Archive::new("FROM links:1\nCOPY Dockerfile /link/\n").bytes(),
    );
    assert!(
        files.get(Path::new("/link/Dockerfile")).is_some() && files.get(Path::new("/link/evil")).is_some()
    );
    outside.is_untouched();
}

fn whiteouts_hide_only_what_is_below(yard: &Yard) {
    let below = Archive::default()
        .file("a", "below")
        .file("d/x", "below")
        .file("d/y", "below");
    let above = Archive::default()
        .file(".wh.a", "")
        .file("d/.wh..wh..opq", "")
        .file("d/x", "above")
        // Deleting what the same layer has does not take it away.
        .file("b", "above")
        .file(".wh.b", "")
        .file(".wh.not-there", "")
        // A mark with content, or as a folder, is still a mark.
        .entry(".wh.c", EntryType::Directory, "", b"");
    load(yard, image("white:1", &[below.bytes(), above.bytes()], None)).unwrap();
    let found = tree(yard, Archive::new("FROM white:1\nLABEL a=b\n").bytes());
    let text = |path: &str| found.get(Path::new(path)).and_then(|entry| entry.text());
    assert_eq!(
        (text("/a"), text("/d/x"), text("/d/y"), text("/b")),
        (None, Some("above"), None, Some("above"))
    );
    assert!(found.get(Path::new("/c")).is_none() && found.get(Path::new("/not-there")).is_none());
    // Marks of a context are files, and must not delete anything when they become a layer.
    let context = Archive::new("FROM white:1\nCOPY . /d/\n").file(".wh.x", "");
    let error = yard.build_archive(context.bytes()).result.map(drop).unwrap_err();
    assert!(error.contains("`/d/.wh.x`"), "{error}");
}

fn layers_that_are_not_what_they_say(yard: &Yard) {
    let layer = Archive::default().file("a", "x").bytes();
    let wrong = format!("sha256:{}", "0".repeat(64));
    load(
        yard,
        image("wrong:1", std::slice::from_ref(&layer), Some(vec![wrong])),
    )
    .unwrap();
    fails(
        yard,
        Archive::new("FROM wrong:1\nCOPY Dockerfile /x\n").bytes(),
        "unpacks to content with digest",
    );
    load(yard, image("wrong:2", &[b"no archive at all".to_vec()], None)).unwrap();
    fails(
        yard,
        Archive::new("FROM wrong:2\nCOPY Dockerfile /x\n").bytes(),
        "layer sha256:",
    );
    let mut cut = Archive::default().file("a", &"x".repeat(10_000)).bytes();
    cut.truncate(4_000);
    load(yard, image("wrong:3", &[cut], None)).unwrap();
    fails(
        yard,
        Archive::new("FROM wrong:3\nCOPY Dockerfile /x\n").bytes(),
        "layer sha256:",
    );
    // More layers than the configuration knows.
    let error = load(yard, image("wrong:4", &[layer], Some(Vec::new())));
    assert!(error.is_err(), "{error:?}");
    let blob = Archive::default()
        .file(&format!("blobs/sha256/{}", "1".repeat(64)), "x")
        .file("index.json", "{}");
    assert!(load(yard, blob.bytes()).unwrap_err().contains("digest"));
}

fn mounts_and_targets_stay_inside(yard: &Yard) {
    let outside = Outside::new(yard);
    let secret = format!("{}/secret", outside.path());
    for mount in [
        "type=bind,source=link,target=/x".to_owned(),
        format!("type=bind,source={secret},target=/x"),
        format!("type=bind,source=../../../../../../..{secret},target=/x"),
    ] {
        let dockerfile = format!("FROM busybox:1.35\nRUN --mount={mount} cat /x\n");
        fails(
            yard,
            Archive::new(&dockerfile).symlink("link", &secret).bytes(),
            "the source of the mount, is not there",
        );
    }
    fails(
        yard,
        Archive::new("FROM busybox:1.35\nARG T=/\nRUN --mount=type=tmpfs,target=$T/.. true\n").bytes(),
        "cannot take the place of `/`",
    );
    // A target that is a link of the image is made inside of it.
    let dockerfile = format!(
        "FROM busybox:1.35\nRUN ln -s {} /link && ln -s ../../../../../..{} /up\nRUN --mount=type=cache,target=/link/evil --mount=type=bind,target=/up/evil,rw touch /link/evil/x /up/evil/y\n",
        outside.path(),
        outside.path()
    );
    yard.build_archive(Archive::new(&dockerfile).bytes())
        .result
        .unwrap();
    // Ids are no paths.
    let dockerfile = format!(
        "FROM busybox:1.35\nRUN --mount=type=cache,id=../../..{},target=/c touch /c/evil\n",
        outside.path()
    );
    yard.build_archive(Archive::new(&dockerfile).bytes())
        .result
        .unwrap();
    outside.is_untouched();
    // What a command plants in a cache is what the next one finds, and leads nowhere else.
    let dockerfile = format!(
        "FROM busybox:1.35\nRUN --mount=type=cache,target=/c ln -s {} /c/link; ls /c/link/ 2>/dev/null | wc -l > /n\n",
        outside.path()
    );
    let found = tree(yard, Archive::new(&dockerfile).bytes());
    assert_eq!(found.get(Path::new("/n")).unwrap().text(), Some("0\n"));
}

fn a_broken_context_is_an_error(yard: &Yard) {
    for bytes in [
        Vec::new(),
        vec![7; 2048],
        b"\x1f\x8bgarbage".to_vec(),
        b"BZh9garbage".to_vec(),
    ] {
        assert!(yard.build_archive(bytes).result.is_err());
    }
    let mut cut = Archive::new("FROM scratch\nCOPY . /\n")
        .file("a", &"x".repeat(10_000))
        .bytes();
    cut.truncate(5_000);
    fails(yard, cut, "the build context");
    let not_text = Archive::default().entry("Dockerfile", EntryType::Regular, "", b"FROM \xff\n");
    fails(yard, not_text.bytes(), "not text in UTF-8");
    // The same context in every compression that people send.
    let context = Archive::new("FROM scratch\nLABEL a=b\n").bytes();
    for command in [["gzip", "-c"], ["bzip2", "-c"], ["xz", "-c"]] {
        yard.build_archive(compressed(&command, &context)).result.unwrap();
    }
}

fn a_dockerfile_that_grows_without_end(yard: &Yard) {
    let mut dockerfile = "FROM scratch\nENV A=0123456789\n".to_owned();
    for _ in 0..64 {
        dockerfile.push_str("ENV A=$A$A$A$A\n");
    }
    fails(
        yard,
        Archive::new(&dockerfile).bytes(),
        "with its variables it has more than",
    );
    let replaced = "FROM scratch\nENV A=0123456789\n".to_owned() + &"ENV A=${A//?/$A}\n".repeat(64);
    fails(
        yard,
        Archive::new(&replaced).bytes(),
        "with its variables it has more than",
    );
    fails(
        yard,
        Archive::new(&format!("FROM scratch\n{}", "#".repeat(2 << 20))).bytes(),
        "longer than",
    );
    let folder = yard.folder("app", &[("Dockerfile", "FROM scratch\nCOPY a /a\n")]);
    symlink("a", folder.join("a")).unwrap();
    assert!(yard.build(&folder, BuildRequest::default()).result.is_err());
}
