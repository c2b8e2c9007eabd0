"""Actions of pipelines: what they are configured with, and what their roles may do."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn.nodes import Node
from moorage.cfn.permissions import allows, find_role
from moorage.cfn.resource_policies import may_allow_roles
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.facts.codepipeline import ARTIFACT_KEYS, PERMISSIONS, REQUIRED_CONFIGURATION
from moorage.rules.message_parts import join_and, join_or, quote
from moorage.rules.rule import Problem, problem, rule

_GUIDE = "AWS CodePipeline user guide"


def _actions(view: View) -> Iterator[tuple[Resource, Node, str, str]]:
    """The actions of AWS in pipelines, each with its provider and a description for messages."""
    for pipeline in view.resources_of_type("AWS::CodePipeline::Pipeline"):
        for stage in pipeline["Stages"].items:
            for action in stage["Actions"].items:
                kind = action["ActionTypeId"]
                provider = kind["Provider"].text
                if provider and kind["Owner"].text == "AWS":
                    name = f"Action `{action['Name'].text or '?'}` of pipeline `{pipeline.id}`"
                    yield pipeline, action, provider, name


@rule(
    "E9021",
    "An action of a pipeline lacks a key of its configuration.",
    error_messages=(
        "Action configuration for action '...' is missing required configuration '...'",
    ),
    fix="Write the key in `Configuration`.",
    sources=(f"{_GUIDE}: Action structure reference",),
)
def missing_configuration(view: View) -> Iterator[Problem]:
    """Each provider has keys that it cannot do without: an action for ECS needs the names of
    cluster and service, a blue/green action for ECS also the artifacts with task definition and
    AppSpec. CodePipeline refuses the pipeline."""
    for _, action, provider, name in _actions(view):
        required = REQUIRED_CONFIGURATION.get(
            (action["ActionTypeId"]["Category"].text or "", provider)
        )
        configuration = action["Configuration"]
        if required is None or configuration.unknown or configuration.text is not None:
            continue
        missing = quote(key for key in required if configuration[key].absent)
        if missing:
            yield problem(
                configuration,
                f"{name} lacks {join_and(missing)}, which the provider `{provider}` requires",
                f"Write {join_and(missing)} in `Configuration`.",
            )


@rule(
    "E9022",
    "The configuration of an action names an artifact that the action does not get.",
    fix="Write the name of one of `InputArtifacts`, or add the artifact there.",
    sources=(
        f"{_GUIDE}: Action structure reference, Amazon ECS and CodeDeploy blue-green",
        f"{_GUIDE}: Action structure reference, AWS CodeBuild",
    ),
)
def unknown_artifact(view: View) -> Iterator[Problem]:
    """A blue/green action for ECS takes task definition, AppSpec and images from its input
    artifacts, and a build its buildspec from the primary source. With several input artifacts, a
    build has no primary source by default. The action fails if the name is not one of them."""
    for _, action, provider, name in _actions(view):
        inputs = action["InputArtifacts"]
        known = [item["Name"].text for item in inputs.items]
        if not inputs.all_known or None in known:
            continue
        for key in ARTIFACT_KEYS.get(provider, ()):
            node = action["Configuration"][key]
            if node.text is not None and node.text not in known and "#{" not in node.text:
                names = join_or(quote(filter(None, known))) if known else "an input artifact"
                yield problem(
                    node,
                    f"{name} has `{key}: {node.text}`, but no such input artifact",
                    f"Write {names}, or add `{node.text}` to `InputArtifacts`.",
                )
        is_known = not action["Configuration"].unknown
        if provider == "CodeBuild" and len(known) > 1 and is_known:
            primary = action["Configuration"]["PrimarySource"]
            if primary.absent:
                yield problem(
                    primary,
                    f"{name} has {len(known)} input artifacts and no `PrimarySource`",
                    f"Write `PrimarySource` with {join_or(quote(filter(None, known)))}.",
                )


@rule(
    "E9023",
    "The role of a pipeline may not do what an action does.",
    error_messages=("The provided role does not have sufficient permissions to access ...",),
    fix="Allow the action in a policy of the pipeline's role, or of the role of the action.",
    sources=(f"{_GUIDE}: Add permissions to the CodePipeline service role",),
)
def missing_permission(view: View) -> Iterator[Problem]:
    """An action runs with its own `RoleArn`, or with that of its pipeline. Without the permission,
    each execution of the pipeline fails at this action."""
    for pipeline, action, provider, name in _actions(view):
        own = action["RoleArn"]
        role = find_role(pipeline["RoleArn"] if own.absent else own)
        if role is None:
            continue
        missing = quote(
            permission
            for permission in _needed_permissions(action, provider)
            if all(
                allows(role, item, None) is False and not may_allow_roles(view, item)
                for item in permission.split("|")
            )
        )
        if missing:
            names = join_and(word.replace("|", "` or `") for word in missing)
            yield problem(
                role,
                f"{name} needs {names}, and role `{role.id}` does not allow it",
                f"Allow {names}.",
            )


def _needed_permissions(action: Node, provider: str) -> tuple[str, ...]:
    if provider == "Manual" and action["Configuration"]["NotificationArn"].certainly_present:
        return ("sns:Publish",)
    category = action["ActionTypeId"]["Category"].text or ""
    permissions = PERMISSIONS.get((category, provider), ())
    service = action["Configuration"]["ServiceName"].resource
    task = service["TaskDefinition"].resource if service else None
    if task and any(task[key].certainly_present for key in ("TaskRoleArn", "ExecutionRoleArn")):
        return (*permissions, "iam:PassRole")
    return permissions


RULES = (missing_configuration, unknown_artifact, missing_permission)
