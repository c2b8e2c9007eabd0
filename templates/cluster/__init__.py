"""A stack with an ECS cluster, or the name of an existing cluster.

cluster:
  container_insights: enhanced
  exec_logs: {retention: 7d}
  capacity: {ec2: {instance_types: [t3.small], max: 2}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from troposphere import GetAtt, Ref, Template

from moorage.facts.fargate import CAPACITY_PROVIDERS
from moorage.findings.finding import Problem
from moorage.model import Environment
from moorage.records import record

from ..common.exports import export_output, import_value
from ..common.logs import log_group
from ..common.regions import key_region_problems
from ..common.stack_lookup import find_stack
from ..tasks import service_discovery
from ..tasks.launch_types import LaunchParams, LaunchType
from ..tasks.service_discovery import namespace_problems, namespace_resource
from . import capacity
from .capacity import ExistingInstances
from .conflicts import name_problems
from .instance_rules import instance_rules
from .params import Existing, Params, Provider, Share
from .resources import cluster_resource, provider_associations
from .strategies import strategy_items, strategy_problems

__all__ = [
    "Handle",
    "Params",
    "Provider",
    "Share",
    "compose",
    "handle",
    "problems",
    "strategy_items",
    "strategy_problems",
]


@record
class Handle:
    """What other stacks use to refer to the cluster: literal values or imports."""

    name: Any
    exec_log_group: Any | None
    """Name of the log group of ECS Exec, if there is one."""
    capacity_providers: tuple[str, ...]
    default_strategy: dict[Provider, Share]
    instances: Mapping[LaunchType, capacity.CapacityHandle] = field(default_factory=dict)
    """The instances of the cluster, by launch type."""
    namespace: service_discovery.NamespaceHandle | None = None
    """The Cloud Map namespace of the cluster's services, if there is one."""


def handle(name: str, params: Params, env: Environment) -> Handle:
    """What other stacks use to refer to the cluster of the stack `name`."""
    if params.existing:
        return Handle(
            name=params.existing.name,
            exec_log_group=params.existing.exec_log_group,
            capacity_providers=tuple(params.existing.capacity_providers),
            default_strategy={},
            instances=capacity.existing_capacity_handles(_existing_instances(params.existing)),
            namespace=service_discovery.existing_namespace_handle(params.existing.namespace),
        )
    return Handle(
        name=import_value(env, name, "ClusterName"),
        exec_log_group=import_value(env, name, "ExecLogGroupName") if params.exec_logs else None,
        capacity_providers=CAPACITY_PROVIDERS,
        default_strategy=params.default_strategy,
        instances=capacity.capacity_handles(name, params.capacity, env),
        namespace=service_discovery.namespace_handle(name, params.namespace, env),
    )


def _existing_instances(existing: Existing) -> dict[LaunchType, ExistingInstances | None]:
    return {"ec2": existing.ec2, "managed_instances": existing.managed_instances}


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of combinations of params, and of the stacks that they refer to."""
    if params.existing and params.model_fields_set != {"existing"}:
        ignored = sorted(params.model_fields_set - {"existing"})
        settings = ", ".join(f"`{key}`" for key in ignored)
        verb = "has" if len(ignored) == 1 else "have"
        message = f"With `existing` the stack creates no cluster, so {settings} {verb} no effect"
        hint = f"Remove {settings}, or remove `existing` to create a cluster."
        yield Problem("M2100", ("existing",), message, hint)
    yield from name_problems(name, params, env)
    yield from strategy_problems(params.default_strategy, ("default_strategy",))
    yield from capacity.capacity_problems(params.capacity, env)
    yield from namespace_problems(params.namespace, env)
    if params.existing:
        path = ("existing", "namespace")
        yield from service_discovery.namespace_region_problems(params.existing.namespace, path, env)
    if params.exec_logs:
        yield from key_region_problems(params.exec_logs.kms_key, ("exec_logs", "kms_key"), env)


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The cluster, its log group for ECS Exec, and its instances.

    For an existing cluster: the security group rules of its instances, or None if there are none.
    """
    rules = list(_instance_rule_resources(name, params, env))
    if params.existing and not rules:
        return None
    template = Template(f"{env.app} {env.name}: the ECS cluster `{name}`")
    template.set_version()
    template.add_resource(rules)
    if params.existing:
        return template
    if params.exec_logs:
        template.add_resource(log_group("ExecLogGroup", params.exec_logs))
        template.add_output(
            export_output(env, name, "ExecLogGroupName", Ref("ExecLogGroup"), "Logs of ECS Exec")
        )
    template.add_resource(cluster_resource(params))
    template.add_resource(list(capacity.capacity_resources(params.capacity, env, name)))
    if providers := capacity.associated_providers(params.capacity):
        template.add_resource(provider_associations(params, providers))
    template.add_output(
        export_output(env, name, "ClusterName", Ref("Cluster"), "Name of the cluster")
    )
    template.add_output(
        export_output(env, name, "ClusterArn", GetAtt("Cluster", "Arn"), "ARN of the cluster")
    )
    template.add_output(list(capacity.capacity_outputs(name, params.capacity, env)))
    if params.namespace and not params.namespace.existing:
        template.add_resource(namespace_resource(params.namespace, env))
        template.add_output(list(service_discovery.namespace_outputs(name, env)))
    return template


def _instance_rule_resources(name: str, params: Params, env: Environment) -> Iterator[Any]:
    """Security group rules that allow load balancers to reach tasks on the instances, for all
    stacks that use the cluster."""
    groups: dict[LaunchType, Any] = {
        launch_type: GetAtt(f"{capacity.LOGICAL_ID_PREFIXES[launch_type]}SecurityGroup", "GroupId")
        for launch_type in (params.capacity.by_launch_type() if params.capacity else ())
    }
    if params.existing:
        existing = capacity.existing_capacity_handles(_existing_instances(params.existing))
        groups = {launch: instances.security_group for launch, instances in existing.items()}
    openings = {
        opening
        for stack, launch_params in env.of(LaunchParams)
        if (cluster_stack := find_stack(env, Params, launch_params.cluster))
        and cluster_stack[0] == name
        for opening in launch_params.instance_openings(stack, env)
    }
    yield from instance_rules(openings, groups)
