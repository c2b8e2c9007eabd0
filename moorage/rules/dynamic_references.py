"""Dynamic references that CloudFormation cannot resolve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn.stack import Stack
from moorage.cfn.values import Unknown
from moorage.cfn.view import View
from moorage.facts.dynamic_references import MAX_DYNAMIC_REFERENCES
from moorage.rules.rule import Problem, problem, rule

_REFERENCE = "{{resolve:"
_SPLIT = "Fn::Split"


@rule(
    "E9981",
    "Fn::Split splits a dynamic reference.",
    error_messages=("Template error: Fn::Select cannot select nonexistent value at index ...",),
    fix="Use a parameter of the template, of the type `AWS::SSM::Parameter::Value<...>`.",
    sources=("aws-cloudformation/cfn-lint#2181", "aws/aws-cdk#14476"),
)
def split_dynamic_reference(view: View) -> Iterator[Problem]:
    """CloudFormation evaluates functions before it replaces a dynamic reference by its value, so
    the function splits the text of the reference."""
    for stack in view.stacks:
        for resource in stack.resources.values():
            for call in stack.calls_in_properties(resource.id):
                if call.name != _SPLIT or not isinstance(call.argument, list):
                    continue
                split, path = call.argument, call.path
                source = split[-1] if split else None
                if isinstance(source, str) and source.startswith(_REFERENCE):
                    yield problem(
                        stack.node(split, (*path, _SPLIT))[len(split) - 1],
                        f"In `{resource.id}`, `Fn::Split` splits the text of the dynamic reference "
                        f"`{source}`, and not its value",
                        "Use a parameter of the type `AWS::SSM::Parameter::Value<...>` instead of "
                        "the dynamic reference.",
                    )


@rule(
    "E9982",
    f"A template has more than {MAX_DYNAMIC_REFERENCES} dynamic references.",
    fix="Use parameters of the template, exports, or two stacks.",
    sources=(
        "AWS CloudFormation user guide: Get values stored in other services using dynamic "
        "references",
    ),
)
def too_many_dynamic_references(view: View) -> Iterator[Problem]:
    """CloudFormation resolves a limited number of dynamic references in a template."""
    for stack in view.stacks:
        if not stack.template.may_have_dynamic_references:
            continue
        body = stack.template.body
        count = sum(_count_references(stack, body.get(key)) for key in ("Resources", "Outputs"))
        if count > MAX_DYNAMIC_REFERENCES:
            yield problem(
                stack.node(body.get("Resources"), ("Resources",)),
                f"The template has {count} dynamic references, and CloudFormation resolves "
                f"{MAX_DYNAMIC_REFERENCES}",
                "Use parameters of the template, exports, or two stacks.",
            )


def _count_references(stack: Stack, raw: Any) -> int:
    if isinstance(raw, str):
        return raw.count(_REFERENCE)
    node = stack.node(raw, ())
    value = node.value
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, list):
        return sum(_count_references(stack, item) for item in value)
    texts = (part.token if isinstance(part, Unknown) else part for part in node.parts)
    return sum(text.count(_REFERENCE) for text in texts if isinstance(text, str))


RULES = (split_dynamic_reference, too_many_dynamic_references)
