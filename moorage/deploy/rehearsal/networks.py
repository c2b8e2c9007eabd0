"""Security groups, addresses, load balancers and names."""

from __future__ import annotations

from typing import Any

from moorage.deploy.rehearsal.resources import Api, Properties, Resource, without


def security_group(api: Api, name: str, request: Properties) -> Resource:
    ec2 = api("ec2")
    created = ec2.create_security_group(
        GroupName=name, Description=request["GroupDescription"], VpcId=request["VpcId"]
    )["GroupId"]
    for rule in request.get("SecurityGroupIngress", []):
        ec2.authorize_security_group_ingress(GroupId=created, IpPermissions=[permission(rule)])
    if egress := request.get("SecurityGroupEgress"):
        group = ec2.describe_security_groups(GroupIds=[created])["SecurityGroups"][0]
        ec2.revoke_security_group_egress(
            GroupId=created, IpPermissions=group["IpPermissionsEgress"]
        )
        ec2.authorize_security_group_egress(
            GroupId=created, IpPermissions=[permission(rule) for rule in egress]
        )
    return Resource(created, GroupId=created, VpcId=request["VpcId"])


def address(api: Api, name: str, request: Properties) -> Resource:
    """An Elastic IP: moto's own model does not return the address."""
    created = api("ec2").allocate_address(Domain=request.get("Domain", "vpc"))
    known = {"AllocationId": created["AllocationId"], "PublicIp": created["PublicIp"]}
    return Resource(created["PublicIp"], **known)


def ingress(api: Api, name: str, request: Properties) -> Resource:
    created = api("ec2").authorize_security_group_ingress(
        GroupId=request["GroupId"], IpPermissions=[permission(request)]
    )
    identity = created["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Resource(identity, Id=identity, GroupId=request["GroupId"])


def egress(api: Api, name: str, request: Properties) -> Resource:
    created = api("ec2").authorize_security_group_egress(
        GroupId=request["GroupId"], IpPermissions=[permission(request)]
    )
    identity = created["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Resource(identity, Id=identity, GroupId=request["GroupId"])


def permission(rule: Properties) -> dict[str, Any]:
    """A rule of a security group as EC2's API takes it."""
    ends = {
        "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "CidrIp": ("IpRanges", "CidrIp"),
        "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
        "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    }
    description = {"Description": rule["Description"]} if "Description" in rule else {}
    ports = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    peers = {
        kind: [{key: rule[end], **description}] for end, (kind, key) in ends.items() if end in rule
    }
    return {**ports, **peers}


def load_balancer(api: Api, name: str, request: Properties) -> Resource:
    elb = api("elbv2")
    private = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    properties = without(request, "Name", "LoadBalancerAttributes", private)
    created = elb.create_load_balancer(Name=name, **properties)["LoadBalancers"][0]
    arn = created["LoadBalancerArn"]
    if attributes := request.get("LoadBalancerAttributes"):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    if private in request:
        groups = request["SecurityGroups"]
        elb.set_security_groups(
            LoadBalancerArn=arn, SecurityGroups=groups, **{private: request[private]}
        )
    return Resource(
        arn,
        LoadBalancerArn=arn,
        LoadBalancerName=name,
        LoadBalancerFullName=arn.split(":loadbalancer/")[1],
        DNSName=created["DNSName"],
        CanonicalHostedZoneID=created["CanonicalHostedZoneId"],
        SecurityGroups=created.get("SecurityGroups", []),
    )


def target_group(api: Api, name: str, request: Properties) -> Resource:
    elb = api("elbv2")
    properties = without(request, "Name", "TargetGroupAttributes")
    created = elb.create_target_group(Name=name, **properties)["TargetGroups"][0]["TargetGroupArn"]
    if attributes := request.get("TargetGroupAttributes"):
        elb.modify_target_group_attributes(TargetGroupArn=created, Attributes=attributes)
    return Resource(
        created,
        TargetGroupArn=created,
        TargetGroupFullName=created.split(":")[-1],
        TargetGroupName=created.split("/")[1],
    )


def listener(api: Api, name: str, request: Properties) -> Resource:
    properties = without(request, "ListenerAttributes")
    created = api("elbv2").create_listener(**properties)["Listeners"][0]["ListenerArn"]
    return Resource(created, ListenerArn=created)


def updated_listener(api: Api, old: Resource, request: Properties) -> Resource:
    properties = without(request, "ListenerAttributes", "LoadBalancerArn")
    api("elbv2").modify_listener(ListenerArn=old.physical_resource_id, **properties)
    return old


def listener_certificates(api: Api, name: str, request: Properties) -> Resource:
    api("elbv2").add_listener_certificates(**request)
    return Resource(name, Id=name, **request)


def listener_rule(api: Api, name: str, request: Properties) -> Resource:
    created = api("elbv2").create_rule(**request)["Rules"][0]["RuleArn"]
    return Resource(created, RuleArn=created)


def updated_rule(api: Api, old: Resource, request: Properties) -> Resource:
    """Writes all properties, as CloudFormation is assumed to do."""
    elb, arn = api("elbv2"), old.physical_resource_id
    elb.modify_rule(RuleArn=arn, **without(request, "ListenerArn", "Priority"))
    rule = elb.describe_rules(RuleArns=[arn])["Rules"][0]
    if str(rule["Priority"]) != str(request["Priority"]):
        priority = {"RuleArn": arn, "Priority": request["Priority"]}
        elb.set_rule_priorities(RulePriorities=[priority])
    return old


def namespace(api: Api, name: str, request: Properties) -> Resource:
    cloud_map = api("servicediscovery")
    create = "create_private_dns_namespace" if "Vpc" in request else "create_http_namespace"
    operation = getattr(cloud_map, create)(**request)["OperationId"]
    identity = cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    arn = cloud_map.get_namespace(Id=identity)["Namespace"]["Arn"]
    return Resource(identity, Id=identity, Arn=arn)


def discovery_service(api: Api, name: str, request: Properties) -> Resource:
    dns = request["DnsConfig"]
    records = [{**record, "TTL": int(record["TTL"])} for record in dns["DnsRecords"]]
    named = {**request, "DnsConfig": {**dns, "DnsRecords": records}}
    created = api("servicediscovery").create_service(**named)["Service"]
    return Resource(created["Id"], Id=created["Id"], Arn=created["Arn"])


def release_address(api: Api, resource: Resource) -> None:
    api("ec2").release_address(AllocationId=resource.attributes["AllocationId"])


def revoke_ingress(api: Api, resource: Resource) -> None:
    api("ec2").revoke_security_group_ingress(
        GroupId=resource.attributes["GroupId"], SecurityGroupRuleIds=[resource.physical_resource_id]
    )


def revoke_egress(api: Api, resource: Resource) -> None:
    api("ec2").revoke_security_group_egress(
        GroupId=resource.attributes["GroupId"], SecurityGroupRuleIds=[resource.physical_resource_id]
    )


def remove_listener_certificates(api: Api, resource: Resource) -> None:
    api("elbv2").remove_listener_certificates(**without(resource.attributes, "Id"))
