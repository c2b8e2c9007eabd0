"""What goes wrong later in a stack's life: images, repositories, deletion."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from moorage.cfn import ecs, lifecycle
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_BY_AGE = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_ACTIONS = ("expire", "transition")
_KEYS = {
    "rule": {"rulePriority", "description", "selection", "action"},
    "selection": {
        "tagStatus",
        "tagPatternList",
        "tagPrefixList",
        "storageClass",
        "countType",
        "countUnit",
        "countNumber",
    },
    "action": {"type", "targetStorageClass"},
}


@rule(
    "W9314",
    "A repository that holds images can't be deleted with its stack",
    error_messages=(
        "The repository with name '...' in registry with id '...' cannot be deleted because it "
        "still contains images",
    ),
    fix="Write `EmptyOnDelete: true` if the images may go with the stack, or `DeletionPolicy: "
    "Retain` if they must stay.",
    sources=("AWS docs: AWS::ECR::Repository",),
    failure_ids=("stk-ecr-repository-not-empty",),
)
def repository_not_empty(view: View) -> Iterator[Problem]:
    """ECR deletes empty repositories only. Once an image was pushed, deleting the stack or rolling
    it back fails at the repository."""
    for repository in view.resources_of_type(lifecycle.REPOSITORY):
        empties, kept = repository["EmptyOnDelete"], repository.body["DeletionPolicy"]
        if (empties.absent or empties.flag is False) and (kept.absent or kept.text == "Delete"):
            yield problem(
                repository,
                f"{repository.id} can't be deleted while it holds images, and its stack with it",
                "Write `EmptyOnDelete: true`, or `DeletionPolicy: Retain`.",
            )


@rule(
    "E9315",
    "A lifecycle policy that ECR refuses",
    error_messages=(
        "InvalidParameterException: Invalid parameter at 'LifecyclePolicyText' failed to satisfy "
        "constraint: 'Lifecycle policy validation failure: instance failed to match exactly one "
        "schema (matched 0 out of 2)'",
    ),
    fix="Follow the message; each rule needs rulePriority, selection and action.",
    sources=(
        "cloudposse/terraform-aws-ecr#158",
        "cloud-custodian/cloud-custodian#5597",
        "AWS docs: Lifecycle policy properties in Amazon ECR",
    ),
    failure_ids=("stk-ecr-lifecycle-policy",),
)
def refused_lifecycle_policy(view: View) -> Iterator[Problem]:
    """The policy is a text to CloudFormation, so nothing looks into it before ECR does: countUnit
    goes with counting by age only, `tagged` needs prefixes or patterns, priorities are unique, a
    rule for `any` comes last, and no other key may stand in it."""
    for repository in view.resources_of_type(lifecycle.REPOSITORY):
        node = repository["LifecyclePolicy"]["LifecyclePolicyText"]
        why = _unfit(node.text) if node.text is not None else None
        if why:
            yield problem(
                node,
                f"The lifecycle policy of {repository.id} {why}, and ECR refuses it",
                "See the properties of a lifecycle policy in ECR's user guide.",
            )


def _unfit(text: str) -> str | None:
    """What is wrong with a lifecycle policy."""
    try:
        policy = json.loads(text)
    except ValueError:
        return "is not JSON"
    rules = policy.get("rules") if isinstance(policy, dict) else None
    if not isinstance(rules, list) or not rules or not all(isinstance(one, dict) for one in rules):
        return "has no list of `rules`"
    if set(policy) - {"rules"}:
        return f"has an unknown key `{min(set(policy) - {'rules'})}`"
    found = next(filter(None, map(_unfit_rule, rules)), None)
    return found or _unfit_order(rules)


def _unfit_rule(one: dict[str, Any]) -> str | None:
    parts = {"rule": one, "selection": one.get("selection"), "action": one.get("action")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            return f"has a rule without `{name}`"
        if set(part) - _KEYS[name]:
            return f"has an unknown key `{min(set(part) - _KEYS[name])}`"
    if "rulePriority" not in one:
        return "has a rule without `rulePriority`"
    if one["action"].get("type") not in _ACTIONS:
        return f"has a rule whose action is not {' or '.join(_ACTIONS)}"
    return _unfit_selection(one["selection"])


def _unfit_selection(selection: dict[str, Any]) -> str | None:
    status, count = selection.get("tagStatus"), selection.get("countType")
    if status not in ("tagged", "untagged", "any"):
        return "has a rule whose `tagStatus` is not tagged, untagged or any"
    if status == "tagged" and not (
        selection.get("tagPrefixList") or selection.get("tagPatternList")
    ):
        return "has a rule for `tagged` without `tagPrefixList` or `tagPatternList`"
    if count not in ("imageCountMoreThan", *_BY_AGE):
        return "has a rule whose `countType` is unknown"
    if count in _BY_AGE and "countUnit" not in selection:
        return f"has a rule with `{count}` without `countUnit`"
    if count not in _BY_AGE and "countUnit" in selection:
        return f"has a rule with `{count}` and `countUnit`, which goes with ages only"
    return None


def _unfit_order(rules: list[dict[str, Any]]) -> str | None:
    priorities = [one["rulePriority"] for one in rules]
    if max(Counter(map(str, priorities)).values()) > 1:
        return "gives two rules the same `rulePriority`"
    if not all(isinstance(one, int) for one in priorities):
        return None
    for one in rules:
        chosen = one["selection"]
        others = [
            other["rulePriority"]
            for other in rules
            if other["selection"].get("storageClass") == chosen.get("storageClass")
        ]
        if chosen["tagStatus"] == "any" and one["rulePriority"] < max(others):
            return "has a rule for `any` before others: it needs the highest `rulePriority`"
    return None


@rule(
    "W9316",
    "A new image under the same tag is not deployed",
    error_messages=("No changes to deploy. Stack ... is up to date",),
    fix="Name a version or a digest, or make the image a parameter.",
    sources=("aws/copilot-cli#3092",),
    failure_ids=("upd-mutable-image-tag",),
)
def mutable_tag(view: View) -> Iterator[Problem]:
    """CloudFormation compares texts. `latest`, or no tag, reads the same after a push, so an
    update deploys nothing, while a task that starts by itself gets the new image, and a rollback
    does not bring back the old one."""
    for task in ecs.task_definitions(view):
        if not ecs.services_of(task):
            continue
        for container in ecs.containers(task):
            if _is_latest(container["Image"]) and lifecycle.is_decided_by_template(
                container["Image"]
            ):
                yield problem(
                    container["Image"],
                    f"The image of {container['Name'].text or 'a container'} in {task.id} is "
                    f"always `latest`, so a new one changes nothing that CloudFormation sees",
                    "Write a tag of one version or a digest, or make the image a parameter.",
                )


def _is_latest(image: Node) -> bool:
    """Whether an image's tag is `latest`, or left out where the image is of the account's own
    registry: the examples of others, such as `nginx`, nobody pushes anew."""
    last = image.parts[-1] if image.parts else None
    if isinstance(last, Attr):
        return last.resource.type == lifecycle.REPOSITORY and last.name == "RepositoryUri"
    if not isinstance(last, str) or not last or "@" in last:
        return False
    _, slash, name = last.rpartition("/")
    _, colon, tag = name.partition(":")
    if colon:
        return tag == "latest"
    own = any(isinstance(part, str) and ".dkr.ecr." in part for part in image.parts)
    return bool(name and slash) and own


RULES = (repository_not_empty, refused_lifecycle_policy, mutable_tag)
