"""Change sets: create one, wait for it, and read what it will change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from botocore.exceptions import ClientError

from moorage.deploy.aws import aws_errors, error_code, to_aws_error
from moorage.deploy.diagnosis.params_place import ParamsPlace
from moorage.deploy.jobs import Job
from moorage.deploy.property_changes import PropertyChange, compare, value_text
from moorage.deploy.stack_state import SETTLED, StackState
from moorage.deploy.target import DeployStack
from moorage.facts.deletion_policies import SNAPSHOT
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        DeploymentConfigTypeDef,
        DescribeChangeSetOutputTypeDef,
        OperationEventTypeDef,
        ParameterTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
    )

Kind = Literal["create", "update", "nothing", "later"]
"""What a deployment does with a stack. `later`: it imports what does not exist yet, so its change
set is created when the stacks before it are deployed."""
Replacement = Literal["True", "False", "Conditional"]
_EMPTY = ("didn't contain changes", "No updates are to be performed")
"""Parts of the reason of a change set without changes (AWS CLI, cloudformation/deployer.py)."""


@record
class ResourceChange:
    """What an update does to a resource."""

    action: str
    """`Add`, `Modify`, `Remove`, `Import` or `Dynamic`."""
    logical_id: str
    type: str
    replacement: Replacement = "False"
    properties: tuple[PropertyChange, ...] = ()
    recreated_by: tuple[str, ...] = ()
    """The properties that cause the replacement."""
    kept: bool = False
    """Whether the old resource stays when it is removed or replaced."""
    snapshot: bool = False
    """Whether a snapshot of the old resource stays then."""


class RoleArgument(TypedDict, total=False):
    """Arguments of a request to CloudFormation."""

    RoleARN: str


Level = Literal["error", "warning"]


@record
class Problem:
    """Why a stack cannot be deployed, or may fail: what the validation of its change set found, or
    what it needs and AWS does not have."""

    level: Level
    message: str
    logical_id: str = ""
    path: str = ""
    """The path in the template."""
    at: ParamsPlace | None = None
    """The line of the params that it is about."""


@record
class Preview:
    """What a deployment will do with a stack."""

    stack: DeployStack
    kind: Kind
    change_set: str | None = None
    """The ARN of the change set; None if there is none to execute."""
    stack_id: str = ""
    changes: tuple[ResourceChange, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def failed(self) -> bool:
        return any(problem.level == "error" for problem in self.problems)


def is_unchanged(client: CloudFormationClient, stack: DeployStack, state: StackState) -> bool:
    """Whether template and tags are those of the last successful update. This takes one request;
    a change set takes three, and seconds. A parameter's value can come from elsewhere, so stacks
    with parameters are not compared."""
    if state.status not in SETTLED or state.parameters or dict(state.tags) != dict(stack.tags):
        return False
    body: object = client.get_template(StackName=state.id)["TemplateBody"]
    return isinstance(body, str) and body.rstrip() == stack.text.rstrip()


def preview_stack(
    client: CloudFormationClient,
    stack: DeployStack,
    state: StackState | None,
    name: str,
    parameters: Mapping[str, str],
) -> Job[Preview]:
    """Creates a change set, waits until it is complete, and reads it. A change set that cannot be
    executed is deleted again."""
    exists = state is not None and state.exists
    with aws_errors():
        if state is not None and not parameters and is_unchanged(client, stack, state):
            return Preview(stack, "nothing", stack_id=state.id)
        try:
            created = client.create_change_set(
                StackName=stack.stack_name,
                ChangeSetName=name,
                ChangeSetType="UPDATE" if exists else "CREATE",
                TemplateBody=stack.text,
                Capabilities=list(stack.capabilities),  # type: ignore[arg-type]
                Parameters=_parameters(stack, state, parameters),
                Tags=[{"Key": key, "Value": value} for key, value in stack.tags.items()],
                Description="Created by Moorage",
                DeploymentConfig=_deployment_config(stack),
                **role_argument(stack),
            )
        except ClientError as error:
            if error_code(error) == "ValidationError" and _is_empty(str(error)):
                return Preview(stack, "nothing", stack_id=state.id if state else "")
            refusal = to_aws_error(error)
            if refusal.wrong_usage or refusal.connection:
                raise  # it is not about this stack
            return Preview(stack, _kind(exists), problems=(Problem("error", str(refusal)),))
    change_set, stack_id = created["Id"], created["StackId"]
    while True:
        with aws_errors():
            answer = _describe(client, change_set)
        if answer["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        yield 1
    if answer["Status"] == "CREATE_COMPLETE":
        problems = _read_problems(client, change_set)
        changes = read_changes(answer["Changes"])
        return Preview(stack, _kind(exists), change_set, stack_id, changes, problems)
    kind, problems = _read_failure(client, change_set, answer, _kind(exists))
    delete_change_set(client, change_set)
    return Preview(stack, kind, stack_id=stack_id, problems=problems)


def _read_failure(
    client: CloudFormationClient,
    change_set: str,
    answer: DescribeChangeSetOutputTypeDef,
    kind: Kind,
) -> tuple[Kind, tuple[Problem, ...]]:
    """What a change set that could not be created says: nothing to change, or problems."""
    reason = answer.get("StatusReason", "")
    if _is_empty(reason):
        return "nothing", ()
    problems = _read_problems(client, change_set)
    if not any(problem.level == "error" for problem in problems):
        problems = (*problems, Problem("error", reason or f"Status {answer['Status']}"))
    return kind, problems


def role_argument(stack: DeployStack) -> RoleArgument:
    """The argument of requests that update a stack, with the role that CloudFormation uses."""
    return {"RoleARN": stack.service_role} if stack.service_role else {}


def _deployment_config(stack: DeployStack) -> DeploymentConfigTypeDef:
    """In express mode, a failed creation is only rolled back if this is asked for."""
    if stack.express:
        return {"Mode": "EXPRESS", "DisableRollback": False}
    return {"Mode": "STANDARD"}


def _kind(exists: bool) -> Kind:
    return "update" if exists else "create"


def _is_empty(reason: str) -> bool:
    return any(part in reason for part in _EMPTY)


def _parameters(
    stack: DeployStack, state: StackState | None, given: Mapping[str, str]
) -> list[ParameterTypeDef]:
    """Given values first; otherwise a parameter that the stack has keeps its value, as with
    `aws cloudformation deploy`. A new one has its default."""
    known = state.parameters if state and state.exists else ()
    parameters: list[ParameterTypeDef] = []
    for name in stack.body.get("Parameters", {}):
        if name in given:
            parameters.append({"ParameterKey": name, "ParameterValue": given[name]})
        elif name in known:
            parameters.append({"ParameterKey": name, "UsePreviousValue": True})
    return parameters


def delete_change_set(client: CloudFormationClient, change_set: str) -> None:
    """Deletes a change set that was not executed."""
    with aws_errors():
        client.delete_change_set(ChangeSetName=change_set)


def _describe(client: CloudFormationClient, change_set: str) -> DescribeChangeSetOutputTypeDef:
    """The change set with the changes of all pages."""
    answer = client.describe_change_set(ChangeSetName=change_set, IncludePropertyValues=True)
    changes = list(answer.get("Changes", ()))
    token = answer.get("NextToken")
    while token:
        page = client.describe_change_set(
            ChangeSetName=change_set, IncludePropertyValues=True, NextToken=token
        )
        changes += page.get("Changes", ())
        token = page.get("NextToken")
    return {**answer, "Changes": changes}


# What a change set says ------------------------------------------------------------------------


def read_changes(changes: Iterable[ChangeTypeDef]) -> tuple[ResourceChange, ...]:
    """The changes of resources in a change set, in its order."""
    resources = (change.get("ResourceChange") for change in changes)
    return tuple(_read_change(resource) for resource in resources if resource)


def _read_change(change: ResourceChangeTypeDef) -> ResourceChange:
    details = change.get("Details", [])
    recreating = (
        detail.get("Target", {}).get("Name", "")
        for detail in details
        if detail.get("Target", {}).get("RequiresRecreation") in ("Always", "Conditionally")
    )
    return ResourceChange(
        action=change.get("Action", ""),
        logical_id=change.get("LogicalResourceId", ""),
        type=change.get("ResourceType", ""),
        replacement=change.get("Replacement", "False"),
        properties=_read_properties(change) if change.get("Action") == "Modify" else (),
        recreated_by=tuple(dict.fromkeys(name for name in recreating if name)),
        kept="Retain" in change.get("PolicyAction", ""),
        snapshot=SNAPSHOT in change.get("PolicyAction", ""),
    )


def _read_properties(change: ResourceChangeTypeDef) -> tuple[PropertyChange, ...]:
    """By comparison of the resource before and after, which names every changed value; by the
    change set's own list where it has no context, such as for tags of the stack only."""
    before, after = _context(change.get("BeforeContext")), _context(change.get("AfterContext"))
    causes = _causes(change.get("Details", []))
    if before is not None and after is not None:
        found = compare(before, after)
        if found:
            return tuple(_with_cause(item, causes) for item in found)
    listed = {item.path: item for detail in change.get("Details", []) for item in _listed(detail)}
    return tuple(listed.values())


def _context(text: str | None) -> Mapping[str, Any] | None:
    """The properties and attributes of a resource; None if they cannot be read."""
    try:
        context = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(context, Mapping):
        return None
    properties = context.get("Properties", {})
    rest = {key: value for key, value in context.items() if key != "Properties"}
    return {**properties, **rest} if isinstance(properties, Mapping) else None


def _causes(details: Iterable[ResourceChangeDetailTypeDef]) -> dict[str, str]:
    """The resources that cause changes, by the name of the changed property."""
    sources = ("ResourceReference", "ResourceAttribute")
    return {
        detail.get("Target", {}).get("Name", ""): detail.get("CausingEntity", "").split(".")[0]
        for detail in details
        if detail.get("ChangeSource") in sources
    }


def _with_cause(change: PropertyChange, causes: Mapping[str, str]) -> PropertyChange:
    cause = causes.get(change.path.split(".")[0], "")
    return PropertyChange(change.path, change.before, change.after, cause)


def _listed(detail: ResourceChangeDetailTypeDef) -> Iterator[PropertyChange]:
    target = detail.get("Target", {})
    attribute = target.get("Attribute", "")
    path = target.get("Path", "").removeprefix("/Properties").strip("/").replace("/", ".")
    name = path or target.get("Name", "") or attribute
    values = (target.get("BeforeValue"), target.get("AfterValue"))
    keys = tuple(name.split("."))
    before, after = (None if value is None else value_text(value, keys) for value in values)
    if name:
        yield PropertyChange(name, before, after)


def _read_problems(client: CloudFormationClient, change_set: str) -> tuple[Problem, ...]:
    """What the validation of a change set found (CloudFormation user guide, "Validate stack
    deployments"). Without access to it, the deployment finds it out."""
    try:
        pages = client.get_paginator("describe_events").paginate(ChangeSetName=change_set)
        events = [event for page in pages for event in page.get("OperationEvents", ())]
    except ClientError:
        return ()
    return tuple(to_problem(event) for event in events if _is_problem(event))


def _is_problem(event: OperationEventTypeDef) -> bool:
    kinds = ("VALIDATION_ERROR", "HOOK_INVOCATION_ERROR")
    return event.get("EventType") in kinds and event.get("ValidationStatus") != "SKIPPED"


def to_problem(event: OperationEventTypeDef) -> Problem:
    """An event of a validation as a problem."""
    reason = event.get("ValidationStatusReason") or event.get("HookStatusReason") or ""
    mode = event.get("ValidationFailureMode") or event.get("HookFailureMode")
    name = event.get("ValidationName") or event.get("HookType") or "validation"
    return Problem(
        "warning" if mode == "WARN" else "error",
        reason or f"{name} failed",
        event.get("LogicalResourceId", ""),
        event.get("ValidationPath", ""),
    )
