"""ECR repositories: deletion and lifecycle policies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from moorage.cfn import lifecycle
from moorage.cfn.view import View
from moorage.facts.ecr_repositories import (
    ACTION_TYPES,
    COUNT_TYPES,
    COUNT_TYPES_BY_AGE,
    TAG_STATUSES,
)
from moorage.rules.message_parts import join_or, quote
from moorage.rules.rule import Problem, problem, rule

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
"""Source: AWS docs, Lifecycle policy properties in Amazon ECR."""


@rule(
    "W9870",
    "A repository with images cannot be deleted together with its stack.",
    error_messages=(
        "The repository with name '...' in registry with id '...' cannot be deleted because it "
        "still contains images",
    ),
    fix="Write `EmptyOnDelete: true` to delete the images with the stack, or `DeletionPolicy: "
    "Retain` to keep the repository.",
    sources=("AWS docs: AWS::ECR::Repository",),
    failure_ids=("stk-ecr-repository-not-empty",),
)
def repository_not_emptied(view: View) -> Iterator[Problem]:
    """ECR only deletes empty repositories. If the repository contains an image, deleting the stack
    or rolling it back fails."""
    for repository in view.resources_of_type(lifecycle.REPOSITORY):
        empty_on_delete = repository["EmptyOnDelete"]
        policy = repository.body["DeletionPolicy"]
        if (empty_on_delete.absent or empty_on_delete.flag is False) and (
            policy.absent or policy.text == "Delete"
        ):
            yield problem(
                repository,
                f"The stack cannot be deleted while repository `{repository.id}` contains images",
                "Write `EmptyOnDelete: true` to delete the images with the stack, or "
                "`DeletionPolicy: Retain` to keep the repository.",
            )


# Lifecycle policies --------------------------------------------------------------------------


@rule(
    "E9880",
    "ECR rejects a lifecycle policy.",
    error_messages=(
        "InvalidParameterException: Invalid parameter at 'LifecyclePolicyText' failed to satisfy "
        "constraint: 'Lifecycle policy validation failure: instance failed to match exactly one "
        "schema (matched 0 out of 2)'",
    ),
    fix="Change what the message names. Each rule needs rulePriority, selection and action.",
    sources=(
        "cloudposse/terraform-aws-ecr#158",
        "cloud-custodian/cloud-custodian#5597",
        "AWS docs: Lifecycle policy properties in Amazon ECR",
    ),
    failure_ids=("stk-ecr-lifecycle-policy",),
)
def invalid_lifecycle_policy(view: View) -> Iterator[Problem]:
    """For CloudFormation a lifecycle policy is a string; only ECR checks it. countUnit is only for
    counting by age, `tagged` needs prefixes or patterns, priorities are unique, a rule for `any`
    has the highest priority number, and other keys are rejected."""
    for repository in view.resources_of_type(lifecycle.REPOSITORY):
        node = repository["LifecyclePolicy"]["LifecyclePolicyText"]
        mistake = _policy_mistake(node.text) if node.text is not None else None
        if mistake:
            message, hint = mistake
            yield problem(
                node,
                f"The lifecycle policy of repository `{repository.id}` {message}, and ECR rejects "
                f"it",
                hint,
            )


Mistake = tuple[str, str]
"""What a lifecycle policy has or lacks, and what to write."""


def _policy_mistake(text: str) -> Mistake | None:
    try:
        policy = json.loads(text)
    except ValueError:
        return "is not valid JSON", "Write a JSON object with `rules`."
    rules = policy.get("rules") if isinstance(policy, dict) else None
    if (
        not isinstance(rules, list)
        or not rules
        or not all(isinstance(item, dict) for item in rules)
    ):
        return "has no list of `rules`", "Write a JSON object with `rules`, a list of objects."
    if set(policy) - {"rules"}:
        return _unknown_key(set(policy) - {"rules"})
    mistake = next(filter(None, map(_rule_mistake, rules)), None)
    return mistake or _order_mistake(rules)


def _unknown_key(keys: set[str]) -> Mistake:
    return f"has an unknown key `{min(keys)}`", f"Remove or rename `{min(keys)}`."


def _rule_mistake(policy_rule: dict[str, Any]) -> Mistake | None:
    parts = {
        "rule": policy_rule,
        "selection": policy_rule.get("selection"),
        "action": policy_rule.get("action"),
    }
    for name, part in parts.items():
        if not isinstance(part, dict):
            return f"has a rule without `{name}`", f"Add `{name}` to the rule."
        if set(part) - _KEYS[name]:
            return _unknown_key(set(part) - _KEYS[name])
    if "rulePriority" not in policy_rule:
        return "has a rule without `rulePriority`", "Add `rulePriority` to the rule."
    if policy_rule["action"].get("type") not in ACTION_TYPES:
        return "has an unknown `type` of an action", f"Write {join_or(quote(ACTION_TYPES))}."
    return _selection_mistake(policy_rule["selection"])


def _selection_mistake(selection: dict[str, Any]) -> Mistake | None:
    status, count = selection.get("tagStatus"), selection.get("countType")
    if status not in TAG_STATUSES:
        return "has an unknown `tagStatus`", f"Write {join_or(quote(TAG_STATUSES))}."
    has_tags = selection.get("tagPrefixList") or selection.get("tagPatternList")
    if status == "tagged" and not has_tags:
        return (
            "has a rule for `tagged` without `tagPrefixList` or `tagPatternList`",
            "Add one of the two to the selection.",
        )
    if count not in COUNT_TYPES:
        return "has an unknown `countType`", f"Write {join_or(quote(COUNT_TYPES))}."
    if count in COUNT_TYPES_BY_AGE and "countUnit" not in selection:
        return (
            f"has a rule with `{count}` but without `countUnit`",
            "Add `countUnit` with the value `days`.",
        )
    if count not in COUNT_TYPES_BY_AGE and "countUnit" in selection:
        return f"has a rule with `{count}` and `countUnit`", "Remove `countUnit`."
    return None


def _order_mistake(rules: list[dict[str, Any]]) -> Mistake | None:
    priorities = [policy_rule["rulePriority"] for policy_rule in rules]
    if max(Counter(map(str, priorities)).values()) > 1:
        return "has two rules with the same `rulePriority`", "Give each rule its own priority."
    if not all(isinstance(priority, int) for priority in priorities):
        return None
    for policy_rule in rules:
        selection = policy_rule["selection"]
        same_class = [
            candidate["rulePriority"]
            for candidate in rules
            if candidate["selection"].get("storageClass") == selection.get("storageClass")
        ]
        if selection["tagStatus"] == "any" and policy_rule["rulePriority"] < max(same_class):
            return (
                "has a rule for `any` with a lower `rulePriority` than another rule of the same "
                "storage class",
                "Give the rule for `any` the highest `rulePriority`.",
            )
    return None


RULES = (repository_not_emptied, invalid_lifecycle_policy)
