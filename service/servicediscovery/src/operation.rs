//! The operations, one line each; the nouns' files say what happens.

mod attribute;
mod begin;
mod discover;
mod filter;
mod health;
mod instance;
mod instance_check;
mod name;
mod namespace;
mod namespace_change;
mod progress;
mod service;
mod service_change;
mod service_check;
mod tag;

use aws_protocol::operations;
use aws_shape::servicediscovery::*;

use crate::ServiceDiscovery;

operations! { ServiceDiscovery as Api:
    create_http_namespace(CreateHttpNamespaceRequest) -> CreateHttpNamespaceResponse = namespace;
    create_private_dns_namespace(CreatePrivateDnsNamespaceRequest) -> CreatePrivateDnsNamespaceResponse = namespace;
    create_public_dns_namespace(CreatePublicDnsNamespaceRequest) -> CreatePublicDnsNamespaceResponse = namespace;
    get_namespace(GetNamespaceRequest) -> GetNamespaceResponse = namespace;
    list_namespaces(ListNamespacesRequest) -> ListNamespacesResponse = namespace;
    delete_namespace(DeleteNamespaceRequest) -> DeleteNamespaceResponse = namespace_change;
    update_http_namespace(UpdateHttpNamespaceRequest) -> UpdateHttpNamespaceResponse = namespace_change;
    update_private_dns_namespace(UpdatePrivateDnsNamespaceRequest) -> UpdatePrivateDnsNamespaceResponse = namespace_change;
    update_public_dns_namespace(UpdatePublicDnsNamespaceRequest) -> UpdatePublicDnsNamespaceResponse = namespace_change;
    create_service(CreateServiceRequest) -> CreateServiceResponse = service;
    get_service(GetServiceRequest) -> GetServiceResponse = service;
    list_services(ListServicesRequest) -> ListServicesResponse = service;
    delete_service(DeleteServiceRequest) -> DeleteServiceResponse = service_change;
    update_service(UpdateServiceRequest) -> UpdateServiceResponse = service_change;
    get_service_attributes(GetServiceAttributesRequest) -> GetServiceAttributesResponse = attribute;
    update_service_attributes(UpdateServiceAttributesRequest) -> UpdateServiceAttributesResponse = attribute;
    delete_service_attributes(DeleteServiceAttributesRequest) -> DeleteServiceAttributesResponse = attribute;
    register_instance(RegisterInstanceRequest) -> RegisterInstanceResponse = instance;
    deregister_instance(DeregisterInstanceRequest) -> DeregisterInstanceResponse = instance;
    get_instance(GetInstanceRequest) -> GetInstanceResponse = instance;
    list_instances(ListInstancesRequest) -> ListInstancesResponse = instance;
    get_instances_health_status(GetInstancesHealthStatusRequest) -> GetInstancesHealthStatusResponse = health;
    update_instance_custom_health_status(UpdateInstanceCustomHealthStatusRequest) -> () = health;
    discover_instances(DiscoverInstancesRequest) -> DiscoverInstancesResponse = discover;
    discover_instances_revision(DiscoverInstancesRevisionRequest) -> DiscoverInstancesRevisionResponse = discover;
    get_operation(GetOperationRequest) -> GetOperationResponse = progress;
    list_operations(ListOperationsRequest) -> ListOperationsResponse = progress;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
    tag_resource(TagResourceRequest) -> TagResourceResponse = tag;
    untag_resource(UntagResourceRequest) -> UntagResourceResponse = tag;
}
