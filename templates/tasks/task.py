"""The task of a service, a worker, a scheduled task or a one-off task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from troposphere import GetAtt, Ref, ec2

from moorage.findings.finding import Path, Problem
from moorage.model import Environment
from moorage.records import record
from moorage.references import Reference

from ..common.references import sub_values
from .containers import Container, Containers
from .egress import egress_resources
from .params import TaskParams
from .placement import Placement, resolve_placement
from .queues import QueueUse, resolve_queues
from .reachable_services import reaches_resources
from .sidecars import add_sidecars, secret_references
from .task_container import Origin, TaskContainer
from .uses import ResolvedUse, connection_egress, connection_ingress, resolve_uses
from .volume_resources import has_nfs_rules, volume_dependencies


@record
class Task:
    """The tasks of a stack, as its params and those of the stacks that it uses describe them."""

    name: str
    """Name of the stack."""
    env: Environment
    params: TaskParams
    placement: Placement
    containers: Mapping[str, TaskContainer]
    """All containers by name: those below `containers:`, the proxy, sidecars and health
    sidecars."""
    queues: tuple[QueueUse, ...]
    uses: tuple[ResolvedUse, ...]
    """What the tasks use by `uses:`."""
    reach_rules: tuple[ec2.SecurityGroupIngress, ...]
    """Security group rules that allow the tasks to connect to the services in `reaches:`."""
    security_group_users: tuple[Path, ...]
    """The keys of the params for which the stack adds rules to the security group of the tasks."""

    @cached_property
    def container_params(self) -> Containers:
        return {name: container.params for name, container in self.containers.items()}

    @property
    def family(self) -> str:
        """Name of the task definition."""
        return self.env.stack_name(self.name)

    @property
    def execution_role_arn(self) -> Any:
        return self.params.execution_role.existing or GetAtt("ExecutionRole", "Arn")

    @property
    def task_role_arn(self) -> Any:
        return self.params.task_role.existing or GetAtt("TaskRole", "Arn")

    @property
    def log_group_name(self) -> Any:
        return self.params.logs.existing or Ref("LogGroup")

    @property
    def log_group_arn(self) -> Any:
        """ARN of the log group's streams, for permissions to write to them."""
        existing = self.params.logs.existing
        if existing is None:
            return GetAtt("LogGroup", "Arn")
        streams = "${AWS::Region}:${AWS::AccountId}:log-group:${Name}:*"
        return sub_values(f"arn:${{AWS::Partition}}:logs:{streams}", Name=existing)

    @property
    def sidecar_secrets(self) -> Sequence[str | Reference]:
        """References to secrets outside the variables of containers."""
        return secret_references(self.params.sidecars)

    @property
    def dependencies(self) -> list[str]:
        """Logical IDs of the resources that must exist before a task starts, so that it can mount
        its volumes and reach the services that it connects to."""
        mounts = volume_dependencies(self.params.volumes, self.placement.mount_target_subnets)
        rules = [*self.reach_rules, *self.connection_rules, *self.egress_rules]
        return sorted([*mounts, *(rule.title for rule in rules)])

    @property
    def connection_rules(self) -> list[ec2.SecurityGroupIngress]:
        """Rules of other security groups that let the tasks in at what they use."""
        return list(connection_ingress(self.uses, self.placement.security_group))

    @property
    def egress_rules(self) -> list[ec2.SecurityGroupEgress]:
        """Rules of the tasks' security group to other groups; empty without `egress:`."""
        params = self.params
        rules = egress_resources(params, params.volumes, params.reaches, self.env)
        return [*rules, *connection_egress(self.uses, params)]

    def locate(self, problem: Problem) -> Problem:
        """The problem of a container, at the place in the params that adds the container."""
        name = problem.path[1] if problem.path[:1] == ("containers",) and problem.path[1:] else None
        container = self.containers.get(str(name)) if name is not None else None
        if container is None:
            return problem
        return replace(problem, path=container.origin.locate(problem.path[2:]))


def declared_containers(containers: Mapping[str, Container]) -> dict[str, TaskContainer]:
    """The containers below `containers:`."""
    return {
        name: TaskContainer(params, Origin(("containers", name)))
        for name, params in containers.items()
    }


def resolve_task(
    name: str,
    params: TaskParams,
    env: Environment,
    placement: Placement | None = None,
    containers: Mapping[str, TaskContainer] | None = None,
    security_group_users: Sequence[Path] = (),
) -> Task:
    """The task of a stack, without the values that `task_problems` reports as wrong.

    `containers` are all containers except those of `sidecars:`; by default those below
    `containers:`.
    """
    if containers is None:
        containers = declared_containers(params.containers)
    users = [*security_group_users, *([("volumes",)] if has_nfs_rules(params.volumes) else [])]
    return Task(
        name=name,
        env=env,
        params=params,
        placement=placement or resolve_placement(params, env),
        containers=add_sidecars(containers, params, env),
        queues=resolve_queues(name, params, env),
        uses=resolve_uses(name, params, env),
        reach_rules=tuple(reaches_resources(params, env)),
        security_group_users=tuple(users),
    )
