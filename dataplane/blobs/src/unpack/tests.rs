use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use super::*;
use crate::testing::Tar;

struct Unpacked {
    _directory: tempfile::TempDir,
    root: PathBuf,
    digest: Digest,
}

fn try_unpack(bytes: &[u8]) -> Result<Unpacked, UnpackError> {
    let directory = tempfile::tempdir().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let root = directory.path().join("layer");
    let digest = unpack(file, &root)?;
    Ok(Unpacked {
        _directory: directory,
        root,
        digest,
    })
}

#[test]
fn every_compression_gives_the_same_tree_and_diff_id() {
    let plain = Tar::new().directory("etc").file("etc/a", "hello").bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&plain).unwrap();
    let xz = liblzma::encode_all(plain.as_slice(), 1).unwrap();
    for bytes in [
        plain.clone(),
        gzip.finish().unwrap(),
        zstd,
        bzip2.finish().unwrap(),
        xz,
    ] {
        let unpacked = try_unpack(&bytes).unwrap();
        assert_eq!(unpacked.digest, Digest::of(&plain));
        assert_eq!(fs::read_to_string(unpacked.root.join("etc/a")).unwrap(), "hello");
        assert_eq!(
            fs::metadata(unpacked.root.join("etc")).unwrap().mtime(),
            1_000_000_000
        );
    }
}

#[test]
fn whiteouts_take_the_form_that_overlayfs_knows() {
    let bytes = Tar::new()
        .file("a/.wh.gone", "")
        .file("b/.wh..wh..opq", "")
        .file("b/new", "x")
        .bytes();
    let unpacked = try_unpack(&bytes).unwrap();
    let gone = fs::symlink_metadata(unpacked.root.join("a/gone")).unwrap();
    assert!(gone.file_type().is_char_device());
    assert_eq!(gone.rdev(), 0);
    let mut value = [0_u8; 8];
    let length =
        rustix::fs::lgetxattr(unpacked.root.join("b"), "trusted.overlay.opaque", &mut value).unwrap();
    assert_eq!(&value[..length], b"y");
    assert!(!unpacked.root.join("b/.wh..wh..opq").exists());
}

#[test]
fn owners_modes_long_names_and_capabilities_are_kept() {
    let name = format!("{}/ñ 🦀 {}", "d".repeat(120), "f".repeat(150));
    let mut tar = Tar::new();
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    tar.0
        .append_pax_extensions([
            ("SCHILY.xattr.security.capability", &capability[..]),
            ("SCHILY.xattr.trusted.overlay.redirect", &b"/etc"[..]),
            ("mtime", &b"1000000000.25"[..]),
            ("path", name.as_bytes()),
        ])
        .unwrap();
    let mut header = Tar::header(tar::EntryType::Regular, 0o4755, 2);
    header.set_uid(1234);
    header.set_gid(5678);
    header.set_path("short").unwrap();
    header.set_cksum();
    tar.0.append(&header, &b"hi"[..]).unwrap();
    let unpacked = try_unpack(&tar.bytes()).unwrap();
    let path = unpacked.root.join(&name);
    let found = fs::metadata(&path).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), found.permissions().mode() & 0o7777),
        (1234, 5678, 0o4755)
    );
    assert_eq!((found.mtime(), found.mtime_nsec()), (1_000_000_000, 250_000_000));
    let mut value = [0_u8; 64];
    let length = rustix::fs::lgetxattr(&path, "security.capability", &mut value).unwrap();
    assert_eq!(value[..length], capability);
    assert!(rustix::fs::lgetxattr(&path, "trusted.overlay.redirect", &mut value).is_err());
}

#[test]
fn links_stay_links() {
    let bytes = Tar::new()
        .file("bin/busybox", "elf")
        .hard_link("bin/sh", "bin/busybox")
        .hard_link("bin/busybox", "bin/busybox")
        .symlink("bin/ash", "/bin/busybox")
        .bytes();
    let unpacked = try_unpack(&bytes).unwrap();
    let inode = |name: &str| fs::metadata(unpacked.root.join(name)).unwrap().ino();
    assert_eq!(inode("bin/busybox"), inode("bin/sh"));
    assert_eq!(
        fs::read_link(unpacked.root.join("bin/ash")).unwrap().as_os_str(),
        "/bin/busybox"
    );
}

#[test]
fn no_path_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap().to_owned();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    for bytes in [
        Tar::new().file("../evil", "x").bytes(),
        Tar::new().file("a/../../evil", "x").bytes(),
        Tar::new()
            .hard_link("leak", "../../../../../../../../etc/passwd")
            .bytes(),
        Tar::new().file("a/.wh...", "").bytes(),
    ] {
        assert!(matches!(try_unpack(&bytes), Err(UnpackError::Outside(_))));
    }
    // A planted symbolic link is followed inside the root only, whatever it says.
    for link in [target.clone(), format!("../../../../../../../..{target}")] {
        let bytes = Tar::new().symlink("link", &link).file("link/evil", "x").bytes();
        let unpacked = try_unpack(&bytes).unwrap();
        assert!(!outside.path().join("evil").exists());
        assert!(unpacked.root.join("link/evil").exists());
    }
    // A hard link through a planted symbolic link finds nothing outside.
    let bytes = Tar::new()
        .symlink("link", &target)
        .hard_link("leak", "link/secret")
        .bytes();
    assert!(matches!(try_unpack(&bytes), Err(UnpackError::Entry { .. })));
    // The last part is never followed.
    let bytes = Tar::new()
        .symlink("file", &format!("{target}/secret"))
        .file("file", "mine")
        .bytes();
    let unpacked = try_unpack(&bytes).unwrap();
    assert_eq!(
        fs::read_to_string(outside.path().join("secret")).unwrap(),
        "secret"
    );
    assert_eq!(fs::read_to_string(unpacked.root.join("file")).unwrap(), "mine");
}

#[test]
fn a_later_entry_wins() {
    let bytes = Tar::new().file("x/y", "1").file("x", "2").bytes();
    assert_eq!(
        fs::read_to_string(try_unpack(&bytes).unwrap().root.join("x")).unwrap(),
        "2"
    );
    let bytes = Tar::new().file("x", "1").file("x/y", "2").bytes();
    assert_eq!(
        fs::read_to_string(try_unpack(&bytes).unwrap().root.join("x/y")).unwrap(),
        "2"
    );
}

#[test]
fn device_nodes_are_left_out() {
    let bytes = Tar::new()
        .raw("dev/sda", tar::EntryType::Block, "", b"")
        .file("ok", "")
        .bytes();
    let unpacked = try_unpack(&bytes).unwrap();
    assert!(!unpacked.root.join("dev/sda").exists());
    assert!(unpacked.root.join("ok").exists());
}

#[test]
fn a_huge_description_is_not_taken_into_memory() {
    let size = 64 << 20;
    let mut header = tar::Header::new_ustar();
    header.set_path("PaxHeaders").unwrap();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_size(size);
    header.set_cksum();
    let mut tar = Tar::new();
    tar.0.append(&header, std::io::repeat(b'x').take(size)).unwrap();
    let bytes = zstd::encode_all(tar.file("a", "").bytes().as_slice(), 1).unwrap();
    assert!(matches!(try_unpack(&bytes), Err(UnpackError::Archive(_))));
}

#[test]
fn what_is_no_archive_is_refused() {
    assert!(matches!(try_unpack(&[7; 2048]), Err(UnpackError::Archive(_))));
    let mut cut = Tar::new().file("a", &"x".repeat(5000)).bytes();
    cut.truncate(2000);
    assert!(try_unpack(&cut).is_err());
}

#[test]
fn zeros_become_holes_and_what_is_between_them_stays() {
    let mut content = vec![0_u8; 4 << 20];
    content[2 << 20] = b'x';
    content.extend_from_slice(&[0; 100]);
    let text = String::from_utf8(content.clone()).unwrap();
    let unpacked = try_unpack(&Tar::new().file("a", &text).file("b", "").bytes()).unwrap();
    let path = unpacked.root.join("a");
    assert!(fs::read(&path).unwrap() == content);
    assert!(fs::metadata(&path).unwrap().blocks() * 512 < 1 << 20);
    assert_eq!(fs::metadata(unpacked.root.join("b")).unwrap().len(), 0);
}

#[test]
fn owners_that_are_left_out_are_root() {
    let mut header = tar::Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_mode(0o644);
    header.set_size(0);
    header.set_cksum();
    let mut tar = Tar::new();
    tar.0.append(&header, &b""[..]).unwrap();
    let unpacked = try_unpack(&tar.bytes()).unwrap();
    let found = fs::metadata(unpacked.root.join("a")).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mtime()), (0, 0, 0));
}

#[test]
fn an_archive_is_known_by_its_checksum() {
    let archive = Tar::new().file("a", "x").bytes();
    assert!(is_tar(&archive) && is_tar(&archive[..512]));
    let mut broken = archive.clone();
    broken[0] = b'b';
    assert!(!is_tar(&broken) && !is_tar(&[0; 512]) && !is_tar(&archive[..511]) && !is_tar(&[b'0'; 512]));
    // The oldest form has no mark of its own.
    let mut header = tar::Header::new_old();
    header.set_path("a").unwrap();
    header.set_size(0);
    header.set_mode(0);
    header.set_cksum();
    assert!(is_tar(header.as_bytes()));
}

#[test]
fn a_context_keeps_names_that_look_like_whiteouts() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = Tar::new().file("a/.wh.b", "x").bytes();
    extract(std::io::Cursor::new(bytes), directory.path()).unwrap();
    assert_eq!(fs::read_to_string(directory.path().join("a/.wh.b")).unwrap(), "x");
}
