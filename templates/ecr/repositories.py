"""Repositories of images: their params, what can be wrong with them, and what comes out."""

# ruff: noqa: N815 (a lifecycle policy is in ECR's own words)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

from awacs import ecr as actions
from awacs.aws import Allow, AWSPrincipal, Statement
from pydantic import AfterValidator, Field
from troposphere import Sub, ecr

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, wrong

from ..common.fields import KeyArn, Switch, UniqueList, duration, text
from ..common.iam import policy
from ..common.regions import key_region_problems
from ..tasks.images import REPOSITORY

_DAY = 86_400

# CreateRepository in the API reference of Amazon ECR, repositoryName.
RepositoryName = Annotated[
    str, text(rf"(?=.{{2,256}}$){REPOSITORY}", "the name of a repository in lower case", "shop/web")
]
# ImageTagMutabilityExclusionFilter in the same reference.
TagPattern = Annotated[
    str, text(r"[0-9a-zA-Z._*-]{1,128}", "a tag, or a pattern with `*`", "dev-*")
]
TagPrefix = Annotated[str, text(r"[0-9a-zA-Z._-]{1,128}", "the beginning of a tag", "prod")]
AccountId = Annotated[str, text(r"\d{12}", "the id of an AWS account, in quotes", "123456789012")]


def _few_wildcards(most: int) -> Callable[[str], str]:
    def _checked(pattern: str) -> str:
        if pattern.count("*") > most:
            hint = f"Write at most {most}, such as `prod-*`."
            raise wrong("M1107", f"{shown(pattern)} has too many wildcards", hint)
        return pattern

    return _checked


# ECR user guide, "Lifecycle policy properties in Amazon ECR", tagPatternList.
TagWildcard = Annotated[TagPattern, AfterValidator(_few_wildcards(4))]
# ECR refuses a third: "Image tag mutability exclusion filter can contain a maximum of 2 wildcards"
# (hashicorp/terraform-provider-aws, aws_ecr_repository).
Exclusion = Annotated[TagPattern, AfterValidator(_few_wildcards(2))]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Selection(Base):
    """Which images a rule is for."""

    tagStatus: Literal["tagged", "untagged", "any"] = Field(description="Images by their tags.")
    tagPatternList: list[TagWildcard] = Field(
        [], description="With `tagged`: patterns such as `prod*`, all of which must match."
    )
    tagPrefixList: list[TagPrefix] = Field(
        [], description="With `tagged`: how tags begin, in place of patterns."
    )
    storageClass: Literal["standard", "archive"] | None = Field(
        None, description="Where the images are; `archive` with `sinceImageTransitioned`."
    )
    countType: Literal[
        "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"
    ] = Field(description="What is counted: images, or days since something happened to one.")
    countUnit: Literal["days"] | None = Field(None, description="`days`, where days are counted.")
    countNumber: Count = Field(description="From how many on the rule acts.")


class Action(Base):
    """What becomes of the images that a rule is for."""

    type: Literal["expire", "transition"] = Field(description="Delete them, or archive them.")
    targetStorageClass: Literal["archive"] | None = Field(
        None, description="`archive`, with `transition`."
    )


class LifecycleRule(Base):
    """A rule of a lifecycle policy."""

    rulePriority: Count = Field(description="Its place: the lowest is applied first.")
    description: str | None = Field(None, description="What it is for.")
    selection: Selection = Field(description="Which images.")
    action: Action = Field(description="What becomes of them.")


class LifecyclePolicy(Base):
    """A lifecycle policy of ECR in its own words."""

    rules: list[LifecycleRule] = Field(min_length=1, max_length=50, description="Its rules.")


class ImmutableTags(Base):
    """Tags that are never moved to another image."""

    exclusions: UniqueList[Exclusion] = Field(
        [], max_length=5, description="Tags that may be moved all the same: `latest`, `dev-*`."
    )


class Repository(Base):
    """A private repository of ECR."""

    name: RepositoryName | None = Field(
        None,
        description="The repository's name, where the key is not enough: with `${env}` in it two "
        "environments of one account have repositories of their own.",
    )
    scan_on_push: bool = Field(
        True, description="Look for known vulnerabilities in each image that is pushed."
    )
    immutable_tags: Switch[ImmutableTags] = Field(
        ImmutableTags(), description="Refuse to move a tag; `false` lets every tag be moved."
    )
    encryption: Literal["AES256", "KMS", "KMS_DSSE"] = Field(
        "AES256", description="How images are encrypted. It cannot be changed later."
    )
    kms_key: KeyArn | None = Field(
        None, description="ARN of the KMS key to encrypt with; AWS's own where none is given."
    )
    keep_images: Count | None = Field(
        None,
        description="How many images are kept, the newest, whatever their tags; older ones are "
        "deleted. A task that needs a deleted one cannot start, nor can a deployment go back.",
    )
    expire_untagged_after: Annotated[int, duration(_DAY, 3650 * _DAY)] | None = Field(
        None, description="Age, in whole days, at which an image without a tag is deleted."
    )
    lifecycle_policy: LifecyclePolicy | None = Field(
        None, description="A lifecycle policy in ECR's own words, in place of the two above."
    )
    pull_accounts: UniqueList[AccountId] = Field(
        [], description="Ids of other accounts, in quotes, that may pull."
    )
    keep: bool = Field(
        True,
        description="Keep the repository and its images when the stack is deleted, or the "
        "repository is taken out of the params; to be made again it must be deleted first, for "
        "its name is taken. `false` deletes it with all its images.",
    )


# What can be wrong ---------------------------------------------------------------------------


def repository_problems(one: Repository, path: Path, env: Environment) -> Iterator[Problem]:
    """What is wrong with a repository by itself."""
    if one.kms_key and one.encryption == "AES256":
        message = "A key is given, and the images are encrypted without it"
        hint = "Write `encryption: KMS`, or remove the key."
        because = [(*path, "encryption")]
        yield Problem("M1108", (*path, "kms_key"), message, hint, because=because)
    yield from key_region_problems(one.kms_key, (*path, "kms_key"), env)
    if one.expire_untagged_after and one.expire_untagged_after % _DAY:
        message = "ECR counts the age of images in days"
        hint = f"Write `{one.expire_untagged_after // _DAY}d`."
        yield Problem("M1107", (*path, "expire_untagged_after"), message, hint)
    for at, account in enumerate(one.pull_accounts):
        if account == env.account:
            message = f"{account} is the account of this environment, which may pull already"
            yield Problem("M1220", (*path, "pull_accounts", at), message, "Remove it.")
    if one.lifecycle_policy:
        here = (*path, "lifecycle_policy")
        if one.keep_images or one.expire_untagged_after:
            message = "A repository has one lifecycle policy"
            hint = "Write all of it below `lifecycle_policy`, or remove that."
            yield Problem("M1108", here, message, hint)
        yield from _policy_problems(one.lifecycle_policy.rules, (*here, "rules"))


def _policy_problems(rules: Sequence[LifecycleRule], path: Path) -> Iterator[Problem]:
    """ECR user guide, "Lifecycle policy properties in Amazon ECR"."""
    for at, rule in enumerate(rules):
        here = (*path, at)
        if any(rule.rulePriority == other.rulePriority for other in rules[:at]):
            message = f"Another rule has the priority {rule.rulePriority} already"
            yield Problem("M1107", (*here, "rulePriority"), message, "Give each rule its own.")
        yield from _last_problems(rule, rules, (*here, "rulePriority"))
        yield from _selection_problems(rule.selection, (*here, "selection"))
        yield from _action_problems(rule, (*here, "action"))


def _last_problems(
    rule: LifecycleRule, rules: Sequence[LifecycleRule], path: Path
) -> Iterator[Problem]:
    place = _storage(rule.selection)
    beside = [one.rulePriority for one in rules if _storage(one.selection) == place]
    if rule.selection.tagStatus == "any" and rule.rulePriority < max(beside):
        message = "A rule for images of `any` tag status must come last"
        yield Problem("M1107", path, message, f"Write a number above {max(beside)}.")


def _storage(selection: Selection) -> str:
    return selection.storageClass or "standard"


def _selection_problems(one: Selection, path: Path) -> Iterator[Problem]:
    listed = [key for key in ("tagPatternList", "tagPrefixList") if getattr(one, key)]
    if one.tagStatus == "tagged" and len(listed) != 1:
        message = "A rule for `tagged` images needs their tags, in one of two ways"
        hint = "Write either `tagPatternList` or `tagPrefixList`."
        yield Problem("M1108", path, message, hint)
    elif one.tagStatus != "tagged" and listed:
        message = f"`{listed[0]}` goes with `tagStatus: tagged` only"
        yield Problem("M1108", (*path, listed[0]), message, "Remove it, or change `tagStatus`.")
    by_age = one.countType != "imageCountMoreThan"
    if by_age and one.countUnit is None:
        message = f"`{one.countType}` counts days, and must say so"
        yield Problem("M1108", path, message, "Add `countUnit: days`.")
    elif not by_age and one.countUnit is not None:
        message = "Images are counted, not days"
        yield Problem("M1108", (*path, "countUnit"), message, "Remove `countUnit`.")
    archived = one.countType == "sinceImageTransitioned"
    if archived != (_storage(one) == "archive"):
        message = f"`{one.countType}` is for images in the storage class "
        message += "`archive`" if archived else "`standard`"
        hint = "Write `storageClass: archive`." if archived else "Remove `storageClass`."
        yield Problem("M1108", path, message, hint)


def _action_problems(rule: LifecycleRule, path: Path) -> Iterator[Problem]:
    """The 90 days: ECR user guide, "Archiving an image"."""
    action, selection = rule.action, rule.selection
    if (action.type == "transition") != (action.targetStorageClass is not None):
        message = "Images are moved to a storage class, and deleted from any"
        hint = "Write `targetStorageClass: archive` with `type: transition`, and only with it."
        yield Problem("M1108", path, message, hint)
    elif action.type == "transition" and _storage(selection) == "archive":
        message = "The images are in the archive already"
        yield Problem("M1108", path, message, "Write `type: expire`.")
    if selection.countType == "sinceImageTransitioned" and selection.countNumber < _ARCHIVED:
        message = f"An archived image is kept for {_ARCHIVED} days at least"
        number = (*path[:-1], "selection", "countNumber")
        yield Problem("M1105", number, message, f"Write {_ARCHIVED} or more.")


_ARCHIVED = 90

# What comes out ------------------------------------------------------------------------------


def repository(title: str, name: str, params: Repository) -> ecr.Repository:
    """A repository that goes with its stack only where the params say so.

    One that is kept goes nevertheless where its creation is rolled back: it is empty, and its name
    would block the next attempt (CloudFormation user guide, DeletionPolicy attribute,
    RetainExceptOnCreate).
    """
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
    """The rules of the repository's lifecycle policy as ECR takes them."""
    if params.lifecycle_policy:
        return [_plain(rule) for rule in params.lifecycle_policy.rules]
    rules: list[dict[str, Any]] = []
    if params.expire_untagged_after:
        days = params.expire_untagged_after // _DAY
        chosen = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
        rules.append(_expiry(f"Untagged images older than {days} days", chosen, days))
    if params.keep_images:
        chosen = {"tagStatus": "any", "countType": "imageCountMoreThan"}
        what = f"All but the newest {params.keep_images}"
        rules.append(_expiry(what, chosen, params.keep_images))
    # A rule for `any` must come last.
    return [{"rulePriority": at, **rule} for at, rule in enumerate(rules, 1)]


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
    """A policy in lines, as a reviewer reads it."""
    return json.dumps({"rules": rules}, indent=2) + "\n"


def _pull(accounts: Sequence[str]) -> Statement:
    """What the ECR user guide grants for a pull, "Repository policy examples in Amazon ECR"; the
    other account's roles need the same, and ecr:GetAuthorizationToken."""
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
