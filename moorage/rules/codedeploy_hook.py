"""Blue/green deployments by CodeDeploy's hook in a CloudFormation template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from moorage.cfn import ecs
from moorage.cfn.nodes import Node, Path
from moorage.cfn.values import OneOf, Unknown
from moorage.cfn.view import Stack, View
from moorage.rules.rule import Problem, problem, rule

TRANSFORM = "AWS::CodeDeployBlueGreen"
HOOK = "AWS::CodeDeploy::BlueGreen"


@rule(
    "E9399",
    "A template with the blue/green hook of CodeDeploy has what the hook does not take",
    error_messages=(
        'Transform AWS::CodeDeployBlueGreen failed with: Failed to parse the "Hooks" section for '
        "the provided template. Please ensure the AWS::CodeDeploy::BlueGreen Hook matches the "
        "expected schema.",
        "'CodeDeployBlueGreenHook' of type AWS::CodeDeploy::BlueGreen failed with message: "
        "Internal Failure",
    ),
    fix="Keep the template to what CloudFormation's page on blue/green deployments allows.",
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
def hook_does_not_take(view: View) -> Iterator[Problem]:
    """With the transform AWS::CodeDeployBlueGreen, CloudFormation writes the green resources into
    the template by itself. It takes no outputs, imports or nested stacks, nor dynamic references
    and NoEcho parameters in what it copies; finds all by the logical IDs of the Hooks section; and
    shifts weights that must be there."""
    for stack in view.stacks:
        if TRANSFORM in [one.text for one in _top(stack, "Transform").as_list]:
            yield from _not_allowed(stack)
            yield from _without_weight(stack)
            yield from _wrong_ids(stack)


def _top(stack: Stack, section: str) -> Node:
    return Node(stack, stack.template.body, ())[section]


def _not_allowed(stack: Stack) -> Iterator[Problem]:
    if _top(stack, "Outputs").entries:
        yield problem(
            _top(stack, "Outputs"),
            f"A template with {TRANSFORM} cannot have Outputs",
            "Move the outputs to another template.",
        )
    for path, value in _everything(stack.template.body, ()):
        if path[-1:] == ("Fn::ImportValue",) and path[:1] != ("Outputs",):
            yield problem(
                Node(stack, value, path),
                f"A template with {TRANSFORM} cannot import values",
                "Make it a parameter.",
            )
    for resource in stack.resources.values():
        if resource.type == "AWS::CloudFormation::Stack":
            yield problem(
                resource,
                f"A template with {TRANSFORM} cannot have nested stacks",
                f"Move {resource.id} to another template.",
            )
        if resource.type in (ecs.TASK_DEFINITION, "AWS::ECS::TaskSet"):
            for node in _leaves(resource.props):
                what = _refused(node)
                if what is not None:
                    yield problem(
                        node,
                        f"{resource.id} is copied by {TRANSFORM}, which does not take {what}",
                        "Let the container read it by Secrets.",
                    )


def _refused(node: Node) -> str | None:
    """A dynamic reference or a NoEcho parameter at a place, in words."""
    said = (one.token if isinstance(one, Unknown | OneOf) else one for one in node.parts)
    if any(isinstance(one, str) and "{{resolve:" in one for one in said):
        return "dynamic references"
    hidden = {
        name
        for name, body in node.stack.template.section("Parameters").items()
        if str(body.get("NoEcho")).lower() == "true"
    }
    for path, value in _everything(node.raw, ()) if hidden else ():
        if isinstance(value, str):
            names = {value} if path[-1:] == ("Ref",) else set(re.findall(r"\$\{([^}]+)\}", value))
            if names & hidden:
                return "NoEcho parameters"
    return None


def _leaves(node: Node) -> Iterator[Node]:
    """The values inside a property that hold no others."""
    todo = [node]
    while todo:
        one = todo.pop()
        inside = (*one.items, *(inner for _, inner in one.entries))
        todo += inside
        if not inside:
            yield one


def _without_weight(stack: Stack) -> Iterator[Problem]:
    for resource in stack.resources.values():
        if resource.type not in (ecs.LISTENER, ecs.LISTENER_RULE):
            continue
        for action in ecs.actions(resource).items:
            for one in action["ForwardConfig"]["TargetGroups"].items:
                if not one.unknown and one["Weight"].absent:
                    yield problem(
                        one["Weight"],
                        f"{resource.id} forwards without a Weight, and the hook fails when it "
                        f"shifts traffic",
                        "Write Weight: 1 on the target group in use and 0 on the other.",
                    )


def _wrong_ids(stack: Stack) -> Iterator[Problem]:
    for _, hook in _top(stack, "Hooks").entries:
        if hook["Type"].text != HOOK:
            continue
        for one in hook["Properties"]["Applications"].items:
            ecs_, routing = one["ECSAttributes"], one["ECSAttributes"]["TrafficRouting"]
            wanted: list[tuple[Node, tuple[str, ...]]] = [
                (one["Target"]["LogicalID"], (ecs.SERVICE,)),
                (ecs_["TaskDefinitions"][0], (ecs.TASK_DEFINITION,)),
                (ecs_["TaskSets"][0], ("AWS::ECS::TaskSet",)),
                (routing["ProdTrafficRoute"]["LogicalID"], (ecs.LISTENER,)),
            ]
            if routing["TestTrafficRoute"].present:
                wanted.append((routing["TestTrafficRoute"]["LogicalID"], (ecs.LISTENER,)))
            if routing["TargetGroups"].empty:
                wanted.append((routing["TargetGroups"], ()))
            wanted += [(node, (ecs.TARGET_GROUP,)) for node in routing["TargetGroups"].items]
            for node, kinds in wanted:
                yield from _not_of_kind(stack, node, kinds)


def _not_of_kind(stack: Stack, node: Node, kinds: tuple[str, ...]) -> Iterator[Problem]:
    if node.absent:
        name = ".".join(map(str, node.path[-2:]))
        yield problem(node, f"The hook names nothing in {name}", "Write a logical ID.")
        return
    found = stack.resources.get(node.text or "")
    if node.text is not None and (found is None or found.type not in kinds):
        is_ = f"is {found.type}" if found else "is not in the template"
        yield problem(
            node,
            f"The hook wants the logical ID of {' or '.join(kinds)} here, and {node.text} {is_}",
            "Write the logical ID of a resource of that type.",
        )


def _everything(raw: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value inside a raw one, with its place."""
    todo = [(path, raw)]
    while todo:
        at, value = todo.pop()
        yield at, value
        if isinstance(value, Mapping):
            todo += [((*at, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            todo += [((*at, key), inner) for key, inner in enumerate(value)]


RULES = (hook_does_not_take,)
