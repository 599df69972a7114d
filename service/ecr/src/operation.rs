//! The operations, one line each.

mod image;
mod layer;
mod policy;
mod push;
mod registry;
mod repository;
mod scan;
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
    put_image_tag_mutability(PutImageTagMutabilityRequest) -> PutImageTagMutabilityResponse = repository;
    put_image_scanning_configuration(PutImageScanningConfigurationRequest) -> PutImageScanningConfigurationResponse = scan;
    batch_get_repository_scanning_configuration(BatchGetRepositoryScanningConfigurationRequest) -> BatchGetRepositoryScanningConfigurationResponse = scan;
    get_registry_scanning_configuration(GetRegistryScanningConfigurationRequest) -> GetRegistryScanningConfigurationResponse = scan;
    put_registry_scanning_configuration(PutRegistryScanningConfigurationRequest) -> PutRegistryScanningConfigurationResponse = scan;
    start_image_scan(StartImageScanRequest) -> StartImageScanResponse = scan;
    describe_image_scan_findings(DescribeImageScanFindingsRequest) -> DescribeImageScanFindingsResponse = scan;
    put_lifecycle_policy(PutLifecyclePolicyRequest) -> PutLifecyclePolicyResponse = policy;
    get_lifecycle_policy(GetLifecyclePolicyRequest) -> GetLifecyclePolicyResponse = policy;
    delete_lifecycle_policy(DeleteLifecyclePolicyRequest) -> DeleteLifecyclePolicyResponse = policy;
    start_lifecycle_policy_preview(StartLifecyclePolicyPreviewRequest) -> StartLifecyclePolicyPreviewResponse = policy;
    get_lifecycle_policy_preview(GetLifecyclePolicyPreviewRequest) -> GetLifecyclePolicyPreviewResponse = policy;
    set_repository_policy(SetRepositoryPolicyRequest) -> SetRepositoryPolicyResponse = registry;
    get_repository_policy(GetRepositoryPolicyRequest) -> GetRepositoryPolicyResponse = registry;
    delete_repository_policy(DeleteRepositoryPolicyRequest) -> DeleteRepositoryPolicyResponse = registry;
    put_registry_policy(PutRegistryPolicyRequest) -> PutRegistryPolicyResponse = registry;
    get_registry_policy(GetRegistryPolicyRequest) -> GetRegistryPolicyResponse = registry;
    delete_registry_policy(DeleteRegistryPolicyRequest) -> DeleteRegistryPolicyResponse = registry;
    describe_registry(DescribeRegistryRequest) -> DescribeRegistryResponse = registry;
    get_account_setting(GetAccountSettingRequest) -> GetAccountSettingResponse = registry;
    put_account_setting(PutAccountSettingRequest) -> PutAccountSettingResponse = registry;
    put_image(PutImageRequest) -> PutImageResponse = push;
    batch_check_layer_availability(BatchCheckLayerAvailabilityRequest) -> BatchCheckLayerAvailabilityResponse = layer;
    initiate_layer_upload(InitiateLayerUploadRequest) -> InitiateLayerUploadResponse = layer;
    upload_layer_part(UploadLayerPartRequest) -> UploadLayerPartResponse = layer;
    complete_layer_upload(CompleteLayerUploadRequest) -> CompleteLayerUploadResponse = layer;
    get_download_url_for_layer(GetDownloadUrlForLayerRequest) -> GetDownloadUrlForLayerResponse = layer;
    list_image_referrers(ListImageReferrersRequest) -> ListImageReferrersResponse = image;
}
