"""What CloudFormation has: stack sets, and their stacks in accounts and regions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from moorage.deploy.aws import aws_errors
from moorage.facts.stack_sets import RUNNING, SUSPENDED
from moorage.records import record

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackInstanceSummaryTypeDef


@record
class Instance:
    """A stack of a stack set, in one account and region."""

    account: str
    region: str
    status: str
    """`CURRENT`, `OUTDATED` or `INOPERABLE`."""
    detail: str = ""
    """The result of the last operation for it, such as `SUCCEEDED`."""
    reason: str = ""
    drift: str = "NOT_CHECKED"
    unit: str = ""
    """The organizational unit that it was deployed through."""
    operation: str = ""
    """The ID of the last operation."""

    @property
    def place(self) -> str:
        return f"{self.account} {self.region}"

    @property
    def current(self) -> bool:
        """Whether there is nothing to do: it is up to date, or its account is suspended."""
        if self.detail == SUSPENDED:
            return True
        return self.status == "CURRENT" and self.detail in ("SUCCEEDED", "")


@record
class StackSet:
    """A stack set that exists."""

    name: str
    arn: str
    text: str
    """The template."""
    tags: Mapping[str, str]
    instances: tuple[Instance, ...] = ()
    """By account and region."""
    permission_model: str = "SELF_MANAGED"
    units: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Roles, automatic deployment and managed execution, as CloudFormation returns them."""
    under_way: str = ""
    """The ID of an operation that has not ended."""


def list_stack_sets(client: CloudFormationClient, caller: Mapping[str, Any]) -> frozenset[str]:
    """The names of all stack sets of the account and region."""
    with aws_errors():
        pages = client.get_paginator("list_stack_sets").paginate(Status="ACTIVE", **caller)
        return frozenset(
            item["StackSetName"]
            for page in pages
            for item in page["Summaries"]
            if item.get("Status") == "ACTIVE" and "StackSetName" in item
        )


def read_stack_sets(
    client: CloudFormationClient, names: Collection[str], caller: Mapping[str, Any]
) -> dict[str, StackSet]:
    """The stack sets of these names that exist. Three requests for each, and one for the list."""
    existing = list_stack_sets(client, caller)
    return {
        name: read_stack_set(client, name, caller) for name in sorted(names) if name in existing
    }


def read_stack_set(client: CloudFormationClient, name: str, caller: Mapping[str, Any]) -> StackSet:
    """One stack set."""
    with aws_errors():
        found = client.describe_stack_set(StackSetName=name, **caller)["StackSet"]
        pages = client.get_paginator("list_stack_instances").paginate(StackSetName=name, **caller)
        instances = [to_instance(item) for page in pages for item in page["Summaries"]]
        operations = client.list_stack_set_operations(StackSetName=name, **caller)["Summaries"]
    running = [item["OperationId"] for item in operations if item.get("Status") in RUNNING]
    keys = ("AdministrationRoleARN", "ExecutionRoleName", "AutoDeployment", "ManagedExecution")
    return StackSet(
        name=name,
        arn=found.get("StackSetARN", ""),
        text=found.get("TemplateBody", ""),
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", ())},
        instances=tuple(sorted(instances, key=lambda item: (item.account, item.region))),
        permission_model=found.get("PermissionModel", "SELF_MANAGED"),
        units=tuple(found.get("OrganizationalUnitIds", ())),
        settings={key: value for key, value in found.items() if key in keys},
        under_way=running[0] if running else "",
    )


def to_instance(item: StackInstanceSummaryTypeDef) -> Instance:
    """A stack in an answer of ListStackInstances."""
    return Instance(
        account=item.get("Account", ""),
        region=item.get("Region", ""),
        status=item.get("Status", ""),
        detail=item.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
        reason=item.get("StatusReason", ""),
        drift=item.get("DriftStatus", "NOT_CHECKED"),
        unit=item.get("OrganizationalUnitId", ""),
        operation=item.get("LastOperationId", ""),
    )
