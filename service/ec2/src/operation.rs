//! The operations, one line each; the nouns' files say what happens.

mod account;
mod acl;
mod address;
pub(crate) mod default;
mod gateway;
mod group;
mod group_rule;
pub(crate) mod interface;
mod interface_attribute;
mod nat_gateway;
mod route_table;
mod subnet;
mod tag;
mod vpc;
mod zone;

mod instance;
mod instance_describe;
mod instance_state;
mod launch;
mod launch_template;
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
    replace_route(ReplaceRouteRequest) -> () = route_table;
    replace_route_table_association(ReplaceRouteTableAssociationRequest) -> ReplaceRouteTableAssociationResult = route_table;
    allocate_address(AllocateAddressRequest) -> AllocateAddressResult = address;
    associate_address(AssociateAddressRequest) -> AssociateAddressResult = address;
    disassociate_address(DisassociateAddressRequest) -> () = address;
    release_address(ReleaseAddressRequest) -> () = address;
    describe_addresses(DescribeAddressesRequest) -> DescribeAddressesResult = address;
    describe_addresses_attribute(DescribeAddressesAttributeRequest) -> DescribeAddressesAttributeResult = address;
    create_nat_gateway(CreateNatGatewayRequest) -> CreateNatGatewayResult = nat_gateway;
    delete_nat_gateway(DeleteNatGatewayRequest) -> DeleteNatGatewayResult = nat_gateway;
    describe_nat_gateways(DescribeNatGatewaysRequest) -> DescribeNatGatewaysResult = nat_gateway;
    create_network_acl(CreateNetworkAclRequest) -> CreateNetworkAclResult = acl;
    delete_network_acl(DeleteNetworkAclRequest) -> () = acl;
    create_network_acl_entry(CreateNetworkAclEntryRequest) -> () = acl;
    replace_network_acl_entry(ReplaceNetworkAclEntryRequest) -> () = acl;
    delete_network_acl_entry(DeleteNetworkAclEntryRequest) -> () = acl;
    replace_network_acl_association(ReplaceNetworkAclAssociationRequest) -> ReplaceNetworkAclAssociationResult = acl;
    describe_network_acls(DescribeNetworkAclsRequest) -> DescribeNetworkAclsResult = acl;
    create_default_vpc(CreateDefaultVpcRequest) -> CreateDefaultVpcResult = default;
    create_default_subnet(CreateDefaultSubnetRequest) -> CreateDefaultSubnetResult = default;
    describe_regions(DescribeRegionsRequest) -> DescribeRegionsResult = account;
    describe_account_attributes(DescribeAccountAttributesRequest) -> DescribeAccountAttributesResult = account;
    describe_dhcp_options(DescribeDhcpOptionsRequest) -> DescribeDhcpOptionsResult = account;
    describe_vpc_endpoints(DescribeVpcEndpointsRequest) -> DescribeVpcEndpointsResult = account;
    describe_security_group_rules(DescribeSecurityGroupRulesRequest) -> DescribeSecurityGroupRulesResult = group_rule;
    modify_security_group_rules(ModifySecurityGroupRulesRequest) -> ModifySecurityGroupRulesResult = group_rule;
    update_security_group_rule_descriptions_ingress(UpdateSecurityGroupRuleDescriptionsIngressRequest) -> UpdateSecurityGroupRuleDescriptionsIngressResult = group_rule;
    update_security_group_rule_descriptions_egress(UpdateSecurityGroupRuleDescriptionsEgressRequest) -> UpdateSecurityGroupRuleDescriptionsEgressResult = group_rule;
    modify_network_interface_attribute(ModifyNetworkInterfaceAttributeRequest) -> () = interface_attribute;
    describe_network_interface_attribute(DescribeNetworkInterfaceAttributeRequest) -> DescribeNetworkInterfaceAttributeResult = interface_attribute;

    run_instances(RunInstancesRequest) -> Reservation = instance;
    describe_instances(DescribeInstancesRequest) -> DescribeInstancesResult = instance_describe;
    start_instances(StartInstancesRequest) -> StartInstancesResult = instance_state;
    stop_instances(StopInstancesRequest) -> StopInstancesResult = instance_state;
    reboot_instances(RebootInstancesRequest) -> () = instance_state;
    associate_iam_instance_profile(AssociateIamInstanceProfileRequest) -> AssociateIamInstanceProfileResult = profile;
    disassociate_iam_instance_profile(DisassociateIamInstanceProfileRequest) -> DisassociateIamInstanceProfileResult = profile;
    describe_iam_instance_profile_associations(DescribeIamInstanceProfileAssociationsRequest) -> DescribeIamInstanceProfileAssociationsResult = profile;
    terminate_instances(TerminateInstancesRequest) -> TerminateInstancesResult = instance_state;
}
