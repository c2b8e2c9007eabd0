"""Blue/green deployments with the CodeDeploy hook: templates with AWS::CodeDeployBlueGreen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.nodes import Node
from moorage.cfn.stack import Stack
from moorage.cfn.values import OneOf, Path, Unknown
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

TRANSFORM = "AWS::CodeDeployBlueGreen"
HOOK = "AWS::CodeDeploy::BlueGreen"
TASK_SET = "AWS::ECS::TaskSet"


@rule(
    "E9340",
    "A template with the CodeDeploy hook contains what the hook does not support.",
    error_messages=(
        'Transform AWS::CodeDeployBlueGreen failed with: Failed to parse the "Hooks" section for '
        "the provided template. Please ensure the AWS::CodeDeploy::BlueGreen Hook matches the "
        "expected schema.",
        "'CodeDeployBlueGreenHook' of type AWS::CodeDeploy::BlueGreen failed with message: "
        "Internal Failure",
    ),
    fix="Move outputs and nested stacks to another template, replace imports with parameters, pass "
    "secrets in Secrets, write a Weight for each target group, and name resources in Hooks by "
    "their logical IDs.",
    sources=(
        "AWS docs: Perform ECS blue/green deployments through CodeDeploy using CloudFormation",
        "https://repost.aws/knowledge-center/cloudformation-blue-green-errors",
        "aws-cloudformation/cloudformation-coverage-roadmap#821",
        "aws-cloudformation/cloudformation-coverage-roadmap#483",
    ),
    failure_ids=(
        "cd-hook-template-with-outputs",
        "cd-hook-forward-config-without-weight",
        "cd-hook-wrong-logical-id",
    ),
)
def unsupported_by_hook(view: View) -> Iterator[Problem]:
    """With the transform AWS::CodeDeployBlueGreen, CloudFormation adds the green resources to the
    template. Such a template can have no outputs, imports and nested stacks, and no dynamic
    references and NoEcho parameters in the task definition and task set that are copied. The Hooks
    section names resources by their logical IDs, and the weights that the hook shifts must be
    written."""
    for stack in view.stacks:
        if TRANSFORM in [transform.text for transform in _section(stack, "Transform").as_list]:
            yield from _unsupported_sections(stack)
            yield from _unsupported_values(stack)
            yield from _missing_weights(stack)
            yield from _wrong_logical_ids(stack)


def _section(stack: Stack, name: str) -> Node:
    return stack.node(stack.template.body, ())[name]


# What the template cannot contain ------------------------------------------------------------


def _unsupported_sections(stack: Stack) -> Iterator[Problem]:
    if _section(stack, "Outputs").entries:
        yield problem(
            _section(stack, "Outputs"),
            f"A template with {TRANSFORM} cannot have Outputs",
            "Move the outputs to another template.",
        )
    for path, value in _walk(stack.template.body, ()):
        if path[-1:] == ("Fn::ImportValue",) and path[:1] != ("Outputs",):
            yield problem(
                stack.node(value, path),
                f"A template with {TRANSFORM} cannot import values",
                "Replace the import with a parameter.",
            )
    for resource in stack.resources.values():
        if resource.type == "AWS::CloudFormation::Stack":
            yield problem(
                resource,
                f"A template with {TRANSFORM} cannot have nested stacks",
                f"Move `{resource.id}` to another template.",
            )


def _unsupported_values(stack: Stack) -> Iterator[Problem]:
    for resource in stack.resources.values():
        if resource.type not in (ecs.TASK_DEFINITION, TASK_SET):
            continue
        for node in _leaves(resource.props):
            kind = _unsupported_kind(node)
            if kind is not None:
                yield problem(
                    node,
                    f"{TRANSFORM} copies `{resource.id}`, which cannot contain {kind}",
                    "Pass the value to the container in Secrets.",
                )


def _unsupported_kind(node: Node) -> str | None:
    """`dynamic references` or `NoEcho parameters`, if a value contains them."""
    texts = (part.token if isinstance(part, Unknown | OneOf) else part for part in node.parts)
    if any(isinstance(text, str) and "{{resolve:" in text for text in texts):
        return "dynamic references"
    no_echo = {
        name
        for name, body in node.stack.template.section("Parameters").items()
        if str(body.get("NoEcho")).lower() == "true"
    }
    for path, value in _walk(node.raw, ()) if no_echo else ():
        if isinstance(value, str):
            names = {value} if path[-1:] == ("Ref",) else set(re.findall(r"\$\{([^}]+)\}", value))
            if names & no_echo:
                return "NoEcho parameters"
    return None


def _leaves(node: Node) -> Iterator[Node]:
    """The values inside a property that contain no other values."""
    todo = [node]
    while todo:
        current = todo.pop()
        children = (*current.items, *(child for _, child in current.entries))
        todo += children
        if not children:
            yield current


# Weights -------------------------------------------------------------------------------------


def _missing_weights(stack: Stack) -> Iterator[Problem]:
    for resource in stack.resources.values():
        if resource.type not in (ecs.LISTENER, ecs.LISTENER_RULE):
            continue
        for action in ecs.actions(resource).items:
            for target_group in action["ForwardConfig"]["TargetGroups"].items:
                if not target_group.unknown and target_group["Weight"].absent:
                    yield problem(
                        target_group["Weight"],
                        f"`{resource.id}` forwards to a target group without Weight, so the hook "
                        f"fails when it shifts traffic",
                        "Write `Weight: 1` for the target group in use and `Weight: 0` for the "
                        "other one.",
                    )


# Logical IDs ---------------------------------------------------------------------------------


def _wrong_logical_ids(stack: Stack) -> Iterator[Problem]:
    for _, hook in _section(stack, "Hooks").entries:
        if hook["Type"].text != HOOK:
            continue
        for application in hook["Properties"]["Applications"].items:
            for node, resource_type in _required_ids(application):
                yield from _wrong_logical_id(stack, node, resource_type)


def _required_ids(application: Node) -> Iterator[tuple[Node, str]]:
    """The properties of a hook's application that must be logical IDs, with the type of each
    resource."""
    attributes = application["ECSAttributes"]
    routing = attributes["TrafficRouting"]
    yield application["Target"]["LogicalID"], ecs.SERVICE
    yield attributes["TaskDefinitions"][0], ecs.TASK_DEFINITION
    yield attributes["TaskSets"][0], TASK_SET
    yield routing["ProdTrafficRoute"]["LogicalID"], ecs.LISTENER
    if routing["TestTrafficRoute"].present:
        yield routing["TestTrafficRoute"]["LogicalID"], ecs.LISTENER
    if routing["TargetGroups"].empty:
        yield routing["TargetGroups"], ecs.TARGET_GROUP
    for node in routing["TargetGroups"].items:
        yield node, ecs.TARGET_GROUP


def _wrong_logical_id(stack: Stack, node: Node, resource_type: str) -> Iterator[Problem]:
    hint = f"Write the logical ID of a resource of type {resource_type}."
    if node.absent:
        name = ".".join(map(str, node.path[-2:]))
        yield problem(node, f"The CodeDeploy hook lacks a logical ID in {name}", hint)
        return
    if node.text is None:
        return
    resource = stack.resources.get(node.text)
    if resource is None:
        message = f"The CodeDeploy hook names `{node.text}`, which is not in the template"
        yield problem(node, message, hint)
    elif resource.type != resource_type:
        yield problem(
            node,
            f"The CodeDeploy hook requires the logical ID of a resource of type {resource_type}, "
            f"and `{node.text}` has type {resource.type}",
            hint,
        )


def _walk(raw: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value inside a raw value, with its path."""
    todo = [(path, raw)]
    while todo:
        current, value = todo.pop()
        yield current, value
        if isinstance(value, Mapping):
            todo += [((*current, key), child) for key, child in value.items()]
        elif isinstance(value, list):
            todo += [((*current, index), child) for index, child in enumerate(value)]


RULES = (unsupported_by_hook,)
