"""Resources of a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import AWSObject, GetAtt, Ref, Template, ec2, elasticache

from moorage.facts.caches import VALKEY_VERSIONS
from moorage.model import Environment

from .. import network
from ..common.days import DAY
from ..common.exports import export_output
from ..common.security_groups import no_egress_rule
from ..common.used_stacks import resolve_stack
from .params import Nodes, Params


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The cache, and its security group; None for an existing cache."""
    if params.existing:
        return None
    net = resolve_stack(env, network.Params, params.network, network.handle)
    assert net is not None, "problems has reported it"
    template = Template(f"{env.app} {env.name}: the cache `{name}`")
    template.set_version()
    template.add_resource(
        ec2.SecurityGroup(
            "SecurityGroup",
            GroupDescription=f"Cache {name}: those that use it add a rule",
            VpcId=net.handle.vpc_id,
            SecurityGroupEgress=[no_egress_rule("No egress: it opens no connections")],
        )
    )
    subnets = list(net.handle.private_subnets)
    identifier = env.stack_name(name)
    if params.nodes is None:
        template.add_resource(_serverless(identifier, subnets, params))
    else:
        template.add_resource(list(_replication_group(identifier, subnets, params, params.nodes)))
    template.add_output([export_output(env, name, *output) for output in _outputs(params)])
    return template


def _outputs(params: Params) -> Iterator[tuple[str, Any, str]]:
    """Name, value and description of each output."""
    writer, reader = ("Endpoint", "ReaderEndpoint")
    if params.nodes is not None:
        writer, reader = ("PrimaryEndPoint", "ReaderEndPoint")
    yield "Host", GetAtt("Cache", f"{writer}.Address"), "DNS name of the cache"
    yield "Port", GetAtt("Cache", f"{writer}.Port"), "Port of the cache"
    yield "ReaderHost", GetAtt("Cache", f"{reader}.Address"), "DNS name for reads"
    yield "ReaderPort", GetAtt("Cache", f"{reader}.Port"), "Port for reads"
    yield "SecurityGroupId", GetAtt("SecurityGroup", "GroupId"), "Security group of the cache"


def _optional(params: Params) -> dict[str, Any]:
    """The optional properties that both kinds of caches have."""
    optional: dict[str, Any] = {"KmsKeyId": params.kms_key} if params.kms_key else {}
    if params.snapshots:
        optional["SnapshotRetentionLimit"] = params.snapshots // DAY
    return optional


def _serverless(identifier: str, subnets: list[Any], params: Params) -> AWSObject:
    limits = {
        "DataStorage": elasticache.DataStorage(Maximum=params.limits.storage, Unit="GB")
        if params.limits.storage
        else None,
        "ECPUPerSecond": elasticache.ECPUPerSecond(Maximum=params.limits.ecpus)
        if params.limits.ecpus
        else None,
    }
    given = {key: value for key, value in limits.items() if value}
    optional = {"CacheUsageLimits": elasticache.CacheUsageLimits(**given)} if given else {}
    return elasticache.ServerlessCache(
        "Cache",
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        ServerlessCacheName=identifier,
        Engine="valkey",
        MajorEngineVersion=params.version,
        SubnetIds=subnets[: params.availability_zones],
        SecurityGroupIds=[GetAtt("SecurityGroup", "GroupId")],
        **optional,
        **_optional(params),
    )


def _replication_group(
    identifier: str, subnets: list[Any], params: Params, nodes: Nodes
) -> Iterator[AWSObject]:
    """A writing node and its replicas, without shards. Clients connect without cluster mode."""
    yield elasticache.SubnetGroup(
        "SubnetGroup", Description=f"Private subnets of the cache {identifier}", SubnetIds=subnets
    )
    has_replicas = nodes.replicas > 0
    yield elasticache.ReplicationGroup(
        "Cache",
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        ReplicationGroupId=identifier,
        ReplicationGroupDescription=identifier,
        Engine="valkey",
        EngineVersion=VALKEY_VERSIONS[params.version],
        CacheNodeType=nodes.type,
        NumCacheClusters=1 + nodes.replicas,
        AutomaticFailoverEnabled=has_replicas,
        MultiAZEnabled=has_replicas,
        CacheSubnetGroupName=Ref("SubnetGroup"),
        SecurityGroupIds=[GetAtt("SecurityGroup", "GroupId")],
        AtRestEncryptionEnabled=True,
        TransitEncryptionEnabled=True,
        AutoMinorVersionUpgrade=True,
        **_optional(params),
    )
