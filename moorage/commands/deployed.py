"""What the commands share that read from AWS what is deployed."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moorage.commands.environments import load_templates
from moorage.commands.usage import UsageError, find_environments, unknown_name

if TYPE_CHECKING:  # imported in functions: pydantic and cfn-lint are slow
    from moorage.pipeline.document import Document


@dataclass(frozen=True)
class Deployed:
    """The names of an environment's stacks in CloudFormation, and its params."""

    region: str
    stack_names: dict[str, str]
    """By the stacks' names in the params."""
    document: Document


def find_deployed(arguments: argparse.Namespace) -> Deployed | str:
    """The stacks of the environment that the arguments name, or the findings as text if its params
    cannot be read. Mistakes in the params of a stack do not matter: it can be deployed."""
    known = find_environments(arguments.params)
    if arguments.env not in known:
        raise unknown_name(arguments.env, "not an environment", known)
    from moorage.findings.report import text
    from moorage.pipeline.load import load
    from moorage.pipeline.validate import validate

    document, findings = load(arguments.params, arguments.env)
    if document is None:
        return text(findings)
    environment, more = validate(document, load_templates(arguments))
    if environment is None:
        return text([*findings, *more])
    names = {*environment.stacks, *environment.broken}
    stacks = {name: environment.stack_name(name) for name in sorted(names)}
    return Deployed(environment.region, stacks, document)


def check_stack(stack: str, deployed: Deployed, env: str) -> None:
    """Raises UsageError unless the environment has the stack."""
    if stack not in deployed.stack_names:
        near = difflib.get_close_matches(stack, deployed.stack_names, n=1)
        names = ", ".join(deployed.stack_names)
        hint = f"Did you mean `{near[0]}`?" if near else f"Stacks: {names}."
        raise UsageError(f"`{stack}` is not a stack of {env}. {hint}")
