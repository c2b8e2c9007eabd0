"""The resources and outputs of a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from awacs import s3 as s3_actions
from awacs.aws import (
    ArnLike,
    Condition,
    Principal,
    SourceAccount,
    SourceArn,
    Statement,
    StringEquals,
)
from troposphere import AccountId, AWSObject, GetAtt, Output, Sub, ec2
from troposphere import elasticloadbalancingv2 as elb

from moorage.facts.elb_attributes import NETWORK
from moorage.facts.elb_log_delivery import LOG_DELIVERY_SERVICES
from moorage.model import Environment

from ... import network
from ...alarms.alarms import alarm_resources
from ...common.exports import export_output
from ...common.iam import allow
from ..access_logs import (
    access_log_attributes,
    access_log_bucket,
    access_log_dependency,
    access_log_objects,
)
from ..alarms import resolve_load_balancer_alarms
from ..alias_records import alias_records
from ..shared import (
    find_subnets,
    load_balancer_attributes,
    load_balancer_outputs,
    load_balancer_security_group,
)
from .params import AccessLogs, Params, find_allocation_ids, is_dualstack

_LOG_DELIVERY = LOG_DELIVERY_SERVICES[NETWORK][0]


def nlb_resources(
    name: str, params: Params, network_handle: network.Handle, env: Environment
) -> Iterator[AWSObject]:
    """The resources of the load balancer `name` in the network of `network_handle`."""
    if params.access_logs and not params.access_logs.bucket:
        yield from access_log_bucket(
            params.access_logs, _log_delivery_statements(params.access_logs)
        )
    for title in _elastic_ips(params, network_handle):
        # An Elastic IP needs the VPC's internet gateway, which the network's stack has created.
        yield ec2.EIP(title, Domain="vpc")
    if params.security_group:
        yield load_balancer_security_group(name, network_handle, env)
    yield _load_balancer(params, network_handle)
    yield from alias_records(params.aliases, dualstack=is_dualstack(params))
    yield from alarm_resources(resolve_load_balancer_alarms(params.alarms, name, env))


def nlb_outputs(
    name: str, params: Params, network_handle: network.Handle, env: Environment
) -> Iterator[Output]:
    """The outputs of the load balancer `name`, which are exported."""
    yield from load_balancer_outputs(name, env, security_group=params.security_group)
    for title in _elastic_ips(params, network_handle):
        address = GetAtt(title, "PublicIp")
        yield export_output(
            env, name, f"{title}Address", address, f"Elastic IP address {title[-1]}"
        )


def _elastic_ips(params: Params, network_handle: network.Handle) -> list[str]:
    """Logical IDs of the Elastic IPs created by the stack, with the letters of the network's
    zones."""
    if params.elastic_ips is not True:
        return []
    zones = zip(ascii_uppercase, find_subnets(params.scheme, network_handle), strict=False)
    return [f"ElasticIp{letter}" for letter, _ in zones]


def _load_balancer(params: Params, network_handle: network.Handle) -> elb.LoadBalancer:
    """The load balancer, without a name: a resource with a fixed name cannot be replaced, and a
    change of the scheme replaces the load balancer."""
    private_link = params.enforce_security_group_inbound_rules_on_private_link_traffic
    optional: dict[str, Any] = {
        "SecurityGroups": [GetAtt("SecurityGroup", "GroupId")] if params.security_group else None,
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": private_link,
        "EnablePrefixForIpv6SourceNat": "on" if is_dualstack(params) else None,
    }
    return elb.LoadBalancer(
        "LoadBalancer",
        Type="network",
        Scheme=params.scheme,
        IpAddressType=params.ip_address_type,
        **_subnets(params, network_handle),
        **{key: value for key, value in optional.items() if value},
        LoadBalancerAttributes=load_balancer_attributes(_attributes(params)),
        **access_log_dependency(params.access_logs),
    )


def _subnets(params: Params, network_handle: network.Handle) -> dict[str, Any]:
    """`SubnetMappings`, or `Subnets` if no subnet has settings."""
    subnets = find_subnets(params.scheme, network_handle)
    settings = _subnet_settings(params, network_handle)
    if any(settings):
        pairs = zip(subnets, settings, strict=True)
        return {"SubnetMappings": [elb.SubnetMapping(SubnetId=id_, **more) for id_, more in pairs]}
    return {"Subnets": list(subnets)}


def _subnet_settings(params: Params, network_handle: network.Handle) -> list[dict[str, Any]]:
    """The properties of each subnet's mapping, except SubnetId.

    A dualstack load balancer gets a prefix for source NAT from each subnet. ELB rejects UDP
    listeners without it, and accepts TCP listeners with it (ELB API reference, SubnetMapping and
    CreateLoadBalancer; kubernetes-sigs/aws-load-balancer-controller#3926, #4795).

    The address of an enabled zone cannot be changed: the zone has to be removed and added again
    (Network Load Balancers user guide, "Update the Availability Zones").
    """
    allocations = [GetAtt(title, "AllocationId") for title in _elastic_ips(params, network_handle)]
    values_by_key: dict[str, Sequence[Any]] = {
        "AllocationId": allocations or find_allocation_ids(params),
        "PrivateIPv4Address": params.private_addresses,
    }
    prefix = {"SourceNatIpv6Prefix": "auto_assigned"} if is_dualstack(params) else {}
    return [
        {key: values[index] for key, values in values_by_key.items() if values} | prefix
        for index, _ in enumerate(find_subnets(params.scheme, network_handle))
    ]


def _attributes(params: Params) -> dict[str, Any]:
    """Keys and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them are always written, because "existing attributes that you do not modify retain their
    current values" (ELB API reference, ModifyLoadBalancerAttributes).
    """
    return {
        "deletion_protection.enabled": params.deletion_protection,
        "load_balancing.cross_zone.enabled": params.cross_zone,
        "zonal_shift.config.enabled": params.zonal_shift,
        "dns_record.client_routing_policy": params.dns_client_affinity,
        **access_log_attributes(params.access_logs),
    }


def _log_delivery_statements(logs: AccessLogs) -> list[Statement]:
    """Allow ELB to write access logs, with the Sids and conditions that AWS documents.

    Network Load Balancers user guide, "Enable access logs". A bucket with disabled ACLs accepts
    requests with the ACL of the condition, too (S3 user guide, "Controlling ownership of objects").
    """
    caller = Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
    account = {SourceAccount: AccountId}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        allow(
            "AWSLogDeliveryAclCheck",
            [s3_actions.GetBucketAcl],
            [GetAtt("AccessLogsBucket", "Arn")],
            Principal=Principal("Service", _LOG_DELIVERY),
            Condition=Condition([StringEquals(account), ArnLike(SourceArn, caller)]),
        ),
        allow(
            "AWSLogDeliveryWrite",
            [s3_actions.PutObject],
            [access_log_objects(logs)],
            Principal=Principal("Service", _LOG_DELIVERY),
            Condition=Condition([StringEquals(acl | account), ArnLike(SourceArn, caller)]),
        ),
    ]
