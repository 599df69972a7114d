//! One build from its context to its image: reads the Dockerfile, goes through the stages that are needed, writes
//! configuration and manifest.

mod base;
mod context;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base_clock::Clock;
use base_diagnostic::{Problem, SourceFile, render};
use base_dockerfile::{Base, Dockerfile, Scope};
use contract::image::{BuildEvent, BuildRequest, BuildSink, ByteStream};
use dataplane_blobs::{
    BlobStore, Digest, ImageError, LayerError, Name, NameError, NamesError, UnpackError, manifest_bytes,
};
use tokio::sync::Semaphore;

use crate::cache::{Cache, MOUNTS};
use crate::command::Runner;
use crate::mount::MountStore;
use crate::stage::{Stage, StageResult};
use context::Context;

/// Builds at the same time; further ones wait.
const BUILDS_PARALLEL: usize = 2;
/// Width of reports about a Dockerfile, in columns.
const REPORT_COLUMNS: usize = 100;

/// What the builder is told once.
#[derive(Clone, Debug)]
pub struct BuildConfig {
    /// Holds the cache's entries, and what RUN mounts as its own caches.
    pub cache_dir: PathBuf,
    /// A PEM file with certificate authorities that RUN shall trust, for networks that re-sign TLS. It is in no
    /// image.
    pub ca_bundle: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The Dockerfile, with all its problems, as a report for the person who wrote it.
    #[error("{0}")]
    Dockerfile(String),
    /// A step of it, as a report too.
    #[error("{0}")]
    Step(String),
    #[error("the build context has no `{0}`")]
    NoDockerfile(String),
    #[error("`{0}` is not text in UTF-8, or longer than {max} bytes", max = base_dockerfile::DOCKERFILE_BYTES_MAX)]
    NotText(String),
    #[error("{0}")]
    Ignore(#[from] base_dockerfile::IgnoreError),
    #[error("the Dockerfile has no stage `{0}`")]
    NoTarget(String),
    #[error("the build context: {0}")]
    Context(UnpackError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Names(#[from] NamesError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error("building: {0}")]
    Io(#[from] io::Error),
}

/// Why an instruction did not work: something in the file, or something here.
#[derive(Debug)]
pub(crate) enum Failure {
    Problem(Problem),
    /// With the last lines that the step printed.
    Output(Problem, Vec<String>),
    Other(BuildError),
}

impl<E: Into<BuildError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

pub(crate) struct Builder {
    pub store: BlobStore,
    pub cache: Cache,
    pub mounts: MountStore,
    pub config: BuildConfig,
    pub runner: Arc<dyn Runner>,
    pub clock: Arc<dyn Clock>,
    slots: Semaphore,
}

/// What all stages of one build share.
pub(crate) struct Build<'a> {
    pub builder: &'a Builder,
    pub request: &'a BuildRequest,
    pub dockerfile: &'a Dockerfile,
    pub global: &'a Scope,
    pub context: &'a Context,
    pub events: &'a BuildSink,
    /// Stages that are done.
    pub stages: HashMap<usize, StageResult>,
}

impl Build<'_> {
    pub fn tell(&self, line: String) {
        (self.events)(BuildEvent::Line(line));
    }
}

impl Builder {
    pub fn new(
        store: BlobStore,
        config: BuildConfig,
        runner: Arc<dyn Runner>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let cache = Cache::open(config.cache_dir.clone(), store.clone())?;
        let mounts = MountStore::open(config.cache_dir.join(MOUNTS))?;
        Ok(Self {
            store,
            cache,
            mounts,
            config,
            runner,
            clock,
            slots: Semaphore::new(BUILDS_PARALLEL),
        })
    }

    /// Returns the digest of the image's manifest.
    pub async fn build(
        &self,
        request: &BuildRequest,
        archive: ByteStream,
        events: &BuildSink,
    ) -> Result<String, BuildError> {
        let names: Vec<Name> = request
            .tags
            .iter()
            .map(|tag| Name::parse(tag))
            .collect::<Result<_, _>>()?;
        let _slot = self.slots.acquire().await.map_err(io::Error::other)?;
        let context = Context::receive(&self.store, archive, &request.dockerfile).await?;
        let file = SourceFile {
            name: request.dockerfile.clone(),
            text: context.dockerfile.clone(),
        };
        let report = |problems: &[Problem]| render(&file, problems, false, REPORT_COLUMNS);

        let dockerfile = base_dockerfile::parse(&file.text)
            .map_err(|problems| BuildError::Dockerfile(report(&problems)))?;
        let one = |problem: Problem| BuildError::Dockerfile(report(&[problem]));
        let target = dockerfile.target(request.target.as_deref());
        let target =
            target.ok_or_else(|| BuildError::NoTarget(request.target.clone().unwrap_or_default()))?;
        let global = dockerfile.global_scope(&request.build_args).map_err(one)?;
        let needed = dockerfile.needed(target, &global).map_err(one)?;

        let mut build = Build {
            builder: self,
            request,
            dockerfile: &dockerfile,
            global: &global,
            context: &context,
            events,
            stages: HashMap::new(),
        };
        build.warn_unused_args();
        for number in needed {
            let result = build.stage(number).await.map_err(|failure| match failure {
                Failure::Problem(problem) => BuildError::Step(report(&[problem])),
                Failure::Output(problem, lines) => BuildError::Step(with_output(report(&[problem]), &lines)),
                Failure::Other(error) => error,
            })?;
            build.stages.insert(number, result);
        }
        let result = build
            .stages
            .remove(&target)
            .ok_or_else(|| io::Error::other("the target was not built"))?;
        self.write(request, result, &names).await
    }

    /// Configuration, manifest, names.
    async fn write(
        &self,
        request: &BuildRequest,
        mut result: StageResult,
        names: &[Name],
    ) -> Result<String, BuildError> {
        result
            .configuration
            .config
            .labels
            .extend(request.labels.iter().cloned());
        let (store, names) = (self.store.clone(), names.to_vec());
        blocking(move || {
            let config = serde_json::to_vec(&result.configuration).map_err(io::Error::from)?;
            let config_digest = store.put(&config)?;
            for layer in &result.layers {
                store.touch(&layer.digest);
            }
            let bytes = manifest_bytes(&config_digest, config.len() as u64, &result.layers)
                .map_err(io::Error::from)?;
            let digest: Digest = store.put(&bytes)?;
            for name in &names {
                store.tag(&name.to_string(), digest.as_str())?;
            }
            Ok(digest.into())
        })
        .await
    }
}

impl Build<'_> {
    fn warn_unused_args(&self) {
        let declared = |name: &str| {
            let stages = self
                .dockerfile
                .stages
                .iter()
                .flat_map(|stage| &stage.instructions);
            self.dockerfile
                .head
                .iter()
                .chain(stages)
                .any(|instruction| match &instruction.kind {
                    base_dockerfile::Kind::Arg(arguments) => {
                        arguments.iter().any(|one| one.name.text == name)
                    }
                    _ => false,
                })
        };
        let predefined = |name: &str| {
            base_dockerfile::PROXY_ARGUMENTS.contains(&name)
                || base_dockerfile::PLATFORM_ARGUMENTS
                    .iter()
                    .any(|(known, _)| *known == name)
        };
        for (name, _) in &self.request.build_args {
            if !declared(name) && !predefined(name) {
                self.tell(format!("warning: no ARG takes the build argument `{name}`"));
            }
        }
    }

    async fn stage(&self, number: usize) -> Result<StageResult, Failure> {
        let stage = Stage::new(self, number);
        stage.announce_base();
        let base = self
            .dockerfile
            .base(number, self.global)
            .map_err(Failure::Problem)?;
        let result = match base {
            Base::Scratch => StageResult::scratch(),
            Base::Stage(earlier) => {
                let earlier = self.stages.get(&earlier);
                earlier
                    .ok_or_else(|| io::Error::other("a stage that is needed was not built"))?
                    .clone()
            }
            Base::Image(name) => {
                self.check_platform(number)?;
                let span = self.dockerfile.stages[number].base.span.clone();
                self.base_image(&name, span).await?
            }
        };
        stage.run(result).await
    }
}

fn with_output(report: String, lines: &[String]) -> String {
    if lines.is_empty() {
        return report;
    }
    format!(
        "{report}\nThe last lines of its output:\n    {}\n",
        lines.join("\n    ")
    )
}

/// Runs disk work off the async threads.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => Err(E::from(io::Error::other(failed))),
    }
}
