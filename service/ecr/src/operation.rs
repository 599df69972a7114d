//! The operations, one line each.

mod image;
mod repository;
mod tag;
mod token;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;

use crate::Ecr;

macro_rules! operations {
    ($($name:ident($input:ty) -> $output:ty = $noun:ident;)*) => {
        #[async_trait]
        impl Api for Ecr {
            $(async fn $name(&self, context: &Context, input: $input) -> Result<$output, ApiError> {
                $noun::$name(self, context, input).await
            })*
        }
    };
}

operations! {
    create_repository(CreateRepositoryRequest) -> CreateRepositoryResponse = repository;
    describe_repositories(DescribeRepositoriesRequest) -> DescribeRepositoriesResponse = repository;
    delete_repository(DeleteRepositoryRequest) -> DeleteRepositoryResponse = repository;
    get_authorization_token(GetAuthorizationTokenRequest) -> GetAuthorizationTokenResponse = token;
    describe_images(DescribeImagesRequest) -> DescribeImagesResponse = image;
    list_images(ListImagesRequest) -> ListImagesResponse = image;
    batch_get_image(BatchGetImageRequest) -> BatchGetImageResponse = image;
    batch_delete_image(BatchDeleteImageRequest) -> BatchDeleteImageResponse = image;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
    tag_resource(TagResourceRequest) -> TagResourceResponse = tag;
    untag_resource(UntagResourceRequest) -> UntagResourceResponse = tag;
}
