use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use super::super::{Selection, Wanted, select};
use super::*;

struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for part in ["from", "lower", "upper"] {
            fs::create_dir(directory.path().join(part)).unwrap();
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), name).unwrap();
    }

    fn copy(&self, source: &str, to: &str) -> io::Result<()> {
        let view = View::new(&[self.path("from")]);
        let Selection::Picked(picked) = select(&view, &[source.to_owned()], &Wanted::default())? else {
            panic!("{source}")
        };
        let placement = Placement {
            destination: to.into(),
            is_directory: to.ends_with('/'),
        };
        let rules = Rules::new(Ownership::Fixed(ROOT));
        place(
            &[self.path("lower")],
            &self.path("upper"),
            &picked,
            &placement,
            rules,
        )
    }
}

#[test]
fn a_parent_that_exists_below_keeps_its_owner_and_mode() {
    let bench = Bench::new();
    bench.write("from/file");
    fs::create_dir(bench.path("lower/home")).unwrap();
    chown(bench.path("lower/home"), Some(5), Some(6)).unwrap();
    fs::set_permissions(bench.path("lower/home"), fs::Permissions::from_mode(0o1770)).unwrap();
    bench.copy("file", "/home/new/").unwrap();
    let home = fs::metadata(bench.path("upper/home")).unwrap();
    assert_eq!((home.uid(), home.gid(), home.mode() & 0o7777), (5, 6, 0o1770));
    assert_eq!(
        fs::metadata(bench.path("upper/home/new")).unwrap().mode() & 0o7777,
        0o755
    );
    assert!(bench.path("upper/home/new/file").exists());
}

#[test]
fn links_of_the_image_are_followed_within_it() {
    let bench = Bench::new();
    bench.write("from/tree/lib/x");
    fs::create_dir_all(bench.path("lower/usr/lib")).unwrap();
    symlink("usr/lib", bench.path("lower/lib")).unwrap();
    symlink("/outside", bench.path("lower/out")).unwrap();
    bench.copy("tree", "/").unwrap();
    assert!(bench.path("upper/usr/lib/x").exists());
    assert!(!bench.path("upper/lib").exists());
    bench.copy("tree/lib/x", "/out/").unwrap();
    assert!(bench.path("upper/outside/x").exists());
    assert!(!Path::new("/outside").exists());
}

#[test]
fn files_and_directories_do_not_replace_each_other() {
    let bench = Bench::new();
    bench.write("from/file");
    bench.write("from/dir/file");
    bench.write("lower/file");
    fs::create_dir_all(bench.path("lower/dir/file")).unwrap();
    assert!(
        bench
            .copy("dir", "/file")
            .unwrap_err()
            .to_string()
            .contains("/file is no directory")
    );
    assert!(
        bench
            .copy("dir", "/dir")
            .unwrap_err()
            .to_string()
            .contains("/dir/file is a directory")
    );
    assert!(bench.copy("file", "/file/x").is_err());
    fs::create_dir(bench.path("lower/empty")).unwrap();
    bench.copy("file", "/empty").unwrap();
    assert!(bench.path("upper/empty/file").exists());
}
