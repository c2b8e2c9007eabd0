"""What the commands share that read from AWS what is deployed."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from moorage.commands.environments import load_templates, split_preview
from moorage.commands.usage import find_environments, unknown_name, unknown_stack
from moorage.records import record

if TYPE_CHECKING:  # imported in functions: pydantic and cfn-lint are slow
    from moorage.pipeline.document import Document


@record
class Deployed:
    """The names of an environment's stacks in CloudFormation, and its params."""

    region: str
    stack_names: dict[str, str]
    """By the stacks' names in the params."""
    document: Document
    role: str | None = None
    """ARN of the role to assume."""

    def role_for(self, names: Collection[str]) -> str | None:
        """ARN of the role to assume for a command about these stacks."""
        return self.role

    @property
    def has_targets(self) -> bool:
        """Whether StackSets deploys the environment."""
        return self.document.data.get("targets") is not None

    @property
    def account(self) -> str | None:
        """The account that the environment belongs to, if the params say so."""
        account = self.document.data.get("account")
        return account if isinstance(account, str) else None

    def find_cluster(self, stack: str) -> tuple[str, str]:
        """The cluster of a stack's tasks: its name if it exists already, or its stack's name in
        CloudFormation; empty where they are not known."""
        stacks: Mapping[str, Any] = self.document.data["stacks"]
        clusters = [name for name, each in stacks.items() if _kind(name, each) == "cluster"]
        own = stacks.get(stack)
        chosen = own.get("cluster") if isinstance(own, Mapping) else None
        if chosen is None and len(clusters) == 1:
            (chosen,) = clusters
        if chosen not in clusters:
            return "", ""
        existing = (stacks[chosen] or {}).get("existing")
        if isinstance(existing, Mapping):
            return str(existing.get("name", "")), ""
        return "", self.stack_names.get(chosen, "")


def _kind(name: str, params: Any) -> Any:
    return params.get("template", name) if isinstance(params, Mapping) else name


def find_deployed(arguments: argparse.Namespace) -> Deployed | str:
    """The stacks of the environment that the arguments name, or the findings as text if their names
    or the region are not known. Other mistakes in the params do not matter: the stacks can be
    deployed nevertheless."""
    known = find_environments(arguments.params)
    env, preview = split_preview(arguments.env, arguments.params)
    if env not in known:
        raise unknown_name(arguments.env, "not an environment", known)
    from moorage.findings.report import text
    from moorage.model import NAME, Environment, GivenValues
    from moorage.pipeline.header import REGION, ROLE_ARN
    from moorage.pipeline.load import load
    from moorage.pipeline.validate import validate

    document, findings = load(arguments.params, env, GivenValues(preview=preview))
    if document is None:
        return text(findings)
    app, region, role, stacks = map(document.data.get, ("app", "region", "role", "stacks"))
    if (
        not (isinstance(app, str) and NAME.fullmatch(app))
        or not (isinstance(region, str) and REGION.fullmatch(region))
        or not (role is None or (isinstance(role, str) and ROLE_ARN.fullmatch(role)))
        or not isinstance(stacks, Mapping)
    ):
        _, more = validate(document, load_templates(arguments))
        return text([*findings, *more])
    shares = document.data.get("shares")
    shared = (
        {str(name): str(shares.get("env")) for name in shares.get("stacks") or ()}
        if isinstance(shares, Mapping)
        else {}
    )
    environment = Environment(document.env, app, region, None, {}, None, {}, shared=shared)
    names = sorted(name for name in stacks if isinstance(name, str) and NAME.fullmatch(name))
    stack_names = {name: environment.stack_name(name) for name in names}
    return Deployed(region, stack_names, document, role)


def check_stack(stack: str, deployed: Deployed, env: str) -> None:
    """Raises UsageError unless the environment has the stack."""
    if stack not in deployed.stack_names:
        raise unknown_stack(stack, env, deployed.stack_names)
