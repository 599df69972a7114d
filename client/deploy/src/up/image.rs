//! The image's way from the builder to the registry.

use aws_shape::ecr;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::aws::{Tags, host_of, is_aws_host};
use crate::check::App;
use crate::deployer::Deployer;
use crate::engine::{Engine, Login};
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};
use crate::name::AppName;

impl Deployer {
    /// Pushes the built image; returns the name under which tasks find it.
    pub(super) async fn ship(&self, app: &App, engine: &Engine, id: &str) -> Result<String, Failure> {
        let (repository, login) = tokio::try_join!(self.ensure_repository(&app.name), self.login())?;
        let work = async {
            let image = engine.tag(id, &repository).await?;
            if let Some(why) = leads_elsewhere(&repository, &self.aws.endpoint) {
                return Ok(Done::new(Outcome::Skipped, why, image));
            }
            let line = |text: String| self.teller.detail(Step::Push, text);
            engine.push(&image, &login, &line).await?;
            Ok(Done::new(Outcome::Made, image.clone(), image))
        };
        self.teller.step(Step::Push, work).await
    }

    async fn ensure_repository(&self, name: &AppName) -> Result<String, Failure> {
        let work = async {
            let uri = |it: ecr::Repository| present(it.repository_uri, "ECR", "the repository's address");
            if let Some(found) = self.find_repository(name).await? {
                let uri = uri(found)?;
                return Ok(Done::new(Outcome::Unchanged, uri.clone(), uri));
            }
            let input = ecr::CreateRepositoryRequest {
                repository_name: name.to_string(),
                tags: Some(Tags::of_app(name, &self.cluster).ecr()),
                ..Default::default()
            };
            let made = self.aws.ecr.create_repository(&self.aws.context, input).await;
            let made = made.doing("making the repository")?.repository;
            let uri = uri(present(made, "CreateRepository", "the repository")?)?;
            Ok(Done::new(Outcome::Made, uri.clone(), uri))
        };
        self.teller.step(Step::Repository, work).await
    }

    pub(crate) async fn find_repository(&self, name: &AppName) -> Result<Option<ecr::Repository>, Failure> {
        let input = ecr::DescribeRepositoriesRequest {
            repository_names: Some(vec![name.to_string()]),
            ..Default::default()
        };
        let found = self.aws.ecr.describe_repositories(&self.aws.context, input).await;
        let found = found.found(&["RepositoryNotFoundException"], "looking for the repository")?;
        Ok(found.and_then(|it| it.repositories?.into_iter().next()))
    }

    async fn login(&self) -> Result<Login, Failure> {
        let input = ecr::GetAuthorizationTokenRequest::default();
        let token = self
            .aws
            .ecr
            .get_authorization_token(&self.aws.context, input)
            .await;
        let token = token.doing("logging in to the registry")?.authorization_data;
        let token = token.and_then(|it| it.into_iter().next());
        let token = present(token, "GetAuthorizationToken", "a token")?;
        let text = token.authorization_token.unwrap_or_default();
        let pair = STANDARD
            .decode(&text)
            .ok()
            .and_then(|it| String::from_utf8(it).ok());
        let pair = pair.as_deref().and_then(|it| it.split_once(':'));
        let (user, password) = present(pair, "GetAuthorizationToken", "a user name and a password")?;
        let endpoint = token.proxy_endpoint.unwrap_or_default();
        Ok(Login {
            user: user.to_owned(),
            password: password.to_owned(),
            registry: endpoint
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .to_owned(),
        })
    }
}

/// Why an image must not be pushed: an endpoint that stands in for AWS may name AWS's own registry, and there it
/// would go to somebody else.
fn leads_elsewhere(repository: &str, endpoint: &str) -> Option<String> {
    let (registry, asked) = (host_of(repository), host_of(endpoint));
    (is_aws_host(&registry) && !is_aws_host(&asked))
        .then(|| format!("not pushed: {asked} stands in for AWS, but its registry {registry} is AWS's own"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_not_pushed_past_the_endpoint_that_was_named() {
        let aws = "000000000000.dkr.ecr.eu-west-3.amazonaws.com/hello";
        let local = "127.0.0.1:4566/hello";
        for (repository, endpoint, pushed) in [
            (aws, "https://api.ecr.eu-west-3.amazonaws.com/", true),
            (aws, "http://127.0.0.1:5000/", false),
            (local, "http://127.0.0.1:4566/", true),
            (local, "https://api.ecr.eu-west-3.amazonaws.com/", true),
            (
                "x.dkr.ecr.cn-north-1.amazonaws.com.cn/a",
                "http://localhost:1/",
                false,
            ),
        ] {
            assert_eq!(
                leads_elsewhere(repository, endpoint).is_none(),
                pushed,
                "{repository} {endpoint}"
            );
        }
    }
}
