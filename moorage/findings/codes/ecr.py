"""M2200 to M2299: repositories."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import NO_EFFECT, PARAMS, UNITS

CODES: tuple[Code, ...] = (
    Code(
        "M2200",
        "A KMS key has no effect with `encryption: AES256`.",
        "With `AES256` ECR encrypts images with keys that Amazon S3 manages, and not with a "
        "KMS key.",
        "Write `encryption: KMS` or `KMS_DSSE`, or remove `kms_key`.",
        """\
repositories:
  shop/web:
    encryption: KMS  # not AES256
    kms_key: arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
""",
        ('Amazon ECR user guide, "Encryption at rest"',),
        rules=("E9872",),
    ),
    Code(
        "M2201",
        "The expiry of images is not a number of whole days.",
        "A lifecycle policy of ECR counts the age of images in days.",
        "Write whole days.",
        """\
repositories:
  shop/web:
    expire_untagged_after: 14d  # not 36h
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        not_in_templates=UNITS,
    ),
    Code(
        "M2202",
        "The account needs no permission to pull.",
        "`pull_accounts` allows other accounts to pull images. In the account of the "
        "repository, permissions of a role are enough.",
        "Remove the account from `pull_accounts`.",
        """\
account: "123456789012"
stacks:
  ecr:
    repositories:
      shop/web: {pull_accounts: ["210987654321"]}  # another account
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2203",
        "A repository has both `lifecycle_policy` and a short form of it.",
        "A repository has one lifecycle policy. `keep_images` and `expire_untagged_after` are "
        "short forms for a policy of one or two rules, and `lifecycle_policy` is the whole "
        "policy.",
        "Write all rules in `lifecycle_policy`, or use the short forms only.",
        """\
repositories:
  shop/web:
    keep_images: 20  # without `lifecycle_policy`
    expire_untagged_after: 14d
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M2204",
        "Two lifecycle rules have the same priority.",
        "ECR applies the rules in the order of their priorities, and refuses a policy in "
        "which two are equal.",
        "Write another number for one of the rules.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection: {tagStatus: untagged, countType: imageCountMoreThan, countNumber: 5}
          action: {type: expire}
        - rulePriority: 2  # not 1 again
          selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 50}
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=("E9880",),
    ),
    Code(
        "M2205",
        "A lifecycle rule with `tagStatus: any` does not have the highest priority number.",
        "ECR refuses a policy in which a rule for `any` images is followed by further rules "
        "for the same storage class.",
        "Write the highest `rulePriority` for the rule with `any`.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 10  # above all others
          selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 50}
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=("E9880",),
    ),
    Code(
        "M2206",
        "A lifecycle rule for tagged images has no tags, or two lists of them.",
        "A rule with `tagStatus: tagged` selects images by patterns or by prefixes of tags. "
        "ECR refuses a rule with both or with neither.",
        "Write either `tagPatternList` or `tagPrefixList`.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: tagged
            tagPatternList: ["dev-*"]  # without `tagPrefixList`
            countType: imageCountMoreThan
            countNumber: 10
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=(
            "E9880",
            "E9883",
        ),
    ),
    Code(
        "M2207",
        "A lifecycle rule lists tags without `tagStatus: tagged`.",
        "ECR accepts lists of tags only in rules with `tagStatus: tagged`.",
        "Remove the list, or write `tagStatus: tagged`.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: tagged  # required by a list of tags
            tagPrefixList: [dev]
            countType: imageCountMoreThan
            countNumber: 10
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=(
            "E9880",
            "E9884",
        ),
    ),
    Code(
        "M2208",
        "The unit of a lifecycle rule does not match what it counts.",
        "`countUnit: days` is required by the count types that count days, such as "
        "`sinceImagePushed`, and is refused with `imageCountMoreThan`, which counts images.",
        "Add `countUnit: days` to a rule that counts days, and remove it from one that counts "
        "images.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: untagged
            countType: sinceImagePushed
            countUnit: days  # because it counts days
            countNumber: 14
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=("E9880",),
    ),
    Code(
        "M2209",
        "The storage class of a lifecycle rule does not match what it counts.",
        "`sinceImageTransitioned` counts the days since an image was archived, so it applies "
        "to images in the storage class `archive`. The other count types apply to images in "
        "`standard`.",
        "Write `storageClass: archive` with `sinceImageTransitioned`, and only with it.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: any
            storageClass: archive  # required by `sinceImageTransitioned`
            countType: sinceImageTransitioned
            countUnit: days
            countNumber: 365
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=(
            "E9880",
            "E9886",
        ),
    ),
    Code(
        "M2210",
        "The action of a lifecycle rule and its target storage class do not match.",
        "`type: transition` moves images to a storage class, which it must name. `type: "
        "expire` deletes images.",
        "Write `targetStorageClass: archive` with `type: transition`, and only with it.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: any
            countType: sinceImagePushed
            countUnit: days
            countNumber: 90
          action: {type: transition, targetStorageClass: archive}  # both
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=(
            "E9880",
            "E9885",
        ),
    ),
    Code(
        "M2211",
        "A lifecycle rule archives images that are archived already.",
        "The rule selects images in the storage class `archive`, and its action moves images "
        "to that storage class.",
        "Write `type: expire`, or select images in the storage class `standard`.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: any
            storageClass: archive
            countType: sinceImageTransitioned
            countUnit: days
            countNumber: 365
          action: {type: expire}  # not `transition`
""",
        ('Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',),
        rules=("E9880",),
    ),
    Code(
        "M2212",
        "A lifecycle rule deletes archived images too early.",
        "ECR keeps an archived image for at least 90 days.",
        "Write 90 or more days.",
        """\
repositories:
  shop/web:
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection:
            tagStatus: any
            storageClass: archive
            countType: sinceImageTransitioned
            countUnit: days
            countNumber: 90  # or more
          action: {type: expire}
""",
        ('Amazon ECR user guide, "Archiving an image in Amazon ECR"',),
        rules=("E9880",),
    ),
    Code(
        "M2213",
        "A pattern of tags has too many wildcards.",
        "ECR accepts up to four `*` in a pattern of a lifecycle rule, and up to two in an "
        "exclusion of immutable tags.",
        "Write a pattern with fewer wildcards, or several patterns.",
        """\
repositories:
  shop/web:
    immutable_tags: {exclusions: ["dev-*"]}  # at most two wildcards
""",
        (
            'Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"',
            "ECR's message: Image tag mutability exclusion filter can contain a maximum of 2 "
            "wildcards",
        ),
        rules=("E9889",),
    ),
    Code(
        "M2214",
        "Two stacks create the same repository.",
        "The name of a repository is unique in an account and a region, so the second "
        "deployment fails.",
        "Keep the repository in one of the stacks. Services of the environment find it in either.",
        """\
stacks:
  ecr:
    repositories: {shop/web: {}, shop/worker: {}}  # in no other stack
""",
        rules=("E9983",),
    ),
)
