"""Constraints of ECR: lifecycle policies, creation templates, caches, scanning and replication."""

from __future__ import annotations

from moorage.facts.ecr_repositories import (
    COUNT_TYPES_BY_AGE,
    MAX_LIFECYCLE_RULES,
    MAX_WILDCARDS_OF_TAG_EXCLUSION,
    MAX_WILDCARDS_OF_TAG_PATTERN,
)
from moorage.facts.upstream_registries import OPEN, UPSTREAM_REGISTRIES, WITH_SECRET
from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Either,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Matches,
    Present,
    StartsWith,
    Unique,
    Within,
)
from moorage.rules.constraints.relations import NoOther

_REPOSITORY = "AWS::ECR::Repository"
_TEMPLATE = "AWS::ECR::RepositoryCreationTemplate"
_CACHE = "AWS::ECR::PullThroughCacheRule"
_SCANNING = "AWS::ECR::RegistryScanningConfiguration"
_POLICIES = (
    f"{_REPOSITORY} LifecyclePolicy.LifecyclePolicyText<json>",
    f"{_TEMPLATE} LifecyclePolicy<json>",
)
_RULES = tuple(f"{policy}.rules[]" for policy in _POLICIES)
_LIFECYCLE = "Amazon ECR user guide: Lifecycle policy properties in Amazon ECR"
_ECR = "Amazon ECR API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_ANY = Is("selection.tagStatus", "any")
_CAN_BE_CACHED = Matches("UpstreamRegistryUrl", "|".join(UPSTREAM_REGISTRIES.values()))


def _wildcards(most: int) -> str:
    """The regular expression of a text with more wildcards than that."""
    return rf"(?:[^*]*\*){{{most + 1},}}.*"


_IN_LIFECYCLE_POLICIES = (
    Constraint(
        "E9882",
        _RULES,
        "A lifecycle rule counts to less than 1.",
        must=Within("selection.countNumber", 1, None),
        message="A rule in the lifecycle policy of {id} has the `countNumber` "
        "{selection.countNumber}",
        fix="Write a `countNumber` of 1 or more.",
        sources=(f"{_LIFECYCLE}, Count number",),
    ),
    Constraint(
        "E9883",
        _RULES,
        "A lifecycle rule has prefixes and patterns of tags.",
        must=AtMostOne(Present("selection.tagPrefixList"), Present("selection.tagPatternList")),
        message="A rule in the lifecycle policy of {id} has `tagPrefixList` and `tagPatternList`",
        fix="Remove one of the two.",
        error_messages=(
            "If policy has a tagged rule, it must specify only one of tagPrefixList or "
            "tagPatternList",
        ),
        sources=(f"{_LIFECYCLE}, Tag pattern list",),
    ),
    Constraint(
        "E9884",
        _RULES,
        "A lifecycle rule for untagged or any images has tags.",
        when=Is("selection.tagStatus", "untagged", "any"),
        must=All(Absent("selection.tagPrefixList"), Absent("selection.tagPatternList")),
        message="A rule in the lifecycle policy of {id} has tags, but the `tagStatus` "
        "{selection.tagStatus}",
        fix="Write `tagged`, or remove the tags.",
        error_messages=("Cannot specify tagPrefixList with tagStatus",),
        sources=(f"{_LIFECYCLE}, Tag prefix list", _PREFLIGHT),
    ),
    Constraint(
        "E9885",
        _RULES,
        "A lifecycle rule moves images, but not to the archive.",
        when=Is("action.type", "transition"),
        must=Is("action.targetStorageClass", "archive"),
        message="A rule in the lifecycle policy of {id} moves images without `targetStorageClass: "
        "archive`",
        fix='Write `{"type": "transition", "targetStorageClass": "archive"}`.',
        error_messages=("Could not map policyString into LifecyclePolicy",),
        sources=(f"{_LIFECYCLE}, Action", _PREFLIGHT),
    ),
    Constraint(
        "E9886",
        _RULES,
        "A lifecycle rule for archived images counts in another way than from their archiving.",
        when=Is("selection.storageClass", "archive"),
        must=Is("selection.countType", "sinceImageTransitioned"),
        message="A rule in the lifecycle policy of {id} is for archived images, but has the "
        "`countType` {selection.countType}",
        fix="Write `sinceImageTransitioned`, or remove `storageClass`.",
        error_messages=("IMAGE_COUNT_MORE_THAN support the STANDARD storage class only",),
        sources=(f"{_LIFECYCLE}, Storage class", _PREFLIGHT),
    ),
    Constraint(
        "E9887",
        _POLICIES,
        "A lifecycle policy has more than 50 rules.",
        must=Count("rules", 0, MAX_LIFECYCLE_RULES),
        message=f"The lifecycle policy of {{id}} has more than {MAX_LIFECYCLE_RULES} rules",
        fix="Join rules, or remove some of them.",
        sources=("Amazon ECR user guide: Amazon ECR service quotas",),
    ),
    Constraint(
        "E9888",
        _RULES,
        "The priority of a lifecycle rule is less than 1.",
        must=Within("rulePriority", 1, None),
        message="A rule in the lifecycle policy of {id} has the priority {rulePriority}",
        fix="Write a priority of 1 or more.",
        error_messages=("numeric instance is lower than the required minimum",),
        sources=(f"{_LIFECYCLE}, Rule priority",),
    ),
    Constraint(
        "E9889",
        tuple(f"{rule}.selection.tagPatternList[]" for rule in _RULES),
        "A pattern of tags has more than four wildcards.",
        must=Not(Matches("", _wildcards(MAX_WILDCARDS_OF_TAG_PATTERN))),
        message="The lifecycle policy of {id} has the pattern {value}, with more than "
        f"{MAX_WILDCARDS_OF_TAG_PATTERN} wildcards",
        fix=f"Write up to {MAX_WILDCARDS_OF_TAG_PATTERN} `*`.",
        error_messages=("Invalid tag pattern provided",),
        sources=(f"{_LIFECYCLE}, Tag pattern list",),
    ),
    Constraint(
        "E9890",
        _POLICIES,
        "Two lifecycle rules are for any image.",
        must=Unique(
            "rules",
            ("selection.tagStatus", "selection.storageClass"),
            where=_ANY,
            defaults={"selection.storageClass": "standard"},
        ),
        message="The lifecycle policy of {id} has two rules with the `tagStatus` `any`",
        fix="Keep one of them, with the highest `rulePriority`.",
        error_messages=("Only one rule can specify tagStatus=ANY",),
        sources=(f"{_LIFECYCLE}, Tag status", _PREFLIGHT),
    ),
    Constraint(
        "E9891",
        _RULES,
        "A lifecycle rule counts in another unit than days.",
        when=Is("selection.countType", *COUNT_TYPES_BY_AGE),
        must=Either(Absent("selection.countUnit"), Is("selection.countUnit", "days")),
        message="A rule in the lifecycle policy of {id} has the `countUnit` {selection.countUnit}",
        fix="Write `days`.",
        sources=(f"{_LIFECYCLE}, Count unit",),
    ),
)

_REGISTRIES = (
    Constraint(
        "E9892",
        (
            f"{_REPOSITORY} RepositoryPolicyText.Statement[*]",
            f"{_REPOSITORY} RepositoryPolicyText<json>.Statement[*]",
            f"{_TEMPLATE} RepositoryPolicy<json>.Statement[*]",
        ),
        "The policy of a repository has resources.",
        must=All(Absent("Resource"), Absent("NotResource")),
        message="A statement in the repository policy of {id} has a resource",
        fix="Remove `Resource`: the policy is for its repository.",
        error_messages=("Invalid repository policy provided",),
        sources=("aws/aws-cdk#24314", "awsdocs/amazon-ecr-user-guide#20"),
    ),
    Constraint(
        "E9893",
        (_REPOSITORY, _TEMPLATE),
        "The tag mutability has exclusions, but no filters.",
        when=Is("ImageTagMutability", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"),
        must=Present("ImageTagMutabilityExclusionFilters"),
        message="{id} has the tag mutability {ImageTagMutability}, but no "
        "`ImageTagMutabilityExclusionFilters`",
        fix="Write the filters, or a mutability without exclusions.",
        error_messages=("ImageTagMutabilityExclusionFilters can't be null",),
        sources=(f"{_ECR}: CreateRepository, imageTagMutabilityExclusionFilters", _PREFLIGHT),
    ),
    Constraint(
        "E9874",
        tuple(f"{kind} ImageTagMutabilityExclusionFilters[]" for kind in (_REPOSITORY, _TEMPLATE)),
        "A filter of tags has more than two wildcards.",
        must=Not(
            Matches(
                "ImageTagMutabilityExclusionFilterValue",
                _wildcards(MAX_WILDCARDS_OF_TAG_EXCLUSION),
            )
        ),
        message="A filter of {id} has more than two wildcards: "
        "{ImageTagMutabilityExclusionFilterValue}",
        fix=f"Write up to {MAX_WILDCARDS_OF_TAG_EXCLUSION} `*`.",
        error_messages=("exclusion filter can contain a maximum of 2 wildcards",),
        sources=("hashicorp/terraform-provider-aws: aws_ecr_repository",),
    ),
    Constraint(
        "E9894",
        _CACHE,
        "A pull-through cache is for a registry that ECR cannot cache.",
        must=_CAN_BE_CACHED,
        message="Pull-through cache rule {id} is for {UpstreamRegistryUrl}",
        fix="Write a host that ECR can cache, without scheme and path, such as "
        "`registry-1.docker.io`.",
        error_messages=("The upstream registry URL ... is invalid",),
        sources=("Amazon ECR user guide: Creating a pull through cache rule", _PREFLIGHT),
    ),
    Constraint(
        "E9895",
        _CACHE,
        "The kind of a registry does not fit its host.",
        when=All(Present("UpstreamRegistry"), _CAN_BE_CACHED),
        must=All(
            *(
                Either(Not(Is("UpstreamRegistry", kind)), Matches("UpstreamRegistryUrl", host))
                for kind, host in UPSTREAM_REGISTRIES.items()
            )
        ),
        message="Pull-through cache rule {id} has the registry {UpstreamRegistry}, but the host "
        "{UpstreamRegistryUrl}",
        fix="Remove `UpstreamRegistry`: ECR knows it from the host.",
        error_messages=("Upstream registry URL and entered upstream registry do not match",),
        sources=(f"{_ECR}: CreatePullThroughCacheRule, upstreamRegistry", _PREFLIGHT),
    ),
    Constraint(
        "E9896",
        _CACHE,
        "A pull-through cache of an open registry has credentials.",
        when=Is("UpstreamRegistryUrl", *OPEN),
        must=Absent("CredentialArn"),
        message="Pull-through cache rule {id} for {UpstreamRegistryUrl} has a `CredentialArn`",
        fix="Remove `CredentialArn`.",
        error_messages=("The specified upstream registry doesn't require authentication",),
        sources=(f"{_ECR}: CreatePullThroughCacheRule, credentialArn", _PREFLIGHT),
    ),
    Constraint(
        "E9897",
        _CACHE,
        "The name of the secret for a pull-through cache has another prefix.",
        must=All(
            Refers(
                "CredentialArn",
                "AWS::SecretsManager::Secret",
                StartsWith("Name", ("ecr-pullthroughcache/",)),
            ),
            Matches(
                "CredentialArn",
                "arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:ecr-pullthroughcache/.*",
                region="eu-west-1",
            ),
        ),
        message="The secret of pull-through cache rule {id} has a name without the prefix "
        "`ecr-pullthroughcache/`",
        fix="Write a secret whose `Name` begins with `ecr-pullthroughcache/`.",
        sources=(
            "Amazon ECR user guide: Storing your upstream repository credentials in an AWS Secrets "
            "Manager secret",
        ),
    ),
    Constraint(
        "E9878",
        _CACHE,
        "A pull-through cache with a secret has a role.",
        when=Is("UpstreamRegistryUrl", *WITH_SECRET),
        must=Absent("CustomRoleArn"),
        message="Pull-through cache rule {id} for {UpstreamRegistryUrl} has a `CustomRoleArn`",
        fix="Remove `CustomRoleArn`: ECR logs in with the secret `CredentialArn`.",
        error_messages=("Upstream registry URL and provided credential type do not match",),
        sources=(f"{_ECR}: CreatePullThroughCacheRule, customRoleArn", _PREFLIGHT),
    ),
    Constraint(
        "E9898",
        f"{_SCANNING} Rules[]",
        "A registry with basic scanning scans continuously.",
        when=Is("/ScanType", "BASIC", default="BASIC"),
        must=Not(Is("ScanFrequency", "CONTINUOUS_SCAN")),
        message="Scanning configuration {id} has the type `BASIC`, but scans continuously",
        fix="Write `ScanType: ENHANCED`, or `ScanFrequency: SCAN_ON_PUSH`.",
        error_messages=("Invalid scan frequency for scanType BASIC",),
        sources=(f"{_ECR}: PutRegistryScanningConfiguration, scanType", _PREFLIGHT),
    ),
    Constraint(
        "E9899",
        _SCANNING,
        "Two scanning rules have the same frequency.",
        must=Unique("Rules", ("ScanFrequency",)),
        message="Scanning configuration {id} has two rules with the same frequency",
        fix="Write the filters of both into one rule.",
        error_messages=("Contains duplicate scan frequencies",),
        sources=(f"{_ECR}: PutRegistryScanningConfiguration, rules", _PREFLIGHT),
    ),
    Constraint(
        "E9876",
        (
            "AWS::ECR::ReplicationConfiguration",
            "AWS::ECR::RegistryPolicy",
            _SCANNING,
        ),
        "A registry has two configurations of a kind.",
        must=NoOther((), in_stack=True),
        message="{id} is the second of its type in the stack, and a registry has only one",
        fix="Write the contents of both into one resource.",
        error_messages=("(in substance) AlreadyExists",),
        sources=(
            "AWS CloudFormation template reference: AWS::ECR::ReplicationConfiguration, "
            "AWS::ECR::RegistryPolicy and AWS::ECR::RegistryScanningConfiguration, primary "
            "identifier RegistryId",
        ),
    ),
)

CONSTRAINTS = (*_IN_LIFECYCLE_POLICIES, *_REGISTRIES)
