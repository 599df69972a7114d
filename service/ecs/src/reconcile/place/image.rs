//! Which bytes a container's image is.

use aws_protocol::Context;
use aws_shape::ecr;

use super::Failure;
use crate::Ecs;
use crate::model::container;

/// The digest of an image that ECR has; `None` for those of other registries, which the data plane asks itself.
pub(super) async fn digest(
    ecs: &Ecs,
    context: &Context,
    container: &container::Container,
    pinned: Option<&String>,
) -> Result<Option<String>, Failure> {
    if let Some(pinned) = pinned {
        return Ok(Some(pinned.clone()));
    }
    let amazon = format!(
        "{}.dkr.ecr.{}.amazonaws.com",
        context.scope.account, context.scope.region
    );
    let heads = [format!("{}/", ecs.neighbours.registry), format!("{amazon}/")];
    let Some(rest) = heads
        .iter()
        .find_map(|head| container.image.strip_prefix(head.as_str()))
    else {
        return Ok(None);
    };
    let mut id = ecr::ImageIdentifier::default();
    let repository = match rest.split_once('@') {
        Some((repository, digest)) => {
            id.image_digest = Some(digest.to_owned());
            repository
        }
        None => {
            let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
            id.image_tag = Some(tag.to_owned());
            repository
        }
    };
    let input = ecr::BatchGetImageRequest {
        repository_name: repository.to_owned(),
        image_ids: vec![id],
        ..Default::default()
    };
    let never = |why: &str| Failure::Never(format!("CannotPullContainerError: {}: {why}", container.image));
    let answer = ecs
        .neighbours
        .ecr
        .batch_get_image(context, input)
        .await
        .map_err(|error| {
            if error.is_internal() {
                Failure::Later(error)
            } else {
                never(&error.message)
            }
        })?;
    let image = answer
        .images
        .into_iter()
        .flatten()
        .next()
        .and_then(|image| image.image_id?.image_digest);
    image.map(Some).ok_or_else(|| never("not found"))
}
