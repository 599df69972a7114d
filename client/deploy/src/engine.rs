//! A Docker Engine, Wharf's own or another: builds, names and pushes images.

use std::collections::HashMap;

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::{
    BuildImageOptions, ListImagesOptions, PushImageOptions, RemoveImageOptions, TagImageOptions,
};
use futures::StreamExt as _;

use crate::archive;
use crate::failure::Failure;
use crate::folder::Folder;

/// How long an engine may take between a request and the beginning of its answer, in seconds.
const ANSWER_MAX_SECONDS: u64 = 3600;
/// Digits of an image's id that become its tag.
const TAG_DIGITS: usize = 12;

/// A connection to a Docker Engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    host: String,
}

/// What a push needs.
#[derive(Clone)]
pub(crate) struct Login {
    pub user: String,
    pub password: String,
    /// Host, and port, of the registry.
    pub registry: String,
}

impl Engine {
    /// `host` as in `DOCKER_HOST`: `unix:///run/docker.sock` or `tcp://127.0.0.1:2375`.
    ///
    /// # Errors
    /// When it has another form, nobody answers, or what answers is no Docker Engine.
    pub async fn connect(host: &str) -> Result<Self, Failure> {
        let failed = |error: Error| Failure::Engine {
            host: host.to_owned(),
            cause: cause(&error),
        };
        let version = bollard::API_DEFAULT_VERSION;
        let docker = match host {
            unix if unix.starts_with("unix://") => {
                Docker::connect_with_unix(unix, ANSWER_MAX_SECONDS, version)
            }
            tcp if tcp.starts_with("tcp://") || tcp.starts_with("http://") => {
                Docker::connect_with_http(tcp, ANSWER_MAX_SECONDS, version)
            }
            _ => Err(Error::UnsupportedURISchemeError { uri: host.to_owned() }),
        };
        let docker = docker
            .map_err(failed)?
            .negotiate_version()
            .await
            .map_err(failed)?;
        Ok(Self {
            docker,
            host: host.to_owned(),
        })
    }

    fn failed(&self, error: &Error) -> Failure {
        Failure::Engine {
            host: self.host.clone(),
            cause: cause(error),
        }
    }

    /// Builds the folder's Dockerfile; returns the image's id. `line` is told every line of output.
    pub(crate) async fn build(
        &self,
        folder: &Folder,
        line: &(dyn Fn(String) + Sync),
    ) -> Result<String, Failure> {
        let options = BuildImageOptions {
            dockerfile: "Dockerfile".to_owned(),
            rm: true,
            forcerm: true,
            ..Default::default()
        };
        let body = bollard::body_try_stream(archive::stream(folder));
        let mut events = std::pin::pin!(self.docker.build_image(options, None, Some(body)));
        let (mut id, mut pending) = (None, String::new());
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| match error {
                Error::DockerStreamError { error } => Failure::Build(error),
                Error::DockerResponseServerError { message, .. } => Failure::Build(message),
                error => self.failed(&error),
            })?;
            if let Some(text) = event.stream {
                pending.push_str(&text);
                whole_lines(&mut pending, line);
            }
            if let Some(status) = event.status {
                line(match event.id {
                    Some(id) => format!("{id}: {status}"),
                    None => status,
                });
            }
            id = event.aux.and_then(|built| built.id).or(id);
        }
        if !pending.trim().is_empty() {
            line(pending.trim_end().to_owned());
        }
        id.ok_or_else(|| Failure::Build("the builder ended without an image".to_owned()))
    }

    /// Gives an image a name; returns the name with its tag, which is made of the image's id.
    pub(crate) async fn tag(&self, id: &str, repository: &str) -> Result<String, Failure> {
        let tag: String = id
            .trim_start_matches("sha256:")
            .chars()
            .take(TAG_DIGITS)
            .collect();
        let options = TagImageOptions {
            repo: Some(repository.to_owned()),
            tag: Some(tag.clone()),
        };
        let tagged = self.docker.tag_image(id, Some(options)).await;
        tagged.map_err(|error| self.failed(&error))?;
        Ok(format!("{repository}:{tag}"))
    }

    /// Pushes an image by its name with tag.
    pub(crate) async fn push(
        &self,
        image: &str,
        login: &Login,
        line: &(dyn Fn(String) + Sync),
    ) -> Result<(), Failure> {
        let (repository, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let options = PushImageOptions {
            tag: Some(tag.to_owned()),
            ..Default::default()
        };
        let credentials = DockerCredentials {
            username: Some(login.user.clone()),
            password: Some(login.password.clone()),
            serveraddress: Some(login.registry.clone()),
            ..Default::default()
        };
        let pushed = self
            .docker
            .push_image(repository, Some(options), Some(credentials));
        let mut events = std::pin::pin!(pushed);
        // Layers all say the same, each for itself; people need to read it once.
        let mut said: Vec<String> = Vec::new();
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| match error {
                Error::DockerStreamError { error: cause } => push_failed(image, cause),
                Error::DockerResponseServerError { message, .. } => push_failed(image, message),
                error => self.failed(&error),
            })?;
            if let Some(status) = event.status.filter(|status| !said.contains(status)) {
                line(status.clone());
                said.push(status);
            }
        }
        Ok(())
    }

    /// Takes the names of a repository off this engine's images; returns how many there were.
    pub(crate) async fn forget(&self, repository: &str) -> Result<usize, Failure> {
        let filters = HashMap::from([("reference".to_owned(), vec![repository.to_owned()])]);
        let options = ListImagesOptions {
            filters: Some(filters),
            ..Default::default()
        };
        let images = self.docker.list_images(Some(options)).await;
        let images = images.map_err(|error| self.failed(&error))?;
        let head = format!("{repository}:");
        let names = images.into_iter().flat_map(|image| image.repo_tags);
        let names: Vec<String> = names.filter(|name| name.starts_with(&head)).collect();
        for name in &names {
            let removed = self
                .docker
                .remove_image(name, None::<RemoveImageOptions>, None)
                .await;
            removed.map_err(|error| self.failed(&error))?;
        }
        Ok(names.len())
    }
}

fn push_failed(image: &str, cause: String) -> Failure {
    Failure::Push {
        to: image.to_owned(),
        cause,
    }
}

/// Hands over what ends with a line's end.
fn whole_lines(pending: &mut String, line: &(dyn Fn(String) + Sync)) {
    while let Some(end) = pending.find('\n') {
        let text: String = pending.drain(..=end).collect();
        let text = text.trim_end();
        if !text.is_empty() {
            line(text.to_owned());
        }
    }
}

/// The library's words, made to follow "The Docker Engine at …".
fn cause(error: &Error) -> String {
    match error {
        Error::SocketNotFoundError(_) => "is not there".to_owned(),
        Error::UnsupportedURISchemeError { .. } => {
            "cannot be reached: its address begins with unix:// or tcp://".to_owned()
        }
        Error::DockerResponseServerError { message, .. } => format!("refused: {message}"),
        Error::RequestTimeoutError => format!("did not answer within {ANSWER_MAX_SECONDS} seconds"),
        error => {
            let mut text = format!("did not answer: {error}");
            let mut source = std::error::Error::source(error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            text
        }
    }
}
