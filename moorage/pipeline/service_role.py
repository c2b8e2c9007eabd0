"""Whether the service role of an environment allows what CloudFormation needs for the other stacks.

The answer comes from the rendered templates, with the user's overrides, and from the analysis of
policies that the rules use.
"""

from __future__ import annotations

from moorage.cfn.deployment_permissions import Need, build_view, find_missing, find_needs
from moorage.findings.finding import Finding, Path
from moorage.pipeline.document import Document
from moorage.plan import Plan

_SHOWN = 3


def check_service_role(plan: Plan, document: Document) -> list[Finding]:
    """A finding for each stack for which the role lacks permissions."""
    owner = plan.service_role_stack
    if owner is None or owner.deployment.service_role is None:
        return []
    view = build_view({stack.name: stack.rendering.body for stack in plan.stacks})
    stacks = {stack.name: stack for stack in view.stacks}
    role = stacks.pop(owner.name).resources.get(owner.deployment.service_role.logical_id)
    path: Path = ("stacks", owner.name)
    place = document.place(path)
    if role is None:
        message = "The template has no service role any more"
        hint = "Remove the part of `overrides` that deletes it."
        return [Finding("M3906", "error", place, path, message, hint)]
    names = {stack.name: stack.stack_name for stack in plan.stacks}
    missing: dict[str, list[Need]] = {}
    for need in find_missing(role, find_needs(stacks.values(), names)):
        missing.setdefault(need.stack.name, []).append(need)
    return [
        Finding("M3906", "error", place, path, *_texts(stack, needs))
        for stack, needs in missing.items()
    ]


def _texts(stack: str, needs: list[Need]) -> tuple[str, str]:
    """Message and hint."""
    first = {need.permission: need for need in reversed(needs)}
    lines = [_describe(first[permission]) for permission in sorted(first)]
    more = len(lines) - _SHOWN
    shown = [*lines[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    message = f"The service role does not allow what the stack `{stack}` needs: {', '.join(shown)}"
    return message, "Remove the part of `overrides` that takes it away, or allow it there again."


def _describe(need: Need) -> str:
    used = f" for `{need.resource.id}`" if need.resource is not None else ""
    return f"{need.permission.action}{used}"
