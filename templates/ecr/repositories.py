"""ECR repositories: their params, problems and resources."""

# ruff: noqa: N815 (a lifecycle policy has ECR's own keys)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from awacs import ecr as actions
from awacs.aws import Allow, AWSPrincipal, Statement
from pydantic import AfterValidator, Field
from troposphere import Sub, ecr

from moorage.facts.arn_patterns import ACCOUNT_ID
from moorage.facts.ecr_repositories import (
    COUNT_TYPES_BY_AGE,
    MAX_LIFECYCLE_RULES,
    MAX_WILDCARDS_OF_TAG_EXCLUSION,
    MAX_WILDCARDS_OF_TAG_PATTERN,
    MIN_DAYS_IN_ARCHIVE,
    REPOSITORY_NAME,
    ActionType,
    CountType,
    TagStatus,
)
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong

from ..common.fields import KeyArn, Switch, UniqueList, duration, format_duration, text
from ..common.iam import policy
from ..common.references import External
from ..common.regions import key_region_problems

_DAY = 86_400

RepositoryName = Annotated[
    str,
    text(
        rf"(?=.{{2,256}}$){REPOSITORY_NAME}", "the name of a repository in lower case", "shop/web"
    ),
]
# ImageTagMutabilityExclusionFilter in the same reference.
TagPattern = Annotated[
    str, text(r"[0-9a-zA-Z._*-]{1,128}", "a tag, or a pattern with `*`", "dev-*")
]
TagPrefix = Annotated[str, text(r"[0-9a-zA-Z._-]{1,128}", "the beginning of a tag", "prod")]
AccountId = Annotated[str, text(ACCOUNT_ID, "the ID of an AWS account, in quotes", "123456789012")]


def _limit_wildcards(limit: int) -> Callable[[str], str]:
    def check(pattern: str) -> str:
        if pattern.count("*") > limit:
            message = f"{shown(pattern)} has more than {limit} wildcards"
            raise wrong("M2213", message, f"Write a pattern with up to {limit}, such as `prod-*`.")
        return pattern

    return check


TagWildcard = Annotated[TagPattern, AfterValidator(_limit_wildcards(MAX_WILDCARDS_OF_TAG_PATTERN))]
Exclusion = Annotated[TagPattern, AfterValidator(_limit_wildcards(MAX_WILDCARDS_OF_TAG_EXCLUSION))]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Selection(Base):
    """The images that a rule applies to."""

    tagStatus: TagStatus = Field(description="Whether the images have tags.")
    tagPatternList: list[TagWildcard] = Field(
        [], description="With `tagged`: patterns of tags, such as `prod*`. All of them must match."
    )
    tagPrefixList: list[TagPrefix] = Field(
        [], description="With `tagged`: prefixes of tags, instead of patterns."
    )
    storageClass: Literal["standard", "archive"] | None = Field(
        None,
        description="Storage class of the images; `archive` with `sinceImageTransitioned`.",
    )
    countType: CountType = Field(
        description="What is counted: images, or days since an event of an image."
    )
    countUnit: Literal["days"] | None = Field(None, description="`days`, if days are counted.")
    countNumber: Count = Field(description="The number above which the rule applies.")


class Action(Base):
    """What ECR does with the images that a rule applies to."""

    type: ActionType = Field(description="Delete the images, or archive them.")
    targetStorageClass: Literal["archive"] | None = Field(
        None, description="`archive`, with `transition`."
    )


class LifecycleRule(Base):
    """A rule of a lifecycle policy."""

    rulePriority: Count = Field(description="The order of the rules: the lowest is applied first.")
    description: str | None = Field(None, description="A description of the rule.")
    selection: Selection = Field(description="The images that the rule applies to.")
    action: Action = Field(description="What ECR does with them.")


class LifecyclePolicy(Base):
    """A lifecycle policy, with the keys of ECR."""

    rules: list[LifecycleRule] = Field(
        min_length=1, max_length=MAX_LIFECYCLE_RULES, description="The rules."
    )


class ImmutableTags(Base):
    """Tags that cannot be moved to another image."""

    exclusions: UniqueList[Exclusion] = Field(
        [],
        max_length=5,
        description="Tags that can still be moved, such as `latest` or `dev-*`.",
    )


class Repository(Base):
    """A private ECR repository."""

    key_use: ClassVar[str | None] = "repositories"

    name: RepositoryName | None = Field(
        None,
        description="Name of the repository. Default: the key. With `${env}` in it, each "
        "environment of an account has its own repository.",
    )
    scan_on_push: bool = Field(
        True, description="Scan each pushed image for known vulnerabilities."
    )
    immutable_tags: Switch[ImmutableTags] = Field(
        ImmutableTags.unvalidated(),
        description="Refuse to move a tag to another image; `false` allows it for all tags.",
    )
    encryption: Literal["AES256", "KMS", "KMS_DSSE"] = Field(
        "AES256",
        description="How images are encrypted. It cannot be changed later.",
    )
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the KMS key that encrypts images. Default: the AWS managed key."
    )
    keep_images: Count | None = Field(
        None,
        description="Number of images to keep, whatever their tags; older images are deleted. "
        "Tasks that need a deleted image cannot start, and deployments cannot be rolled back to "
        "it.",
    )
    expire_untagged_after: Annotated[int, duration(_DAY, 3650 * _DAY)] | None = Field(
        None, description="Age in whole days at which images without tags are deleted."
    )
    lifecycle_policy: LifecyclePolicy | None = Field(
        None,
        description="A lifecycle policy with the keys of ECR, instead of `keep_images` and "
        "`expire_untagged_after`.",
    )
    pull_accounts: UniqueList[AccountId] = Field(
        [], description="IDs of other AWS accounts, in quotes, that are allowed to pull images."
    )
    keep: bool = Field(
        True,
        description="Keep the repository and its images when the stack is deleted or the "
        "repository is removed from the params. To create it again, delete it first, because its "
        "name is in use. `false` deletes the repository with all its images.",
    )

    def with_kms_key(self, key: str) -> Self:
        """The params with this KMS key, unless they have a key or `encryption: AES256`."""
        has_encryption = "encryption" in self.model_fields_set
        if self.kms_key or (has_encryption and self.encryption == "AES256"):
            return self
        encryption = self.encryption if has_encryption else "KMS"
        return self.replace({"kms_key": key, "encryption": encryption})


# Problems ------------------------------------------------------------------------------------


def repository_problems(params: Repository, path: Path, env: Environment) -> Iterator[Problem]:
    """Problems of a single repository."""
    if params.kms_key and params.encryption == "AES256":
        message = "With `encryption: AES256` the KMS key has no effect"
        hint = "Write `encryption: KMS`, or remove `kms_key`."
        because = [(*path, "encryption")]
        yield Problem("M2200", (*path, "kms_key"), message, hint, because=because)
    yield from key_region_problems(params.kms_key, (*path, "kms_key"), env)
    if params.expire_untagged_after and params.expire_untagged_after % _DAY:
        message = f"`{format_duration(params.expire_untagged_after)}` is not a number of days"
        hint = f"Write whole days, such as `{params.expire_untagged_after // _DAY}d`."
        yield Problem("M2201", (*path, "expire_untagged_after"), message, hint)
    for index, account in enumerate(params.pull_accounts):
        if account == env.account:
            message = f"{account} is the account of the environment, which needs no permission"
            yield Problem("M2202", (*path, "pull_accounts", index), message, f"Remove {account}.")
    if params.lifecycle_policy:
        policy_path = (*path, "lifecycle_policy")
        shortcuts = ("keep_images", "expire_untagged_after")
        keys = " and ".join(f"`{key}`" for key in shortcuts if getattr(params, key))
        if keys:
            message = f"The repository has `lifecycle_policy` and also {keys}"
            hint = f"Remove {keys}, or remove `lifecycle_policy`."
            yield Problem("M2203", policy_path, message, hint)
        yield from _policy_problems(params.lifecycle_policy.rules, (*policy_path, "rules"))


def _policy_problems(rules: Sequence[LifecycleRule], path: Path) -> Iterator[Problem]:
    """ECR user guide, "Lifecycle policy properties in Amazon ECR"."""
    for index, rule in enumerate(rules):
        rule_path = (*path, index)
        if any(rule.rulePriority == earlier.rulePriority for earlier in rules[:index]):
            message = f"Two rules have the priority {rule.rulePriority}"
            yield Problem("M2204", (*rule_path, "rulePriority"), message, "Write another number.")
        yield from _order_problems(rule, rules, (*rule_path, "rulePriority"))
        yield from _selection_problems(rule.selection, (*rule_path, "selection"))
        yield from _action_problems(rule, (*rule_path, "action"))


def _order_problems(
    rule: LifecycleRule, rules: Sequence[LifecycleRule], path: Path
) -> Iterator[Problem]:
    storage_class = _storage_class(rule.selection)
    highest = max(
        each.rulePriority for each in rules if _storage_class(each.selection) == storage_class
    )
    if rule.selection.tagStatus == "any" and rule.rulePriority < highest:
        message = "A rule with `tagStatus: any` must have the highest `rulePriority`"
        yield Problem("M2205", path, message, f"Write a number above {highest}.")


def _storage_class(selection: Selection) -> str:
    return selection.storageClass or "standard"


def _selection_problems(selection: Selection, path: Path) -> Iterator[Problem]:
    listed = [key for key in ("tagPatternList", "tagPrefixList") if getattr(selection, key)]
    if selection.tagStatus == "tagged" and len(listed) != 1:
        message = "A rule with `tagStatus: tagged` needs either patterns or prefixes of tags"
        hint = "Write exactly one of `tagPatternList` and `tagPrefixList`."
        yield Problem("M2206", path, message, hint)
    elif selection.tagStatus != "tagged" and listed:
        message = f"With `tagStatus: {selection.tagStatus}` ECR does not accept `{listed[0]}`"
        hint = f"Remove `{listed[0]}`, or write `tagStatus: tagged`."
        yield Problem("M2207", (*path, listed[0]), message, hint)
    counts_days = selection.countType in COUNT_TYPES_BY_AGE
    if counts_days and selection.countUnit is None:
        message = f"`{selection.countType}` counts days and needs a unit"
        yield Problem("M2208", path, message, "Add `countUnit: days`.")
    elif not counts_days and selection.countUnit is not None:
        message = f"`{selection.countType}` counts images and has no unit"
        yield Problem("M2208", (*path, "countUnit"), message, "Remove `countUnit`.")
    archived = selection.countType == "sinceImageTransitioned"
    if archived != (_storage_class(selection) == "archive"):
        storage_class = "archive" if archived else "standard"
        message = f"`{selection.countType}` applies to images in the storage class "
        message += f"`{storage_class}` only"
        hint = "Write `storageClass: archive`." if archived else "Remove `storageClass`."
        yield Problem("M2209", path, message, hint)


def _action_problems(rule: LifecycleRule, path: Path) -> Iterator[Problem]:
    action, selection = rule.action, rule.selection
    if action.type == "transition" and action.targetStorageClass is None:
        message = "`type: transition` needs a target storage class"
        yield Problem("M2210", path, message, "Add `targetStorageClass: archive`.")
    elif action.type == "expire" and action.targetStorageClass is not None:
        message = "`type: expire` has no target storage class"
        yield Problem("M2210", path, message, "Remove `targetStorageClass`.")
    elif action.type == "transition" and _storage_class(selection) == "archive":
        message = "Images in the storage class `archive` cannot be archived again"
        yield Problem("M2211", path, message, "Write `type: expire`.")
    days = selection.countNumber
    if selection.countType == "sinceImageTransitioned" and days < MIN_DAYS_IN_ARCHIVE:
        message = f"ECR keeps archived images for at least {MIN_DAYS_IN_ARCHIVE} days, not {days}"
        number_path = (*path[:-1], "selection", "countNumber")
        yield Problem("M2212", number_path, message, f"Write {MIN_DAYS_IN_ARCHIVE} or more.")


# Resources ----------------------------------------------------------------------------------


def repository(title: str, name: str, params: Repository) -> ecr.Repository:
    """A repository. With `keep`, it is deleted only if its creation is rolled back: it is empty
    then, and its name would block the next attempt (CloudFormation user guide, DeletionPolicy
    attribute, RetainExceptOnCreate)."""
    rules = _lifecycle(params)
    optional = {
        "EmptyOnDelete": not params.keep,
        "LifecyclePolicy": ecr.LifecyclePolicy(LifecyclePolicyText=_as_text(rules))
        if rules
        else None,
        "RepositoryPolicyText": policy([_pull(params.pull_accounts)])
        if params.pull_accounts
        else None,
        "ImageTagMutabilityExclusionFilters": [
            ecr.ImageTagMutabilityExclusionFilter(
                ImageTagMutabilityExclusionFilterType="WILDCARD",
                ImageTagMutabilityExclusionFilterValue=pattern,
            )
            for pattern in (params.immutable_tags.exclusions if params.immutable_tags else [])
        ],
    }
    key = {"KmsKey": params.kms_key} if params.kms_key else {}
    return ecr.Repository(
        title,
        DeletionPolicy="RetainExceptOnCreate" if params.keep else "Delete",
        UpdateReplacePolicy="Retain" if params.keep else "Delete",
        RepositoryName=name,
        EncryptionConfiguration=ecr.EncryptionConfiguration(
            EncryptionType=params.encryption, **key
        ),
        ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=params.scan_on_push),
        ImageTagMutability=_mutability(params.immutable_tags),
        **{key: value for key, value in optional.items() if value},
    )


def _mutability(tags: ImmutableTags | None) -> str:
    if tags is None:
        return "MUTABLE"
    return "IMMUTABLE_WITH_EXCLUSION" if tags.exclusions else "IMMUTABLE"


def _lifecycle(params: Repository) -> list[dict[str, Any]]:
    """The rules of the repository's lifecycle policy, with the keys of ECR."""
    if params.lifecycle_policy:
        return [_plain(rule) for rule in params.lifecycle_policy.rules]
    rules: list[dict[str, Any]] = []
    if params.expire_untagged_after:
        days = params.expire_untagged_after // _DAY
        selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
        rules.append(_expiry(f"Untagged images older than {days} days", selection, days))
    if params.keep_images:
        selection = {"tagStatus": "any", "countType": "imageCountMoreThan"}
        description = f"All but the newest {params.keep_images}"
        rules.append(_expiry(description, selection, params.keep_images))
    # A rule with `any` must have the highest priority.
    return [{"rulePriority": priority, **rule} for priority, rule in enumerate(rules, 1)]


def _expiry(description: str, selection: dict[str, str], number: int) -> dict[str, Any]:
    return {
        "description": description,
        "selection": {**selection, "countNumber": number},
        "action": {"type": "expire"},
    }


def _plain(rule: LifecycleRule) -> dict[str, Any]:
    plain = rule.model_dump(exclude_none=True)
    selection = {key: value for key, value in plain["selection"].items() if value != []}
    return {**plain, "selection": selection}


def _as_text(rules: Sequence[dict[str, Any]]) -> str:
    """A policy as JSON in several lines, so that its changes can be reviewed."""
    return json.dumps({"rules": rules}, indent=2) + "\n"


def _pull(accounts: Sequence[str]) -> Statement:
    """A statement that allows other accounts to pull.

    Their roles need the same permissions, and ecr:GetAuthorizationToken (Amazon ECR user guide,
    "Repository policy examples in Amazon ECR").
    """
    roots = [Sub(f"arn:${{AWS::Partition}}:iam::{account}:root") for account in accounts]
    return Statement(
        Sid="PullFromOtherAccounts",
        Effect=Allow,
        Principal=AWSPrincipal(roots),
        Action=[
            actions.BatchCheckLayerAvailability,
            actions.BatchGetImage,
            actions.GetDownloadUrlForLayer,
        ],
    )
