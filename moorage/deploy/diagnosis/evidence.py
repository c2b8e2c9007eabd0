"""Reads the evidence about stacks from AWS, with a limited number of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.deploy.diagnosis.diagnose import STACK, is_start
from moorage.deploy.diagnosis.model import Evidence, Service, StackEvent, Unread, ValidationError
from moorage.deploy.diagnosis.reader import Clients, Reader
from moorage.deploy.diagnosis.service_evidence import (
    ServiceResource,
    collect_service,
    find_troubled_services,
)
from moorage.deploy.diagnosis.stopped_tasks import TASK_DEFINITION
from moorage.deploy.diagnosis.task_evidence import collect_tasks
from moorage.records import record

MAX_CALLS = 150
"""Calls of AWS for one diagnosis, of however many stacks."""
_MAX_EVENT_PAGES = 5
_MAX_STACK_PAGES = 20
_MAX_STACKS = 10
"""Stacks that are looked at closely."""
_MAX_SERVICES = 3
"""Services of one stack that are looked at closely."""
_TOO_MANY_STACKS = f"only {_MAX_STACKS} stacks are read at once; name this one"
_TOO_MANY = f"only {_MAX_SERVICES} services of a stack are read"
_SERVICE, _TARGET_GROUP = "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::TargetGroup"
_CLUSTER = "AWS::ECS::Cluster"
_REVIEW = "REVIEW_IN_PROGRESS"
_NO_STACK = "ValidationError"
"""The code of CloudFormation's error if there is no stack of the name."""


@record
class Cluster:
    """Where the tasks of a stack without a service run: the name of the cluster, or of its stack in
    CloudFormation."""

    name: str = ""
    stack_name: str = ""


def collect_stack(
    clients: Clients, stack: str, stack_name: str, cluster: Cluster | None = None
) -> Evidence:
    """The evidence about one stack, whose name in the params is `stack`.

    What cannot be read is in its `unread`. A stack that does not exist has no status. `cluster` is
    used if the stack has a task definition and no service.
    """
    reader = Reader(MAX_CALLS)
    answer = reader.read(
        f"stack {stack_name}",
        clients.cloudformation.describe_stacks,
        absent=_NO_STACK,
        StackName=stack_name,
    )
    described: Mapping[str, Any] = next(iter(answer.get("Stacks", ())), {})
    if not described and not reader.unread:
        return Evidence(stack, stack_name)
    return _collect(reader, clients, stack, stack_name, described, cluster)


@record
class EnvironmentEvidence:
    """The evidence about the stacks of an environment that may have a problem."""

    stacks: tuple[Evidence, ...]
    deployed: int
    """How many stacks of the environment are deployed."""


def collect_environment(clients: Clients, stacks: Mapping[str, str]) -> EnvironmentEvidence:
    """The evidence about the stacks of an environment whose last operation failed or goes on; if
    there are none, about those with services that are not healthy.

    `stacks` are the stacks' names in CloudFormation by their names in the params. Errors of the
    list of stacks are raised: without it nothing is known.
    """
    reader = Reader(MAX_CALLS)
    described = {each["StackName"]: each for each in _list_stacks(clients)}
    own = {stack: described[name] for stack, name in stacks.items() if name in described}
    troubled = [stack for stack, each in own.items() if _is_troubled(each["StackStatus"])]
    if not troubled:
        found = _collect_services(reader, clients, own)
        return EnvironmentEvidence(tuple(found), len(own))
    read = [
        _collect(reader, clients, stack, stacks[stack], own[stack])
        for stack in troubled[:_MAX_STACKS]
    ]
    read += [
        Evidence(
            stack,
            stacks[stack],
            own[stack]["StackStatus"],
            unread=(Unread(f"stack {stacks[stack]}", _TOO_MANY_STACKS),),
        )
        for stack in troubled[_MAX_STACKS:]
    ]
    return EnvironmentEvidence(tuple(read), len(own))


def _collect_services(
    reader: Reader, clients: Clients, own: Mapping[str, Mapping[str, Any]]
) -> Iterator[Evidence]:
    """The evidence about stacks without a failed operation whose services are not healthy, or of
    which it cannot be read whether they are."""
    resources: dict[str, Sequence[Mapping[str, Any]]] = {}
    unread: dict[str, tuple[Unread, ...]] = {}
    for stack in filter(lambda stack: _has_service(own[stack]), own):
        resources[stack] = _resources(reader, clients, own[stack]["StackName"])
        unread[stack] = reader.take_unread()
    services = {stack: [*_services(each, ())] for stack, each in resources.items()}
    unhealthy = find_troubled_services(
        reader, clients, [service for each in services.values() for service in each]
    )
    for stack, of_stack in services.items():
        unread[stack] += reader.take_unread()  # of the services of all stacks, at the first one
        chosen = [service for service in of_stack if service.arn in unhealthy]
        names = _target_groups(resources[stack])
        read = tuple(collect_service(reader, clients, service, names) for service in chosen)
        unread[stack] += reader.take_unread()
        if chosen or unread[stack]:
            name, status = own[stack]["StackName"], own[stack]["StackStatus"]
            yield Evidence(stack, name, status, services=read, unread=unread[stack])


def _list_stacks(clients: Clients) -> Iterator[Mapping[str, Any]]:
    pages = clients.cloudformation.get_paginator("describe_stacks").paginate(
        PaginationConfig={"MaxItems": 100 * _MAX_STACK_PAGES}
    )
    for page in pages:
        yield from page["Stacks"]


def _is_troubled(status: str) -> bool:
    return "FAILED" in status or "ROLLBACK" in status or status.endswith("_IN_PROGRESS")


def _has_service(described: Mapping[str, Any]) -> bool:
    """Whether a stack has a service. Those that Moorage builds have its name as an output."""
    outputs = described.get("Outputs", ())
    return any(output["OutputKey"] == "ServiceName" for output in outputs)


def _collect(
    reader: Reader,
    clients: Clients,
    stack: str,
    stack_name: str,
    described: Mapping[str, Any],
    cluster: Cluster | None = None,
) -> Evidence:
    events = tuple(_events(reader, clients, stack_name))
    of_stack = (event.status for event in events if event.logical_id == stack_name)
    status = described.get("StackStatus") or next(of_stack, "")
    resources = _resources(reader, clients, stack_name)
    every = [*_services(resources, events)]
    chosen, rest = every[:_MAX_SERVICES], every[_MAX_SERVICES:]
    names = _target_groups(resources)
    start = events[-1].time if events and _is_troubled(status) else None
    services = tuple(collect_service(reader, clients, each, names, start) for each in chosen)
    if not services and cluster is not None:
        services = tuple(_task_definitions(reader, clients, resources, cluster))
    errors = _validation_errors(reader, clients, stack_name) if status == _REVIEW else ()
    return Evidence(
        stack,
        stack_name,
        status,
        described.get("StackStatusReason", ""),
        events,
        tuple(errors),
        services,
        (*reader.take_unread(), *(Unread(f"service {each.name}", _TOO_MANY) for each in rest)),
    )


def _events(reader: Reader, clients: Clients, stack_name: str) -> Iterator[StackEvent]:
    """The events since the last operation began, newest first."""
    token: dict[str, str] = {}
    for _ in range(_MAX_EVENT_PAGES):
        answer = reader.read(
            f"events of {stack_name}",
            clients.cloudformation.describe_stack_events,
            StackName=stack_name,
            **token,
        )
        for each in answer.get("StackEvents", ()):
            event = _event(each)
            yield event
            if is_start(event, stack_name):
                return
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}


def _event(each: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        time=each["Timestamp"],
        logical_id=each.get("LogicalResourceId", ""),
        type=each.get("ResourceType", ""),
        status=each.get("ResourceStatus", ""),
        reason=each.get("ResourceStatusReason", "") or each.get("HookStatusReason", ""),
        physical_id=each.get("PhysicalResourceId", ""),
    )


def _validation_errors(
    reader: Reader, clients: Clients, stack_name: str
) -> Iterator[ValidationError]:
    answer = reader.read(
        f"validations of {stack_name}",
        clients.cloudformation.describe_events,
        StackName=stack_name,
        Filters={"FailedEvents": True},
    )
    for each in answer.get("OperationEvents", ()):
        if each.get("EventType") == "VALIDATION_ERROR":
            yield ValidationError(
                each.get("LogicalResourceId", ""),
                each.get("ResourceType", ""),
                each.get("ValidationName", ""),
                each.get("ValidationStatusReason", ""),
                each.get("ValidationPath", ""),
            )


def _resources(reader: Reader, clients: Clients, stack_name: str) -> Sequence[Mapping[str, Any]]:
    answer = reader.read(
        f"resources of {stack_name}",
        clients.cloudformation.describe_stack_resources,
        absent=_NO_STACK,
        StackName=stack_name,
    )
    resources: Sequence[Mapping[str, Any]] = answer.get("StackResources", ())
    return resources


def _services(
    resources: Sequence[Mapping[str, Any]], events: Sequence[StackEvent]
) -> Iterator[ServiceResource]:
    """The services of a stack, those that a rollback removed too. ECS answers about them for a
    while, and about their tasks by the family of the task definition."""
    families = {
        _family(arn)
        for type_, arn in _physical_ids(resources, events)
        if type_[0] == TASK_DEFINITION
    }
    family = next(iter(families)) if len(families) == 1 else ""
    seen = set()
    for (type_, name), arn in _physical_ids(resources, events):
        if type_ == _SERVICE and arn.startswith("arn:") and name not in seen:
            seen.add(name)
            yield ServiceResource(name, arn, family)


def _task_definitions(
    reader: Reader, clients: Clients, resources: Sequence[Mapping[str, Any]], cluster: Cluster
) -> Iterator[Service]:
    """The task definitions of a stack with the stopped tasks of their families."""
    own = [each for each in resources if each["ResourceType"] == TASK_DEFINITION]
    name = cluster.name
    if own and cluster.stack_name:
        of_cluster = _resources(reader, clients, cluster.stack_name)
        clusters = (each for each in of_cluster if each["ResourceType"] == _CLUSTER)
        name = next(clusters, {}).get("PhysicalResourceId", "")
    for each in own if name else ():
        family = _family(each.get("PhysicalResourceId", ""))
        tasks = collect_tasks(reader, clients, name, {"family": family})
        yield Service(each["LogicalResourceId"], family, TASK_DEFINITION, tasks=tasks)


def _family(arn: str) -> str:
    """The family of the ARN of a task definition, `arn:...:task-definition/family:revision`."""
    return arn.rpartition("/")[2].rpartition(":")[0]


def _physical_ids(
    resources: Sequence[Mapping[str, Any]], events: Sequence[StackEvent]
) -> Iterator[tuple[tuple[str, str], str]]:
    """The type, logical ID and physical ID of resources: those that failed first, which a rollback
    may have replaced by others; then those that exist, then all others of the operation."""
    for event in events:
        if event.type != STACK and event.physical_id and event.status.endswith("_FAILED"):
            yield (event.type, event.logical_id), event.physical_id
    for each in resources:
        key = each["ResourceType"], each["LogicalResourceId"]
        yield key, each.get("PhysicalResourceId", "")
    for event in events:
        if event.type != STACK and event.physical_id:
            yield (event.type, event.logical_id), event.physical_id


def _target_groups(resources: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The logical IDs of target groups by their ARN."""
    return {
        each.get("PhysicalResourceId", ""): each["LogicalResourceId"]
        for each in resources
        if each["ResourceType"] == _TARGET_GROUP
    }
