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
from moorage.facts.load_balancing import LOG_WRITERS
from moorage.model import Environment

from ... import network
from ...common.exports import export_output
from ...common.iam import allow
from ..access_logs import (
    access_log_attributes,
    access_log_bucket,
    access_log_dependency,
    access_log_objects,
)
from ..alias_records import alias_records
from ..shared import (
    find_subnets,
    load_balancer_attributes,
    load_balancer_outputs,
    load_balancer_security_group,
)
from .params import AccessLogs, Params, find_allocation_ids, is_dualstack

_LOG_DELIVERY = LOG_WRITERS[NETWORK][0]


def nlb_resources(
    name: str, params: Params, home: network.Handle, env: Environment
) -> Iterator[AWSObject]:
    if params.access_logs and not params.access_logs.bucket:
        yield from access_log_bucket(params.access_logs, _log_delivery(params.access_logs))
    for title in _elastic_ips(params, home):
        # The network's stack, with the gateway that an address waits for, is there before this one.
        yield ec2.EIP(title, Domain="vpc")
    if params.security_group:
        yield load_balancer_security_group(name, home, env)
    yield _load_balancer(params, home)
    yield from alias_records(params.aliases, dualstack=is_dualstack(params))


def nlb_outputs(
    name: str, params: Params, home: network.Handle, env: Environment
) -> Iterator[Output]:
    yield from load_balancer_outputs(name, env, security_group=params.security_group)
    for title in _elastic_ips(params, home):
        address = GetAtt(title, "PublicIp")
        yield export_output(env, name, f"{title}Address", address, f"Fixed address {title[-1]}")


def _elastic_ips(params: Params, home: network.Handle) -> list[str]:
    """Logical IDs of the stack's own addresses: by the place of the zone, as in the network."""
    if params.elastic_ips is not True:
        return []
    places = zip(ascii_uppercase, find_subnets(params.scheme, home), strict=False)
    return [f"ElasticIp{letter}" for letter, _ in places]


def _load_balancer(params: Params, home: network.Handle) -> elb.LoadBalancer:
    """Nameless, because a fixed name blocks replacement, which a change of scheme asks for."""
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
        **_places(params, home),
        **{key: value for key, value in optional.items() if value},
        LoadBalancerAttributes=load_balancer_attributes(_attributes(params)),
        **access_log_dependency(params.access_logs),
    )


def _places(params: Params, home: network.Handle) -> dict[str, Any]:
    """The subnets: as a plain list where there is nothing to say of a single one."""
    everywhere = find_subnets(params.scheme, home)
    each = [
        {"SubnetId": subnet, **more}
        for subnet, more in zip(everywhere, _mappings(params, home), strict=True)
    ]
    if any(len(one) > 1 for one in each):
        return {"SubnetMappings": [elb.SubnetMapping(**one) for one in each]}
    return {"Subnets": list(everywhere)}


def _mappings(params: Params, home: network.Handle) -> list[dict[str, Any]]:
    """What is said of each subnet.

    With IPv6 it gives a prefix for source NAT, without which ELB refuses UDP listeners on a
    dualstack load balancer; TCP ones live with it (ELB API reference, SubnetMapping and
    CreateLoadBalancer; kubernetes-sigs/aws-load-balancer-controller#3926, #4795).

    A zone keeps its addresses: a change within it takes two steps, out and in again (Network Load
    Balancers user guide, "Update the Availability Zones").
    """
    allocations = [GetAtt(title, "AllocationId") for title in _elastic_ips(params, home)]
    named: dict[str, Sequence[Any]] = {
        "AllocationId": allocations or find_allocation_ids(params),
        "PrivateIPv4Address": params.private_addresses,
    }
    prefix = {"SourceNatIpv6Prefix": "auto_assigned"} if is_dualstack(params) else {}
    return [
        {key: values[index] for key, values in named.items() if values} | prefix
        for index, _ in enumerate(find_subnets(params.scheme, home))
    ]


def _attributes(params: Params) -> dict[str, Any]:
    """Keys and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them always, because "existing attributes that you do not modify retain their current
    values" (the same, ModifyLoadBalancerAttributes).
    """
    return {
        "deletion_protection.enabled": params.deletion_protection,
        "load_balancing.cross_zone.enabled": params.cross_zone,
        "zonal_shift.config.enabled": params.zonal_shift,
        "dns_record.client_routing_policy": params.dns_client_affinity,
        **access_log_attributes(params.access_logs),
    }


def _log_delivery(logs: AccessLogs) -> list[Statement]:
    """What lets ELB write, with the Sids and the conditions that AWS documents.

    Network Load Balancers user guide, "Enable access logs". The ACL that it asks for is one that a
    bucket without ACLs takes too (S3 user guide, "Controlling ownership of objects").
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
