"""What a deployment does with stack sets: compared with what CloudFormation has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from cfnlint.decode.decode import decode_str

from moorage.deploy.change_sets import Replacement, ResourceChange
from moorage.deploy.guards import find_owner
from moorage.deploy.property_changes import compare
from moorage.deploy.stack_sets.requests import (
    Group,
    auto_deployment,
    desired_groups,
    merge_regions,
)
from moorage.deploy.stack_sets.state import Instance, StackSet
from moorage.deploy.target import DeployStack, Target
from moorage.facts.deletion_policies import KEEPING
from moorage.model import Targets
from moorage.records import record
from moorage.update.compare import make_comparison

MANAGED_EXECUTION = "managed execution"
"""The setting that CloudFormation changes in an operation of its own."""


@record
class SetPlan:
    """What a deployment does with a stack set."""

    stack: DeployStack
    before: StackSet | None
    """None if it is created."""
    changes: tuple[ResourceChange, ...] = ()
    settings: tuple[str, ...] = ()
    """What changes besides the template, such as `tags`."""
    outdated: tuple[Instance, ...] = ()
    """Stacks that the last operation has not brought up to date."""
    added: tuple[Group, ...] = ()
    removed: tuple[Group, ...] = ()
    problems: tuple[str, ...] = ()
    """Why it cannot be deployed."""
    text_changes: bool = False
    """Whether the template changes, be it only in a comment or an output."""

    @property
    def kind(self) -> Literal["create", "update", "nothing"]:
        if self.before is None:
            return "create"
        changes = self.updates or self.switches or self.added or self.removed
        return "update" if changes else "nothing"

    @property
    def updates(self) -> bool:
        """Whether the stacks that exist are updated."""
        settings = {*self.settings} - {MANAGED_EXECUTION}
        return self.before is not None and bool(self.text_changes or self.outdated or settings)

    @property
    def switches(self) -> bool:
        """Whether managed execution is turned on or off."""
        return MANAGED_EXECUTION in self.settings


Members = Mapping[str, Collection[str]]
"""Accounts by their organizational units, as far as they are known."""


def plan_stack_sets(
    target: Target, existing: Mapping[str, StackSet], members: Members
) -> list[SetPlan]:
    """The plans of all stacks of a target, in the order of their deployment."""
    assert target.targets is not None
    return [
        plan_stack_set(
            stack, target.targets, existing.get(stack.stack_name), target.region, members
        )
        for stack in target.stacks
    ]


def plan_stack_set(
    stack: DeployStack,
    targets: Targets,
    before: StackSet | None,
    region: str,
    members: Members,
) -> SetPlan:
    """What a deployment does with one stack set."""
    if before is None:
        return SetPlan(
            stack, None, added=(desired_groups(targets),), changes=(*_additions(stack.body),)
        )
    text_changes = before.text.rstrip() != stack.text.rstrip()
    return SetPlan(
        stack,
        before,
        changes=compare_texts(before.text, stack.text, region) if text_changes else (),
        settings=tuple(_changed_settings(stack, targets, before)),
        outdated=tuple(item for item in before.instances if not item.current),
        added=tuple(_added(targets, before, members)),
        removed=tuple(_removed(targets, before)),
        problems=tuple(_problems(stack, targets, before)),
        text_changes=text_changes,
    )


def _problems(stack: DeployStack, targets: Targets, before: StackSet) -> Iterator[str]:
    ours = "SERVICE_MANAGED" if targets.service_managed else "SELF_MANAGED"
    if before.permission_model != ours and before.instances:
        yield (
            f"the stack set is {before.permission_model}, and `targets` needs {ours}. "
            "CloudFormation changes that only while it has no stacks: `moorage destroy` first"
        )
    if owner := find_owner(stack, before.tags):
        yield f"the stack set belongs to {owner}. Rename `app`, the environment or the stack"
    for item in before.instances:
        if item.status == "INOPERABLE":
            yield (
                f"the stack in {item.place} is INOPERABLE: its deletion failed, and StackSets no "
                "longer updates it. Remove it from the stack set with `aws cloudformation "
                f"delete-stack-instances --retain-stacks`, then delete the stack itself"
            )


def _changed_settings(stack: DeployStack, targets: Targets, before: StackSet) -> Iterator[str]:
    if dict(before.tags) != dict(stack.tags):
        yield "tags"
    settings = before.settings
    managed = settings.get("ManagedExecution", {}).get("Active", False)
    if managed != targets.managed_execution:
        yield MANAGED_EXECUTION
    if targets.service_managed:
        wanted = auto_deployment(targets)["AutoDeployment"]
        found = settings.get("AutoDeployment", {})
        if any(found.get(key, False) != value for key, value in wanted.items()):
            yield "automatic deployment"
    elif targets.administration_role not in (None, settings.get("AdministrationRoleARN")):
        yield "administration role"
    elif targets.execution_role not in (None, settings.get("ExecutionRoleName")):
        yield "execution role"


# Accounts and regions --------------------------------------------------------------------------


def _added(targets: Targets, before: StackSet, members: Members) -> Iterator[Group]:
    """Where `targets` wants stacks that are not there."""
    there = {(item.account, item.region) for item in before.instances}
    if not targets.service_managed:
        missing = {
            region: tuple(name for name in targets.accounts if (name, region) not in there)
            for region in targets.regions
        }
        for regions, accounts in merge_regions(missing, targets.regions):
            yield Group(regions, accounts)
        return
    chosen = desired_groups(targets)
    through = {(item.unit, item.region) for item in before.instances}
    # A unit without accounts has no stacks, but the stack set knows it.
    empty = {*before.units} - {unit for unit, _ in through}
    missing = {
        region: tuple(
            unit
            for unit in targets.organizational_units
            if (unit, region) not in through and unit not in empty
        )
        for region in targets.regions
    }
    for regions, units in merge_regions(missing, targets.regions):
        yield Group(regions, chosen.accounts, units, chosen.filter)
    for unit in targets.organizational_units:
        wanted = sorted(name for name in members.get(unit, ()) if _is_chosen(name, targets))
        lacking = {
            region: tuple(name for name in wanted if (name, region) not in there)
            for region in targets.regions
            if unit not in missing[region]
        }
        for regions, accounts in merge_regions(lacking, targets.regions):
            yield Group(regions, accounts, (unit,), "INTERSECTION")


def _is_chosen(account: str, targets: Targets) -> bool:
    """Whether the filter of the accounts in organizational units lets an account through."""
    if not targets.accounts:
        return True
    return (account in targets.accounts) == (targets.account_filter == "intersection")


def _removed(targets: Targets, before: StackSet) -> Iterator[Group]:
    """Where there are stacks that `targets` no longer wants."""
    return group_instances([item for item in before.instances if not _is_wanted(item, targets)])


def _is_wanted(item: Instance, targets: Targets) -> bool:
    if item.region not in targets.regions:
        return False
    if not targets.service_managed:
        return item.account in targets.accounts
    if not item.unit:  # a suspended account has left its unit, and nothing can be deleted there
        return True
    if item.unit not in targets.organizational_units:
        return False
    return _is_chosen(item.account, targets)


def group_instances(instances: Sequence[Instance]) -> Iterator[Group]:
    """Groups of just these stacks, with as few operations as possible."""
    order = list(dict.fromkeys(sorted(item.region for item in instances)))
    for unit in dict.fromkeys(item.unit for item in instances):
        by_region = {
            region: tuple(
                item.account for item in instances if (item.unit, item.region) == (unit, region)
            )
            for region in order
        }
        for regions, accounts in merge_regions(by_region, order):
            if unit:
                yield Group(regions, accounts, (unit,), "INTERSECTION")
            else:
                yield Group(regions, accounts)


# Templates -------------------------------------------------------------------------------------


def compare_texts(old: str, new: str, region: str) -> tuple[ResourceChange, ...]:
    """What changes from one template to another: StackSets has no change sets."""
    (before, errors), (after, more) = decode_str(old), decode_str(new)
    if errors or more:
        return ()
    comparison = make_comparison({"": ("", old)}, {"": ("", new)}, region)
    causes = {found.id: cause for found, (_, cause) in comparison.replacements.items()}
    return tuple(_changes(before.get("Resources", {}), after.get("Resources", {}), causes))


def _additions(body: Mapping[str, Any]) -> Iterator[ResourceChange]:
    for name, resource in body.get("Resources", {}).items():
        yield ResourceChange("Add", name, resource["Type"])


def _changes(
    old: Mapping[str, Any], new: Mapping[str, Any], causes: Mapping[str, str]
) -> Iterator[ResourceChange]:
    for name, resource in new.items():
        kind = resource["Type"]
        if name not in old:
            yield ResourceChange("Add", name, kind)
            continue
        properties = compare(old[name].get("Properties", {}), resource.get("Properties", {}))
        cause = causes.get(name)
        if properties or cause:
            replaced: Replacement = "True" if cause else "False"
            kept = old[name].get("UpdateReplacePolicy") in KEEPING
            recreated_by = (cause,) if cause else ()
            yield ResourceChange("Modify", name, kind, replaced, properties, recreated_by, kept)
    for name, resource in old.items():
        if name not in new:
            kept = resource.get("DeletionPolicy") in KEEPING
            yield ResourceChange("Remove", name, resource["Type"], kept=kept)


def kept_resources(text: str) -> Iterable[tuple[str, str]]:
    """Logical ID and type of what stays when the stacks of a template are deleted."""
    body, errors = decode_str(text)
    resources = {} if errors else body.get("Resources", {})
    return [
        (name, resource["Type"])
        for name, resource in resources.items()
        if resource.get("DeletionPolicy") in KEEPING
    ]
