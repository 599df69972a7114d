//! A workshop for one test, and a look around when it is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::image::BuildRequest;
use tempfile::TempDir;
use test_dockerfile::base;
use test_dockerfile::workshop::{Built, Workshop};
use tokio::runtime::Runtime;

pub type Test = (&'static str, fn(&Yard));

/// Makes an entry of a list of tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*]
    };
}

pub struct Yard {
    pub directory: TempDir,
    pub workshop: Workshop,
    pub runtime: Runtime,
}

/// Nothing may be left when a test is over: no mount, no temporary directory.
pub fn run(test: fn(&Yard)) {
    let directory = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let shim = vec![std::env::current_exe().unwrap().into(), "shim".into()];
    let ours = directory.path().join("ours");
    let workshop = runtime.block_on(Workshop::open(&ours, shim, "0badd0cd")).unwrap();
    let archive = directory.path().join("base.tar");
    base::write(&archive).unwrap();
    runtime.block_on(workshop.load(&archive)).unwrap();
    let yard = Yard {
        directory,
        workshop,
        runtime,
    };
    test(&yard);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(
        !mounts.contains(ours.to_str().unwrap()),
        "a mount is left:\n{mounts}"
    );
    for place in ["images/temporary", "state/steps"] {
        yard.await_empty(&ours.join(place));
    }
}

impl Yard {
    fn await_empty(&self, path: &Path) {
        for _ in 0..200 {
            if fs::read_dir(path).map_or(0, Iterator::count) == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("something is left in {}", path.display());
    }

    pub fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.directory.path().join(name);
        for (file, content) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    pub fn build(&self, folder: &Path, request: BuildRequest) -> Built {
        self.runtime
            .block_on(self.workshop.build(folder, with_name(request)))
            .unwrap()
    }

    pub fn build_archive(&self, archive: Vec<u8>) -> Built {
        let request = with_name(BuildRequest::default());
        self.runtime
            .block_on(self.workshop.build_archive(archive, request))
    }

    /// Which of the steps came from the cache.
    #[track_caller]
    pub fn cached(&self, folder: &Path, request: BuildRequest) -> Vec<bool> {
        let built = self.build(folder, request);
        built
            .result
            .as_ref()
            .unwrap_or_else(|error| panic!("{error}\n{}", built.text));
        built
            .text
            .lines()
            .filter(|line| line.starts_with('['))
            .filter_map(|line| {
                let outcome = line.split_once("] ")?.1;
                (outcome == "CACHED" || outcome.starts_with("DONE ")).then_some(outcome == "CACHED")
            })
            .collect()
    }
}

fn with_name(request: BuildRequest) -> BuildRequest {
    if request.dockerfile.is_empty() {
        BuildRequest {
            dockerfile: "Dockerfile".to_owned(),
            ..request
        }
    } else {
        request
    }
}
