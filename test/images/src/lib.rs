//! Images from end to end: the Docker Engine API on a socket, the registry on a port, builder and blob store behind
//! them; driven by real clients in `tests/images.rs`.

mod catalog;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base_clock::SystemClock;
use dataplane_blobs::{BlobStore, Mirror, RemoteConfig};
use dataplane_build::{BuildConfig, LocalEngine};
use dataplane_runtime::{Runtime, RuntimeConfig};
use front_engine::EngineInfo;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

pub use catalog::MemoryCatalog;

/// The password of every login.
pub const PASSWORD: &str = "correct-horse";

/// Ends when dropped.
pub struct Service {
    pub store: BlobStore,
    pub engine: LocalEngine,
    pub catalog: Arc<MemoryCatalog>,
    pub registry: SocketAddr,
    pub socket: PathBuf,
    runtime: Runtime,
    tasks: Vec<JoinHandle<io::Result<()>>>,
}

pub struct Config {
    pub shim_command: Vec<OsString>,
    pub ca_bundle: Option<PathBuf>,
    /// Hosts that have what Docker Hub has.
    pub mirrors: Vec<String>,
    /// 0 takes any.
    pub port: u16,
    pub instance: String,
}

impl Service {
    pub async fn start(directory: &Path, config: Config) -> io::Result<Self> {
        let mirrors = vec![Mirror {
            prefix: "docker.io".to_owned(),
            hosts: config.mirrors,
        }];
        let remote = RemoteConfig {
            mirrors,
            ..RemoteConfig::default()
        };
        let store = BlobStore::open_with(directory.join("images"), remote).map_err(io::Error::other)?;
        let runtime = RuntimeConfig {
            shim_command: config.shim_command,
            state_dir: directory.join("state"),
            instance: config.instance,
            run_dir: directory.join("run"),
        };
        let build = BuildConfig {
            cache_dir: directory.join("build-cache"),
            ca_bundle: config.ca_bundle,
        };
        let owner = Runtime::new(runtime.clone());
        let engine = LocalEngine::open(store.clone(), build, Arc::new(runtime), Arc::new(SystemClock))?;
        let catalog = Arc::new(MemoryCatalog::default());

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
        let registry = listener.local_addr()?;
        let routes = front_registry::router(Arc::new(store.clone()), catalog.clone(), Arc::new(SystemClock));
        let socket = directory.join("docker.sock");
        let info = EngineInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: "test".to_owned(),
            host_name: "test".to_owned(),
            root_dir: directory.display().to_string(),
            cpus: 2,
            memory_bytes: 1 << 30,
        };
        let api = front_engine::router(Arc::new(engine.clone()), None, Arc::new(SystemClock), info);
        let unix = UnixListener::bind(&socket)?;
        let tasks = vec![
            tokio::spawn(async move { axum::serve(listener, routes).await }),
            tokio::spawn(async move { axum::serve(unix, api).await }),
        ];
        Ok(Self {
            store,
            engine,
            catalog,
            registry,
            socket,
            runtime: owner,
            tasks,
        })
    }
}

impl Service {
    /// The same registry for anybody, as a mirror of Docker Hub is; returns its address.
    pub async fn mirror(&mut self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let routes = front_registry::router(
            Arc::new(self.store.clone()),
            self.catalog.clone(),
            Arc::new(SystemClock),
        );
        let routes = routes.layer(axum::middleware::map_request(
            |mut request: axum::extract::Request| async move {
                // `AWS:correct-horse`
                let known = axum::http::HeaderValue::from_static("Basic QVdTOmNvcnJlY3QtaG9yc2U=");
                request
                    .headers_mut()
                    .insert(axum::http::header::AUTHORIZATION, known);
                request
            },
        ));
        self.tasks
            .push(tokio::spawn(async move { axum::serve(listener, routes).await }));
        Ok(address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.runtime.kill_all();
    }
}
