"""What `targets:` means in requests to CloudFormation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from moorage.deploy.target import DeployStack
from moorage.model import Share, Targets
from moorage.records import record


@record
class Group:
    """Accounts and regions that one operation creates or deletes stacks in."""

    regions: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    """Organizational units; then `accounts` are those that `filter` says."""
    filter: Literal["", "INTERSECTION", "DIFFERENCE"] = ""

    @property
    def request(self) -> dict[str, Any]:
        regions = list(self.regions)
        if not self.units:
            return {"Accounts": list(self.accounts), "Regions": regions}
        chosen: dict[str, Any] = {"OrganizationalUnitIds": list(self.units)}
        if self.filter:
            chosen |= {"Accounts": list(self.accounts), "AccountFilterType": self.filter}
        return {"DeploymentTargets": chosen, "Regions": regions}


def call_as(targets: Targets) -> dict[str, Any]:
    """Who asks: part of every request. The default is left out."""
    return {"CallAs": "DELEGATED_ADMIN"} if targets.call_as == "delegated_admin" else {}


def operation_preferences(targets: Targets, regions: Collection[str]) -> dict[str, Any]:
    """In which order and how fast an operation goes through some regions, and when it stops.
    Regions that `targets` no longer has come last."""
    order = [region for region in targets.regions if region in regions]
    order += sorted({*regions} - {*order})
    mode = "STRICT" if targets.concurrency_mode == "strict" else "SOFT"
    return {
        "OperationPreferences": {
            "RegionConcurrencyType": targets.region_concurrency.upper(),
            "RegionOrder": order,
            **_share("MaxConcurrent", targets.max_concurrent),
            **_share("FailureTolerance", targets.failure_tolerance),
            "ConcurrencyMode": f"{mode}_FAILURE_TOLERANCE",
        }
    }


def _share(name: str, share: Share) -> dict[str, int]:
    return {f"{name}{'Percentage' if share.is_percentage else 'Count'}": share.value}


def stack_set_request(
    stack: DeployStack, targets: Targets, depends_on: Iterable[str] = ()
) -> dict[str, Any]:
    """What CreateStackSet and UpdateStackSet share. `depends_on` are the ARNs of the stack sets
    that are deployed before this one."""
    return {
        "StackSetName": stack.stack_name,
        "TemplateBody": stack.text,
        "Capabilities": list(stack.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        **permissions(targets),
        **auto_deployment(targets, depends_on),
        **call_as(targets),
    }


def execution_request(targets: Targets) -> dict[str, Any]:
    """Whether operations that do not conflict run at once."""
    return {"ManagedExecution": {"Active": targets.managed_execution}}


def permissions(targets: Targets) -> dict[str, Any]:
    """The permission model, and its roles."""
    if targets.service_managed:
        return {"PermissionModel": "SERVICE_MANAGED"}
    roles = {
        "AdministrationRoleARN": targets.administration_role,
        "ExecutionRoleName": targets.execution_role,
    }
    return {"PermissionModel": "SELF_MANAGED"} | {k: v for k, v in roles.items() if v is not None}


def auto_deployment(targets: Targets, depends_on: Iterable[str] = ()) -> dict[str, Any]:
    """Whether accounts that join an organizational unit get the stacks, and in which order."""
    if not targets.service_managed:
        return {}
    if not targets.auto_deployment:
        return {"AutoDeployment": {"Enabled": False}}
    arns = list(depends_on)
    return {
        "AutoDeployment": {
            "Enabled": True,
            "RetainStacksOnAccountRemoval": targets.retain_stacks,
            **({"DependsOn": arns} if arns else {}),
        }
    }


def desired_groups(targets: Targets) -> Group:
    """Everything that `targets` names."""
    if not targets.service_managed:
        return Group(targets.regions, targets.accounts)
    chosen = targets.account_filter.upper() if targets.accounts else ""
    return Group(
        targets.regions,
        targets.accounts,
        targets.organizational_units,
        chosen,  # type: ignore[arg-type]
    )


def merge_regions(
    wanted: Mapping[str, tuple[str, ...]], order: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Accounts or units by region -> (regions, accounts or units), with the regions together that
    have the same ones, in their order.

    >>> list(merge_regions({"b": ("1",), "a": ("1",), "c": ("1", "2")}, "abc"))
    [(('a', 'b'), ('1',)), (('c',), ('1', '2'))]
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for region in order:
        if names := wanted.get(region, ()):
            together.setdefault(names, []).append(region)
    for names, regions in together.items():
        yield tuple(regions), names
