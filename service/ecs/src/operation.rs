//! The operations, one line each.

mod account;
mod attribute;
mod capacity;
mod capacity_provider;
mod cluster;
mod deployment;
mod execute_command;
mod instance;
mod instance_register;
mod protection;
mod run_task;
mod service;
mod service_change;
mod service_check;
mod service_discovery;
mod service_option;
mod service_place;
mod start_task;
mod tag;
mod task;
mod task_definition;

use aws_protocol::operations;
use aws_shape::ecs::*;

use crate::Ecs;

operations! { Ecs as Api:
    create_cluster(CreateClusterRequest) -> CreateClusterResponse = cluster;
    describe_clusters(DescribeClustersRequest) -> DescribeClustersResponse = cluster;
    list_clusters(ListClustersRequest) -> ListClustersResponse = cluster;
    delete_cluster(DeleteClusterRequest) -> DeleteClusterResponse = cluster;
    update_cluster(UpdateClusterRequest) -> UpdateClusterResponse = cluster;
    update_cluster_settings(UpdateClusterSettingsRequest) -> UpdateClusterSettingsResponse = cluster;
    put_cluster_capacity_providers(PutClusterCapacityProvidersRequest) -> PutClusterCapacityProvidersResponse = capacity;
    create_capacity_provider(CreateCapacityProviderRequest) -> CreateCapacityProviderResponse = capacity_provider;
    update_capacity_provider(UpdateCapacityProviderRequest) -> UpdateCapacityProviderResponse = capacity_provider;
    delete_capacity_provider(DeleteCapacityProviderRequest) -> DeleteCapacityProviderResponse = capacity_provider;
    describe_capacity_providers(DescribeCapacityProvidersRequest) -> DescribeCapacityProvidersResponse = capacity;
    list_container_instances(ListContainerInstancesRequest) -> ListContainerInstancesResponse = instance;
    describe_container_instances(DescribeContainerInstancesRequest) -> DescribeContainerInstancesResponse = instance;
    register_container_instance(RegisterContainerInstanceRequest) -> RegisterContainerInstanceResponse = instance_register;
    deregister_container_instance(DeregisterContainerInstanceRequest) -> DeregisterContainerInstanceResponse = instance;
    update_container_instances_state(UpdateContainerInstancesStateRequest) -> UpdateContainerInstancesStateResponse = instance;
    put_attributes(PutAttributesRequest) -> PutAttributesResponse = attribute;
    delete_attributes(DeleteAttributesRequest) -> DeleteAttributesResponse = attribute;
    list_attributes(ListAttributesRequest) -> ListAttributesResponse = attribute;
    list_account_settings(ListAccountSettingsRequest) -> ListAccountSettingsResponse = account;
    put_account_setting(PutAccountSettingRequest) -> PutAccountSettingResponse = account;
    put_account_setting_default(PutAccountSettingDefaultRequest) -> PutAccountSettingDefaultResponse = account;
    delete_account_setting(DeleteAccountSettingRequest) -> DeleteAccountSettingResponse = account;
    register_task_definition(RegisterTaskDefinitionRequest) -> RegisterTaskDefinitionResponse = task_definition;
    describe_task_definition(DescribeTaskDefinitionRequest) -> DescribeTaskDefinitionResponse = task_definition;
    list_task_definitions(ListTaskDefinitionsRequest) -> ListTaskDefinitionsResponse = task_definition;
    list_task_definition_families(ListTaskDefinitionFamiliesRequest) -> ListTaskDefinitionFamiliesResponse = task_definition;
    deregister_task_definition(DeregisterTaskDefinitionRequest) -> DeregisterTaskDefinitionResponse = task_definition;
    delete_task_definitions(DeleteTaskDefinitionsRequest) -> DeleteTaskDefinitionsResponse = task_definition;
    create_service(CreateServiceRequest) -> CreateServiceResponse = service_change;
    update_service(UpdateServiceRequest) -> UpdateServiceResponse = service_change;
    delete_service(DeleteServiceRequest) -> DeleteServiceResponse = service_change;
    describe_services(DescribeServicesRequest) -> DescribeServicesResponse = service;
    list_services(ListServicesRequest) -> ListServicesResponse = service;
    list_services_by_namespace(ListServicesByNamespaceRequest) -> ListServicesByNamespaceResponse = service;
    list_service_deployments(ListServiceDeploymentsRequest) -> ListServiceDeploymentsResponse = deployment;
    describe_service_deployments(DescribeServiceDeploymentsRequest) -> DescribeServiceDeploymentsResponse = deployment;
    describe_service_revisions(DescribeServiceRevisionsRequest) -> DescribeServiceRevisionsResponse = deployment;
    stop_service_deployment(StopServiceDeploymentRequest) -> StopServiceDeploymentResponse = deployment;
    run_task(RunTaskRequest) -> RunTaskResponse = run_task;
    start_task(StartTaskRequest) -> StartTaskResponse = start_task;
    stop_task(StopTaskRequest) -> StopTaskResponse = task;
    list_tasks(ListTasksRequest) -> ListTasksResponse = task;
    describe_tasks(DescribeTasksRequest) -> DescribeTasksResponse = task;
    execute_command(ExecuteCommandRequest) -> ExecuteCommandResponse = execute_command;
    update_task_protection(UpdateTaskProtectionRequest) -> UpdateTaskProtectionResponse = protection;
    get_task_protection(GetTaskProtectionRequest) -> GetTaskProtectionResponse = protection;
    tag_resource(TagResourceRequest) -> TagResourceResponse = tag;
    untag_resource(UntagResourceRequest) -> UntagResourceResponse = tag;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
}

/// Results per page of the list operations.
const PAGE_ITEMS_MAX: usize = 100;

fn missing(arn: String) -> Failure {
    Failure {
        arn: Some(arn),
        reason: Some("MISSING".to_owned()),
        detail: None,
    }
}
