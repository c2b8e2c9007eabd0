"""What CloudFormation has: the state of stacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from moorage.deploy.aws import aws_errors
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

REVIEW = "REVIEW_IN_PROGRESS"
"""The status of a stack that has nothing but a change set."""
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
"""The status of a stack whose last update succeeded."""


@record
class Output:
    """An output of a stack."""

    key: str
    value: str
    description: str = ""
    export: str | None = None


@record
class StackState:
    """A stack that CloudFormation has."""

    stack_name: str
    id: str
    status: str
    reason: str = ""
    protected: bool = False
    """Whether its termination protection is on."""
    outputs: tuple[Output, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values of its parameters by their names."""
    changed: datetime | None = None
    drift: str = "NOT_CHECKED"
    nested: bool = False
    """Whether it is a resource of another stack, with the tags of that one."""

    @property
    def exists(self) -> bool:
        """Whether it has been created: a change set alone is no stack yet."""
        return self.status != REVIEW

    @property
    def in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW


def read_states(client: CloudFormationClient) -> dict[str, StackState]:
    """All stacks of the account and region by their names. One request answers for many stacks,
    while a request for each stack of an environment is soon throttled."""
    with aws_errors():
        pages = client.get_paginator("describe_stacks").paginate()
        states = [to_state(stack) for page in pages for stack in page["Stacks"]]
    return {state.stack_name: state for state in states if state.status != "DELETE_COMPLETE"}


def read_state(client: CloudFormationClient, stack_id: str) -> StackState:
    """A stack by its ID, also if it has been deleted."""
    with aws_errors():
        return to_state(client.describe_stacks(StackName=stack_id)["Stacks"][0])


def to_state(stack: StackTypeDef) -> StackState:
    """The state in an answer of DescribeStacks."""
    outputs = (
        Output(
            output.get("OutputKey", ""),
            output.get("OutputValue", ""),
            output.get("Description", ""),
            output.get("ExportName"),
        )
        for output in stack.get("Outputs", ())
    )
    return StackState(
        stack_name=stack["StackName"],
        id=stack.get("StackId", stack["StackName"]),
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        protected=stack.get("EnableTerminationProtection", False),
        outputs=tuple(outputs),
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())},
        parameters={
            item.get("ParameterKey", ""): item.get("ParameterValue", "")
            for item in stack.get("Parameters", ())
        },
        changed=stack.get("LastUpdatedTime") or stack.get("CreationTime"),
        drift=stack.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED"),
        nested="ParentId" in stack,
    )


def exports_of(states: Collection[StackState]) -> frozenset[str]:
    """The names that the stacks export."""
    return frozenset(output.export for state in states for output in state.outputs if output.export)
