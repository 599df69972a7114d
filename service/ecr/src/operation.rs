//! The operations, one line each.

mod image;
mod repository;
mod tag;
mod token;

use aws_protocol::operations;
use aws_shape::ecr::*;

use crate::Ecr;

operations! { Ecr as Api:
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
