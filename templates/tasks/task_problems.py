"""What can be wrong with a task by itself, and with where it is to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.model import Environment

from .. import cluster, network
from ..common.iam import MANAGED_POLICIES
from ..common.policy_statements import statement_problems
from ..common.regions import is_in_other_region, key_region_problems, region_of
from ..common.stack_lookup import find_stack, find_stack_problems
from . import fargate_sizes, images, secrets
from .container_problems import container_problems
from .containers import Container
from .launch_type_problems import launch_problems
from .launch_types import shares_instance
from .linux_parameters import control_problems
from .params import TaskParams
from .queues import queue_reach_problems, sending_problems
from .service_connect import reaching_problems
from .sidecars import (
    asked_at,
    reach_problems,
    secret_references,
    sidecar_problems,
)
from .task import _whole, placed
from .volumes import (
    opened,
    volume_problems,
)


def task_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """What is wrong with a task by itself, and with where it is to run."""
    for problem in _task_problems(_whole(params, env), env):
        yield asked_at(problem, params, env)
    yield from sidecar_problems(params, env)


def _task_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from find_stack_problems(env, cluster.Params, params.cluster, ("cluster",), "cluster")
    yield from _after_problems(params, env)
    yield from sending_problems(params, env)
    yield from _size_problems(params)
    shared = params.network_mode != "bridge"
    yield from container_problems(params.containers, params.cpu, params.memory, shared=shared)
    yield from _launch_problems(params, env)
    yield from reaching_problems(params, env)
    yield from volume_problems(params.volumes, params.containers, env)
    controls = {name: one.system_controls for name, one in params.containers.items()}
    yield from control_problems(controls, params.network_mode)
    yield from statement_problems(params.task_role.statements, ("task_role", "statements"))
    yield from _existing_problems(params)
    yield from _managed_problems(params.task_role.managed_policies)
    yield from _key_problems(params, env)
    yield from _capacity_problems(params, env)
    yield from _subnet_problems(params, env)


def _after_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    for index, name in enumerate(params.after):
        if name not in env.stacks and name not in env.broken:
            meant = near(name, env.stacks)
            hint = f"Did you mean `{meant}`?" if meant else "Name a stack of this environment."
            yield Problem("M1201", ("after", index), f"{shown(name)} is not a stack", hint)


def _size_problems(params: TaskParams) -> Iterator[Problem]:
    """Amazon ECS API reference, RegisterTaskDefinition, cpu: 0.125 to 192 vCPUs on instances."""
    if params.launch == "fargate":
        yield from fargate_sizes.size_problems(params.cpu, params.memory)
    elif not 128 <= params.cpu <= 196_608:
        hint = "Write 128 to 196608: 1024 are one vCPU."
        yield Problem("M1203", ("cpu",), f"{params.cpu} CPU units are no size of a task", hint)
    elif params.memory < 6:
        yield Problem("M1203", ("memory",), f"{params.memory} MiB are too few", "Write 6 or more.")


def _launch_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    found = find_stack(env, cluster.Params, params.cluster)
    name = found[0] if found else None
    home = cluster.handle(*found, env).instances.get(params.launch) if found else None
    yield from launch_problems(params, name, home)
    if home is None:
        return
    reached = shares_instance(params.network_mode) and getattr(params, "expose", None)
    admitted = shares_instance(params.network_mode) and opened(params.volumes)
    if (reached or admitted) and home.security_group is None:
        message = f"Nobody tells the security group of the instances of `{name}`"
        hint = "Write its `security_group` there, below `existing:`."
        because: list[Path] = [("expose",) if reached else ("volumes",)]
        yield Problem("M1220", ("launch",), message, hint, because=because)
    if home.architecture not in (None, params.cpu_architecture):
        message = f"The instances of `{name}` are {home.architecture}"
        hint = f"Write `cpu_architecture: {home.architecture}`, or other `instance_types` there."
        yield Problem("M1220", ("cpu_architecture",), message, hint)
    if home.gpus is False:
        yield from _gpu_problems(params, name)
    mine = find_stack(env, network.Params, params.network)
    if mine and home.network not in (None, mine[0]):
        message = f"The instances are in network `{home.network}`, and the tasks in `{mine[0]}`"
        yield Problem("M1201", ("network",), message, f"Write `network: {home.network}`.")


def _gpu_problems(params: TaskParams, cluster_name: str | None) -> Iterator[Problem]:
    for key, container in params.containers.items():
        if container.gpus:
            message = f"The instances of `{cluster_name}` give tasks no GPUs, and none would start"
            hint = "Write `gpu: true` there, and `instance_types` that have one, as `g5.xlarge`."
            path: Path = ("containers", key, "gpus")
            yield Problem("M1220", path, message, hint, because=[("launch",)])


def _existing_problems(params: TaskParams) -> Iterator[Problem]:
    mine = params.task_role
    if mine.existing and (mine.statements or mine.managed_policies):
        message = "A role that exists is not changed"
        hint = "Remove the statements and policies, or remove `existing:`."
        yield Problem("M1108", ("task_role",), message, hint)
    if params.logs.existing and params.logs.model_fields_set != {"existing"}:
        hint = "Remove the other keys, or remove `existing:`."
        yield Problem("M1108", ("logs",), "A log group that exists is not changed", hint)


def _managed_problems(arns: Sequence[str]) -> Iterator[Problem]:
    if len(arns) > MANAGED_POLICIES:
        message = f"IAM attaches {MANAGED_POLICIES} policies to a role unless the quota is raised"
        hint = "Ask for a higher quota before you deploy, or write `statements:`."
        path = ("task_role", "managed_policies")
        yield Problem("M1105", path, message, hint, level="warning")


def _key_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """Keys where nothing is that they could have encrypted."""
    yield from key_region_problems(params.logs.kms_key, ("logs", "kms_key"), env)
    named = [ref for one in params.containers.values() for ref in _references(one)]
    named += secret_references(params.sidecars)
    regions = {secrets.secret(reference).region for reference in named}
    for index, arn in enumerate(params.kms_keys):
        if is_in_other_region(arn, env) and region_of(arn) not in regions:
            message = f"The key is in {region_of(arn)}, where none of the secrets is"
            hint = f"Name a key in {env.region}, or the secret by its whole ARN."
            path = ("kms_keys", index)
            yield Problem("M1220", path, message, hint, because=[("containers",)])


def _references(container: Container) -> list[str]:
    login = container.repository_credentials
    return [*container.secrets.values(), *([login] if login else [])]


def _capacity_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    yield from cluster.strategy_problems(params.capacity_providers, ("capacity_providers",))
    found = find_stack(env, cluster.Params, params.cluster)
    if not found:
        return
    name, its = found
    known = cluster.handle(name, its, env).capacity_providers
    for provider in params.capacity_providers:
        if provider not in known:
            message = f"The cluster `{name}` is not said to have {provider}"
            hint = f"Add it: `existing: {{capacity_providers: [{provider}]}}` at `{name}`."
            yield Problem("M1220", ("capacity_providers", provider), message, hint)


def _subnet_problems(params: TaskParams, env: Environment) -> Iterator[Problem]:
    """Whether the tasks can reach what they need at start."""
    found = find_stack(env, network.Params, params.network)
    if not found:
        return
    name, its = found
    net = network.handle(name, its, env)
    where = placed(params, net)
    path: Path = ("subnets",)
    if shares_instance(params.network_mode):
        if net.egress == "endpoints":
            yield from _endpoint_problems(params, env.region, name)
            yield from reach_problems(params.sidecars, its, name)
            yield from queue_reach_problems(params, its.endpoints, name)
        return
    if where == "public" and params.launch != "fargate" and net.public_subnets:
        # Amazon ECS developer guide, "Allocate a network interface for an Amazon ECS task": on
        # instances the interface of a task gets no public address.
        message = "On instances a task with an address of its own gets no public one"
        hint = "Write `subnets: private`, where the network has a way out, or a `network_mode: "
        hint += "bridge`." if params.launch == "ec2" else "host`."
        yield Problem("M1211", path, message, hint, because=[("network_mode",)])
    if not (net.public_subnets if where == "public" else net.private_subnets):
        message = f"The network `{name}` has no {where} subnets"
        other = "private" if where == "public" else "public"
        hint = f"Write `subnets: {other}` here, or name `{where}_subnets` at `{name}`."
        yield Problem("M1211", path, message, hint)
    elif where == "private" and net.egress == "public":
        message = f"From a private subnet of `{name}` nothing can be reached, not even the image"
        hint = f"Write `subnets: public` here, or `egress: nat` at `{name}`."
        yield Problem("M1211", path, message, hint)
    elif where == "private" and net.egress == "endpoints":
        yield from _endpoint_problems(params, env.region, name)
        yield from reach_problems(params.sidecars, its, name)
        yield from queue_reach_problems(params, its.endpoints, name)


def _endpoint_problems(params: TaskParams, region: str, name: str) -> Iterator[Problem]:
    """Through endpoints only services of the same region are reached."""
    for key, container in params.containers.items():
        here = ("containers", key)
        repository = images.repository(container.image)
        if repository is None:
            message = f"`{container.image}` cannot be pulled: `{name}` has no way to the internet"
            hint = "Copy it to ECR (a pull-through cache does) and write `ecr:...`."
            yield Problem("M1211", (*here, "image"), message, hint)
        elif repository.region not in (None, region):
            message = f"`{container.image}` cannot be pulled: endpoints lead to {region} only"
            hint = f"Replicate the repository to {region}."
            yield Problem("M1211", (*here, "image"), message, hint)
        for variable, reference in container.secrets.items():
            if secrets.secret(reference).region not in (None, region):
                message = f"`{reference}` cannot be read: endpoints lead to {region} only"
                hint = f"Keep the secret in {region}."
                yield Problem("M1211", (*here, "secrets", variable), message, hint)
