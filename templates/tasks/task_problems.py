"""Problems of a task, and of its placement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.facts.quotas import MANAGED_POLICIES_PER_ROLE
from moorage.facts.task_sizes import INSTANCE_TASK_CPU, MIN_INSTANCE_TASK_MEMORY
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import near, shown
from moorage.references import Reference

from .. import cluster, network
from ..common.policy_statements import statement_problems
from ..common.regions import is_in_other_region, key_region_problems, region_of
from ..common.stack_lookup import find_stack_problems
from . import fargate_sizes, images, secrets
from .container_problems import container_problems
from .containers import Container
from .egress import egress_problems
from .image_builds import image_build_problems
from .launch_type_problems import launch_type_problems
from .linux_parameters import system_control_problems
from .params import TaskParams
from .queue_problems import queue_endpoint_problems, queue_sender_problems
from .reachable_services import reaches_problems
from .sidecar_problems import endpoint_problems, sidecar_problems
from .task import Task
from .use_problems import use_endpoint_problems, use_problems
from .volume_problems import volume_problems


def task_problems(task: Task) -> Iterator[Problem]:
    """Problems of a task. Those of a container are reported at the key that adds the container."""
    for problem in _container_problems(task):
        yield task.locate(problem)
    yield from _stack_problems(task)
    yield from _size_problems(task.params)
    yield from reaches_problems(task.params, task.env)
    yield from use_problems(task)
    yield from egress_problems(task.params, task.params.volumes)
    path: Path = ("task_role", "statements")
    yield from statement_problems(task.params.task_role.statements, path)
    yield from _existing_problems(task.params)
    yield from _managed_policy_problems(task.params.task_role.managed_policies)
    yield from _key_problems(task)
    yield from _capacity_provider_problems(task)
    yield from _subnet_problems(task)
    yield from sidecar_problems(task)
    yield from image_build_problems(task)


def _container_problems(task: Task) -> Iterator[Problem]:
    """Problems of containers, with paths below `containers` even if another key adds the
    container."""
    params, containers = task.params, task.container_params
    yield from container_problems(
        containers,
        params.cpu,
        params.memory,
        shared=params.network_mode != "bridge",
        added=_added_containers(task),
    )
    yield from launch_type_problems(task)
    yield from queue_sender_problems(params, containers, task.env)
    yield from volume_problems(params.volumes, containers, task.env)
    controls = {name: container.system_controls for name, container in containers.items()}
    yield from system_control_problems(controls, params.network_mode)
    yield from _endpoint_problems(task)


def _added_containers(task: Task) -> dict[str, list[Container]]:
    """The containers that are not below `containers:`, by the feature that adds them."""
    added: dict[str, list[Container]] = {}
    for container in task.containers.values():
        if container.origin.feature:
            added.setdefault(container.origin.feature, []).append(container.params)
    return added


def _stack_problems(task: Task) -> Iterator[Problem]:
    params, env = task.params, task.env
    yield from find_stack_problems(env, network.Params, params.network, ("network",), "network")
    yield from find_stack_problems(env, cluster.Params, params.cluster, ("cluster",), "cluster")
    for index, name in enumerate(params.after):
        if name not in env.stacks and name not in env.broken:
            closest = near(name, env.stacks)
            hint = f"Did you mean `{closest}`?" if closest else "Write the name of a stack."
            message = f"{shown(name)} is not a stack of this environment"
            yield Problem("M1201", ("after", index), message, hint)


def _size_problems(params: TaskParams) -> Iterator[Problem]:
    low, high = INSTANCE_TASK_CPU
    if params.launch == "fargate":
        keys = params.model_fields_set
        yield from fargate_sizes.fargate_size_problems(params.cpu, params.memory, keys)
    elif not low <= params.cpu <= high:
        hint = f"Write {low} to {high} CPU units: 1024 are one vCPU."
        message = f"A task cannot have {params.cpu} CPU units"
        yield Problem("M2701", ("cpu",), message, hint)
    elif params.memory < MIN_INSTANCE_TASK_MEMORY:
        message = f"A task cannot have {params.memory} MiB of memory"
        hint = f"Write {MIN_INSTANCE_TASK_MEMORY} or more."
        yield Problem("M2701", ("memory",), message, hint)


def _existing_problems(params: TaskParams) -> Iterator[Problem]:
    role = params.task_role
    if role.existing and (role.statements or role.managed_policies):
        message = "`statements` and `managed_policies` have no effect on an existing role"
        hint = "Remove them, or remove `existing:`."
        yield Problem("M2702", ("task_role",), message, hint)
    unused = sorted(params.logs.model_fields_set - {"existing"})
    if params.logs.existing and unused:
        keys = " and ".join(f"`{key}`" for key in unused)
        message = f"{keys} {'has' if len(unused) == 1 else 'have'} no effect on an existing log "
        message += "group"
        hint = f"Remove {'it' if len(unused) == 1 else 'them'}, or remove `existing:`."
        yield Problem("M2702", ("logs",), message, hint)


def _managed_policy_problems(arns: Sequence[str | Reference]) -> Iterator[Problem]:
    if len(arns) > MANAGED_POLICIES_PER_ROLE:
        limit = MANAGED_POLICIES_PER_ROLE
        message = (
            f"The role has {len(arns)} managed policies, but IAM allows {limit} unless the quota "
            "is raised"
        )
        hint = "Request a higher quota before you deploy, or write `statements:` instead."
        path = ("task_role", "managed_policies")
        yield Problem("M2703", path, message, hint, level="warning")


def _key_problems(task: Task) -> Iterator[Problem]:
    """KMS keys that cannot decrypt any secret of the task, because they are in another region."""
    env = task.env
    yield from key_region_problems(task.params.logs.kms_key, ("logs", "kms_key"), env)
    regions = {secrets.parse_secret(reference).region for reference in _secret_references(task)}
    for index, arn in enumerate(task.params.kms_keys):
        if is_in_other_region(arn, env) and region_of(arn) not in regions:
            message = f"The KMS key is in {region_of(arn)}, and no secret of the task is there"
            hint = (
                f"Write the ARN of a key in {env.region}, or write the secret with its complete "
                "ARN."
            )
            path = ("kms_keys", index)
            yield Problem("M2704", path, message, hint, because=[("containers",)])


def _secret_references(task: Task) -> Iterator[str | Reference]:
    for container in task.container_params.values():
        yield from container.secrets.values()
        if container.repository_credentials:
            yield container.repository_credentials
    yield from task.sidecar_secrets


def _capacity_provider_problems(task: Task) -> Iterator[Problem]:
    providers = task.params.capacity_providers
    yield from cluster.strategy_problems(providers, ("capacity_providers",))
    used = task.placement.cluster
    for provider in providers if used else ():
        if used and provider not in used.handle.capacity_providers:
            message = f"The existing cluster `{used.name}` does not list {provider}"
            hint = "If the cluster has it, add it to `capacity_providers` below `existing:` of "
            hint += f"`{used.name}`."
            yield Problem("M2705", ("capacity_providers", provider), message, hint)


def _subnet_problems(task: Task) -> Iterator[Problem]:
    """Subnets that do not exist, or have no route out of the VPC."""
    placement = task.placement
    if placement.network is None or placement.shares_instance:
        return
    if network.has_no_subnets(placement.network.params):
        return  # the network reports it
    name, net, kind = placement.network.name, placement.network.handle, placement.subnet_kind
    path: Path = ("subnets",)
    if kind == "public" and task.params.launch != "fargate" and net.public_subnets:
        # Amazon ECS developer guide, "Allocate a network interface for an Amazon ECS task": on
        # instances the interface of a task gets no public address.
        message = "A task on instances gets no public IP address, so it cannot reach the internet "
        message += "from a public subnet"
        mode = "bridge" if task.params.launch == "ec2" else "host"
        hint = "Write `subnets: private` if these have a route out of the VPC, or `network_mode: "
        hint += f"{mode}`."
        yield Problem("M2708", path, message, hint, because=[("network_mode",)])
    if not placement.subnets:
        message = f"The network `{name}` has no {kind} subnets"
        other_kind = "private" if kind == "public" else "public"
        hint = f"Write `subnets: {other_kind}`, or add `{kind}_subnets` to `{name}`."
        yield Problem("M2706", path, message, hint)
    elif (
        kind == "public"
        and task.params.launch == "fargate"
        and net.egress in ("nat", "nat-per-az", "endpoints")
    ):
        message = f"The tasks get public IP addresses, although `{name}` has private subnets"
        hint = "Remove `subnets: public`, or write `subnets: private`."
        yield Problem("M2713", path, message, hint, level="warning")
    elif kind == "private" and net.egress == "public":
        message = f"The private subnets of `{name}` have no route out of the VPC, so the tasks "
        message += "cannot pull their images"
        hint = f"Write `egress: nat` in `{name}`, or `subnets: public` for tasks with public "
        hint += "addresses."
        yield Problem("M2707", path, message, hint)


def _endpoint_problems(task: Task) -> Iterator[Problem]:
    """What the tasks cannot reach from subnets without a route to the internet, whose endpoints
    reach only services of one region."""
    placement = task.placement
    if placement.network is None or placement.network.handle.egress != "endpoints":
        return
    if not placement.shares_instance and (
        placement.subnet_kind == "public" or not placement.subnets
    ):
        return
    name, region = placement.network.name, task.env.region
    for key, container in task.container_params.items():
        path: Path = ("containers", key)
        repository = images.parse_repository(container.image)
        if repository is None:
            message = f"`{container.image}` cannot be pulled: `{name}` has no route to the internet"
            hint = "Push it to an ECR repository, and write `ecr:...`."
            yield Problem("M2709", (*path, "image"), message, hint)
        elif repository.region not in (None, region):
            message = f"`{container.image}` cannot be pulled: the endpoints of `{name}` reach "
            message += f"{region} only"
            hint = f"Replicate the repository to {region}, and write the URI of the image there."
            yield Problem("M2709", (*path, "image"), message, hint)
        elif images.find_cached([container.image], task.params.pull_through_cache):
            message = f"The first pull of `{container.image}` fails: ECR imports it into the pull "
            message += f"through cache only if `{name}` has a NAT gateway"
            hint = "Pull it once from elsewhere before this is deployed, or write `egress: nat` in "
            hint += f"`{name}`."
            yield Problem("M2709", (*path, "image"), message, hint, level="warning")
        for variable, reference in container.secrets.items():
            if secrets.parse_secret(reference).region not in (None, region):
                message = f"`{reference}` cannot be read: the endpoints of `{name}` reach {region} "
                message += "only"
                hint = f"Create the secret in {region}, and refer to that secret here."
                yield Problem("M2710", (*path, "secrets", variable), message, hint)
    yield from endpoint_problems(task)
    endpoints = placement.network.params.endpoints
    yield from queue_endpoint_problems(task.params, endpoints, name)
    yield from use_endpoint_problems(task, endpoints, name)
