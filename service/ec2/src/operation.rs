//! The operations, one line each; the nouns' files say what happens.

mod gateway;
mod group;
mod interface;
mod route_table;
mod subnet;
mod tag;
mod vpc;
mod zone;

mod image;
mod instance;
mod instance_attribute;
mod instance_describe;
mod instance_state;
mod instance_status;
mod instance_type;
mod key_pair;
mod launch;
mod launch_template;
mod launch_template_data;
mod launch_template_version;
mod profile;

pub(crate) use zone::id_of_name as zone_id;

use aws_protocol::operations;
use aws_shape::ec2::*;

use crate::Ec2;

operations! { Ec2 as Api:
    create_vpc(CreateVpcRequest) -> CreateVpcResult = vpc;
    delete_vpc(DeleteVpcRequest) -> () = vpc;
    describe_vpcs(DescribeVpcsRequest) -> DescribeVpcsResult = vpc;
    describe_vpc_attribute(DescribeVpcAttributeRequest) -> DescribeVpcAttributeResult = vpc;
    modify_vpc_attribute(ModifyVpcAttributeRequest) -> () = vpc;
    create_subnet(CreateSubnetRequest) -> CreateSubnetResult = subnet;
    delete_subnet(DeleteSubnetRequest) -> () = subnet;
    describe_subnets(DescribeSubnetsRequest) -> DescribeSubnetsResult = subnet;
    modify_subnet_attribute(ModifySubnetAttributeRequest) -> () = subnet;
    create_internet_gateway(CreateInternetGatewayRequest) -> CreateInternetGatewayResult = gateway;
    attach_internet_gateway(AttachInternetGatewayRequest) -> () = gateway;
    detach_internet_gateway(DetachInternetGatewayRequest) -> () = gateway;
    delete_internet_gateway(DeleteInternetGatewayRequest) -> () = gateway;
    describe_internet_gateways(DescribeInternetGatewaysRequest) -> DescribeInternetGatewaysResult = gateway;
    create_route_table(CreateRouteTableRequest) -> CreateRouteTableResult = route_table;
    create_route(CreateRouteRequest) -> CreateRouteResult = route_table;
    delete_route(DeleteRouteRequest) -> () = route_table;
    associate_route_table(AssociateRouteTableRequest) -> AssociateRouteTableResult = route_table;
    disassociate_route_table(DisassociateRouteTableRequest) -> () = route_table;
    delete_route_table(DeleteRouteTableRequest) -> () = route_table;
    describe_route_tables(DescribeRouteTablesRequest) -> DescribeRouteTablesResult = route_table;
    create_security_group(CreateSecurityGroupRequest) -> CreateSecurityGroupResult = group;
    delete_security_group(DeleteSecurityGroupRequest) -> DeleteSecurityGroupResult = group;
    describe_security_groups(DescribeSecurityGroupsRequest) -> DescribeSecurityGroupsResult = group;
    authorize_security_group_ingress(AuthorizeSecurityGroupIngressRequest) -> AuthorizeSecurityGroupIngressResult = group;
    authorize_security_group_egress(AuthorizeSecurityGroupEgressRequest) -> AuthorizeSecurityGroupEgressResult = group;
    revoke_security_group_ingress(RevokeSecurityGroupIngressRequest) -> RevokeSecurityGroupIngressResult = group;
    revoke_security_group_egress(RevokeSecurityGroupEgressRequest) -> RevokeSecurityGroupEgressResult = group;
    create_network_interface(CreateNetworkInterfaceRequest) -> CreateNetworkInterfaceResult = interface;
    delete_network_interface(DeleteNetworkInterfaceRequest) -> () = interface;
    describe_network_interfaces(DescribeNetworkInterfacesRequest) -> DescribeNetworkInterfacesResult = interface;
    describe_availability_zones(DescribeAvailabilityZonesRequest) -> DescribeAvailabilityZonesResult = zone;
    create_tags(CreateTagsRequest) -> () = tag;
    delete_tags(DeleteTagsRequest) -> () = tag;
    describe_tags(DescribeTagsRequest) -> DescribeTagsResult = tag;

    run_instances(RunInstancesRequest) -> Reservation = instance;
    describe_instances(DescribeInstancesRequest) -> DescribeInstancesResult = instance_describe;
    start_instances(StartInstancesRequest) -> StartInstancesResult = instance_state;
    stop_instances(StopInstancesRequest) -> StopInstancesResult = instance_state;
    reboot_instances(RebootInstancesRequest) -> () = instance_state;
    describe_instance_status(DescribeInstanceStatusRequest) -> DescribeInstanceStatusResult = instance_status;
    describe_volumes(DescribeVolumesRequest) -> DescribeVolumesResult = instance_status;
    get_console_output(GetConsoleOutputRequest) -> GetConsoleOutputResult = instance_status;
    get_instance_uefi_data(GetInstanceUefiDataRequest) -> GetInstanceUefiDataResult = instance_status;
    describe_instance_attribute(DescribeInstanceAttributeRequest) -> InstanceAttribute = instance_attribute;
    modify_instance_attribute(ModifyInstanceAttributeRequest) -> () = instance_attribute;
    modify_instance_metadata_options(ModifyInstanceMetadataOptionsRequest) -> ModifyInstanceMetadataOptionsResult = instance_attribute;
    describe_instance_credit_specifications(DescribeInstanceCreditSpecificationsRequest) -> DescribeInstanceCreditSpecificationsResult = instance_attribute;
    describe_instance_types(DescribeInstanceTypesRequest) -> DescribeInstanceTypesResult = instance_type;
    describe_instance_type_offerings(DescribeInstanceTypeOfferingsRequest) -> DescribeInstanceTypeOfferingsResult = instance_type;
    describe_images(DescribeImagesRequest) -> DescribeImagesResult = image;
    create_key_pair(CreateKeyPairRequest) -> KeyPair = key_pair;
    import_key_pair(ImportKeyPairRequest) -> ImportKeyPairResult = key_pair;
    describe_key_pairs(DescribeKeyPairsRequest) -> DescribeKeyPairsResult = key_pair;
    delete_key_pair(DeleteKeyPairRequest) -> DeleteKeyPairResult = key_pair;
    create_launch_template(CreateLaunchTemplateRequest) -> CreateLaunchTemplateResult = launch_template;
    create_launch_template_version(CreateLaunchTemplateVersionRequest) -> CreateLaunchTemplateVersionResult = launch_template;
    describe_launch_templates(DescribeLaunchTemplatesRequest) -> DescribeLaunchTemplatesResult = launch_template;
    describe_launch_template_versions(DescribeLaunchTemplateVersionsRequest) -> DescribeLaunchTemplateVersionsResult = launch_template_version;
    modify_launch_template(ModifyLaunchTemplateRequest) -> ModifyLaunchTemplateResult = launch_template;
    delete_launch_template(DeleteLaunchTemplateRequest) -> DeleteLaunchTemplateResult = launch_template;
    delete_launch_template_versions(DeleteLaunchTemplateVersionsRequest) -> DeleteLaunchTemplateVersionsResult = launch_template_version;
    associate_iam_instance_profile(AssociateIamInstanceProfileRequest) -> AssociateIamInstanceProfileResult = profile;
    disassociate_iam_instance_profile(DisassociateIamInstanceProfileRequest) -> DisassociateIamInstanceProfileResult = profile;
    describe_iam_instance_profile_associations(DescribeIamInstanceProfileAssociationsRequest) -> DescribeIamInstanceProfileAssociationsResult = profile;
    terminate_instances(TerminateInstancesRequest) -> TerminateInstancesResult = instance_state;
}
