"""What it means if CloudFormation replaces a resource: it creates the new one first, and deletes
the old one at the end of the update (CloudFormation user guide, "Understand update behaviors of
stack resources").
"""

from __future__ import annotations

ROUTINE_REPLACEMENTS = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::IAM::InstanceProfile",
        "AWS::RDS::DBClusterParameterGroup",
        "AWS::RDS::DBParameterGroup",
    }
)
"""Types whose replacement has no visible effect."""


REPLACEMENT_CONSEQUENCES = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Its DNS name and addresses change, and clients "
    "that use the old ones lose the connection",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Its listener immediately forwards to the new "
    "one, which has no targets until the service's new tasks are registered, so requests fail "
    "in the meantime",
    "AWS::ElasticLoadBalancingV2::Listener": (
        "The old listener answers until the one of the new load balancer does"
    ),
    "AWS::ECS::Service": "The new service starts in addition to the old one, whose tasks are "
    "stopped afterwards",
    "AWS::ECS::Cluster": "Every service in it is replaced",
    "AWS::EC2::EIP": "The address changes, and clients that use the old one lose the connection",
    "AWS::EC2::NatGateway": "Outgoing traffic comes from another address, unless it keeps its "
    "Elastic IP",
    "AWS::EC2::SecurityGroup": "Rules outside these templates that use the old group's ID no "
    "longer apply",
    "AWS::EC2::Subnet": "Every network interface in it must be deleted first",
    "AWS::EC2::VPC": "Everything in it is replaced",
    "AWS::IAM::Role": "Policies outside these templates that use the old role's ARN no longer "
    "apply",
    "AWS::ElastiCache::ReplicationGroup": "The new one is empty, and has other addresses",
    "AWS::ElastiCache::ServerlessCache": "The new one is empty, and has other addresses",
    "AWS::RDS::DBCluster": "The new one is empty",
    "AWS::RDS::DBInstance": "The new one is empty, unless it belongs to a cluster",
    "AWS::Route53::HostedZone": "Its name servers change",
}
"""What the replacement of a resource means for those that use it, by its type."""
