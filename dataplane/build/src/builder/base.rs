//! The image that a stage begins from, or that COPY takes from: a local name first, then its registry.

use std::ops::Range;
use std::sync::Arc;

use base_diagnostic::Problem;
use contract::image::{BuildEvent, Credentials, Progress};
use dataplane_blobs::Name;

use super::{Build, Failure, blocking};
use crate::image::Configuration;
use crate::stage::StageResult;

impl Build<'_> {
    /// `--platform` may say what this machine is, nothing else.
    pub(super) fn check_platform(&self, number: usize) -> Result<(), Failure> {
        let Some(word) = &self.dockerfile.stages[number].platform else {
            return Ok(());
        };
        let platform = self.global.expand(word).map_err(Failure::Problem)?;
        if matches!(
            platform.as_str(),
            "linux/amd64" | "linux/amd64/v1" | "linux/x86_64" | "amd64" | "linux"
        ) {
            return Ok(());
        }
        let problem = Problem::new(
            word.span.clone(),
            format!("images for `{platform}` cannot be built here"),
        );
        Err(Failure::Problem(
            problem.hint("this machine builds for linux/amd64"),
        ))
    }

    /// `span` is where the file names it.
    pub(crate) async fn base_image(&self, name: &str, span: Range<usize>) -> Result<StageResult, Failure> {
        let digest = self.find_or_pull(name, span.clone()).await?;
        let store = self.builder.store.clone();
        let (image, bytes) = blocking(move || {
            let image = store.image(&digest)?;
            let bytes = store.image_config_bytes(&digest)?;
            Ok::<_, dataplane_blobs::ImageError>((image, bytes))
        })
        .await?;
        let unusable =
            |why: String| Failure::Problem(Problem::new(span.clone(), format!("image `{name}` {why}")));
        let configuration: Configuration = serde_json::from_slice(&bytes)
            .map_err(|error| unusable(format!("has a configuration that cannot be read: {error}")))?;
        if (configuration.os.as_str(), configuration.architecture.as_str()) != ("linux", "amd64") {
            return Err(unusable(format!(
                "is for {}/{}",
                configuration.os, configuration.architecture
            )));
        }
        if configuration.rootfs.diff_ids.len() != image.layers.len() {
            return Err(unusable(
                "has a configuration that does not fit its layers".to_owned(),
            ));
        }
        Ok(StageResult {
            configuration,
            layers: image.layers,
            cmd_is_own: false,
        })
    }

    async fn find_or_pull(&self, name: &str, span: Range<usize>) -> Result<String, Failure> {
        if !self.request.pull
            && let Ok(found) = self.builder.store.find(name)
        {
            return Ok(found);
        }
        let wrong =
            |message: String, hint: &str| Failure::Problem(Problem::new(span.clone(), message).hint(hint));
        let parsed = Name::parse(name).map_err(|error| {
            wrong(
                error.to_string(),
                "an image is named like `python:3.12` or `registry.example.com/team/app:1`",
            )
        })?;
        let events = self.events.clone();
        let progress = Arc::new(move |progress: Progress| events(BuildEvent::Pull(progress)));
        let credentials = self.credentials(&parsed.registry);
        self.builder.store.pull(&parsed, credentials, progress).await.map_err(|error| {
            let hint = if error.is_not_found() {
                "check the name and tag; a private registry needs `docker login` first"
            } else {
                "load it from a file with `docker load -i FILE`, or configure a mirror, if this machine has no way there"
            };
            wrong(error.to_string(), hint)
        })
    }

    fn credentials(&self, registry: &str) -> Option<&Credentials> {
        let same = |host: &str| {
            let host = host.trim_start_matches("https://").trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or(host);
            host == registry
                || (registry == "docker.io" && matches!(host, "index.docker.io" | "registry-1.docker.io"))
        };
        self.request
            .credentials
            .iter()
            .find(|(host, _)| same(host))
            .map(|(_, credentials)| credentials)
    }
}
