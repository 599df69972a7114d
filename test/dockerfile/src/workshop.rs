//! A builder of our own with its store, and its images as roots.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use base_clock::SystemClock;
use bytes::Bytes;
use contract::image::{BuildEvent, BuildRequest, BuildSecret, BuildSink, ByteStream, Engine as _};
use dataplane_blobs::{BlobStore, RemoteConfig};
use dataplane_build::{BuildConfig, LocalEngine};
use dataplane_runtime::{Runtime, RuntimeConfig};
use serde_json::Value;

use crate::case::Case;
use crate::tree::Tree;

pub struct Workshop {
    pub store: BlobStore,
    pub engine: LocalEngine,
    pub directory: PathBuf,
    runtime: Runtime,
}

/// How a build went.
pub struct Built {
    /// The manifest's digest, or what was wrong.
    pub result: Result<String, String>,
    /// Lines and output as they came.
    pub text: String,
}

impl Workshop {
    pub async fn open(directory: &Path, shim_command: Vec<OsString>, instance: &str) -> io::Result<Self> {
        let remote = RemoteConfig::default();
        let store = BlobStore::open_with(directory.join("images"), remote).map_err(io::Error::other)?;
        let runtime = RuntimeConfig {
            shim_command,
            state_dir: directory.join("state"),
            instance: instance.to_owned(),
            run_dir: directory.join("run"),
        };
        let config = BuildConfig {
            cache_dir: directory.join("cache"),
            ca_bundle: None,
        };
        let owner = Runtime::new(runtime.clone());
        let engine = LocalEngine::open(store.clone(), config, Arc::new(runtime), Arc::new(SystemClock))?;
        Ok(Self {
            store,
            engine,
            directory: directory.to_owned(),
            runtime: owner,
        })
    }

    pub async fn load(&self, archive: &Path) -> io::Result<()> {
        let bytes = stream(fs::read(archive)?);
        self.engine.load(bytes).await.map(drop).map_err(io::Error::other)
    }

    /// Builds a folder as clients send it.
    pub async fn build(&self, folder: &Path, request: BuildRequest) -> io::Result<Built> {
        let packed = Command::new("tar")
            .args(["--owner=0", "--group=0", "--numeric-owner", "-cf", "-", "."])
            .current_dir(folder)
            .output()?;
        Ok(self.build_archive(packed.stdout, request).await)
    }

    pub async fn build_archive(&self, archive: Vec<u8>, request: BuildRequest) -> Built {
        let text = Arc::new(Mutex::new(String::new()));
        let into = text.clone();
        let sink: BuildSink = Arc::new(move |event| {
            let mut text = into.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                BuildEvent::Line(line) => text.push_str(&format!("{line}\n")),
                BuildEvent::Output(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                BuildEvent::Pull(_) => {}
            }
        });
        let result = self.engine.build(request, stream(archive), sink).await;
        let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Built {
            result: result.map_err(|error| error.to_string()),
            text,
        }
    }

    /// The image's configuration, the part about containers.
    pub fn config(&self, digest: &str) -> io::Result<Value> {
        let bytes = self.store.image_config_bytes(digest).map_err(io::Error::other)?;
        let mut whole: Value = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        let mut config = whole["config"].take();
        config["Architecture"] = whole["architecture"].take();
        config["Author"] = whole["author"].take();
        config["History"] = whole["history"].take();
        Ok(config)
    }

    /// Layers as overlayfs wants them, bottom first.
    pub async fn layers(&self, digest: &str) -> io::Result<Vec<PathBuf>> {
        self.store
            .layer_directories(digest)
            .await
            .map_err(io::Error::other)
    }

    /// All files of an image as a container would see them.
    pub async fn tree(&self, digest: &str) -> io::Result<Tree> {
        let mut layers = self.layers(digest).await?;
        // Overlayfs takes no directory twice; the one on top hides the other.
        let mut seen = std::collections::HashSet::new();
        layers.reverse();
        layers.retain(|layer| seen.insert(layer.clone()));
        let place = self.directory.join("mounted");
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        for name in ["root", "empty", "links"] {
            fs::create_dir_all(place.join(name))?;
        }
        let mut names = Vec::new();
        for (number, layer) in layers.iter().enumerate() {
            std::os::unix::fs::symlink(layer, place.join("links").join(number.to_string()))?;
            names.push(number.to_string());
        }
        // Overlayfs wants two.
        names.extend(["../empty".to_owned(), "../empty/.".to_owned()]);
        let options = format!("lowerdir={}", names[..names.len() - 1].join(":"));
        let tree = if layers.is_empty() {
            Ok(Tree::default())
        } else {
            let mounted = Command::new("mount")
                .args(["-t", "overlay", "overlay", "-o", &options, "../root"])
                .current_dir(place.join("links"))
                .status()?;
            if !mounted.success() {
                return Err(io::Error::other("the layers cannot be mounted"));
            }
            let tree = Tree::read(&place.join("root"));
            Command::new("umount").arg(place.join("root")).status()?;
            tree
        };
        fs::remove_dir_all(place)?;
        tree
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.runtime.kill_all();
    }
}

/// What a case asks for.
pub fn request(case: &Case, tag: &str) -> BuildRequest {
    BuildRequest {
        tags: vec![tag.to_owned()],
        dockerfile: case.file().to_owned(),
        build_args: case
            .expect
            .args
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect(),
        target: case.expect.target.clone(),
        secrets: case
            .expect
            .secrets
            .iter()
            .map(|(id, value)| BuildSecret {
                id: id.clone(),
                value: Bytes::from(value.clone()),
            })
            .collect(),
        ..BuildRequest::default()
    }
}

/// In pieces, as from a client.
fn stream(bytes: Vec<u8>) -> ByteStream {
    let bytes = Bytes::from(bytes);
    let pieces: Vec<_> = (0..bytes.len())
        .step_by(64 << 10)
        .map(|at| Ok(bytes.slice(at..bytes.len().min(at + (64 << 10)))))
        .collect();
    Box::pin(futures::stream::iter(pieces))
}
