"""M1600 to M1699: the top of a params file."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_TAGS = (
    "CloudFormation API reference, Tag",
    "Amazon ECS API reference, Tag",
)

CODES: tuple[Code, ...] = (
    Code(
        "M1601",
        "The name cannot be part of a stack's name.",
        "The name of a stack in CloudFormation is `<app>-<env>-<stack>`. Names of stacks consist "
        "of letters, digits and hyphens and begin with a letter. Moorage allows lower-case "
        "letters only, because names of other resources are formed from them.",
        "Use lower-case letters, digits and single hyphens, and begin with a letter.",
        """\
app: shop  # not Shop or my_shop
stacks:
  web-api:  # not web_api
    template: service
""",
        ("CloudFormation API reference, CreateStack, StackName",),
        not_in_templates="A template does not contain the name of its stack.",
    ),
    Code(
        "M1602",
        "There is no such region.",
        "All stacks of an environment are deployed to one region of AWS. Templates are checked "
        "with the list of regions that cfn-lint has.",
        "Write the code of a region. For a region that is newer than the installed cfn-lint, "
        "update cfn-lint.",
        """\
region: eu-central-1  # the code, not `Frankfurt`
""",
        ('AWS Regions and Availability Zones user guide, "AWS Regions"',),
    ),
    Code(
        "M1603",
        "The value is not an AWS account ID.",
        "An account ID has twelve digits. It is used where params contain `${account}`.",
        "Write the twelve digits. Quotes are needed only where the first digit is 0 and another "
        "tool reads the file too.",
        """\
account: "012345678901"  # twelve digits
""",
        ('AWS Account Management reference guide, "View AWS account identifiers"',),
    ),
    Code(
        "M1604",
        "AWS does not accept the tag.",
        "Tags of a stack are passed on to all its resources. Each service has rules for tags; "
        "those of ECS are the narrowest: letters, digits, spaces and `_.:/=+-@`, at most 128 "
        "characters in a key and 256 in a value, and no key that begins with `aws:`. A key cannot "
        "contain `=`, since the AWS CLI takes tags as `key=value`, and cannot begin with `-` or "
        "with `file://`, which the AWS CLI would take for an option and for a file to read.",
        "Write a key and a value that follow these rules.",
        """\
tags:
  cost-center: "4711"  # quotes: a value is text
  team: storefront
""",
        _TAGS,
        rules=("E9970",),
    ),
    Code(
        "M1605",
        "Two tags have the same key.",
        "Every stack has the tags `app`, `env` and `stack`. IAM ignores the case of keys and "
        "refuses a role with two keys that differ only in case.",
        "Rename one of the tags, or remove it.",
        """\
tags:
  team: storefront
  owner: jane  # not `Team`, `app`, `env` or `stack`
""",
        ('IAM user guide, "Tags for AWS Identity and Access Management resources"',),
        rules=("E9971",),
    ),
    Code(
        "M1606",
        "The permissions boundary is not the ARN of an IAM policy.",
        "The permissions boundary of a role is a managed policy, which is named by its ARN.",
        "Write the ARN of a policy of the account, or of an AWS managed policy.",
        """\
permissions_boundary: arn:aws:iam::123456789012:policy/boundary  # not `boundary`
""",
        (
            'IAM user guide, "IAM identifiers"',
            "IAM API reference, CreateRole",
        ),
        rules=(
            "E3033",
            "E9767",
        ),
    ),
    Code(
        "M1607",
        "`role` is not the ARN of an IAM role.",
        "The commands that call AWS, and deploy.sh, assume this role with AssumeRole of AWS STS, "
        "which takes the ARN of a role.",
        "Write the ARN of the role, not its name, and not the ARN of a session of it.",
        """\
role: arn:aws:iam::123456789012:role/deploy  # not arn:aws:sts::123456789012:assumed-role/...
""",
        ("AWS STS API reference, AssumeRole", 'IAM user guide, "IAM identifiers"'),
        not_in_templates="A template does not contain the role that deploys it.",
    ),
    Code(
        "M1608",
        "The role belongs to another account than the environment.",
        "Credentials of a role are for the account that the role belongs to. Stacks are created "
        "there, so `account` must be the same.",
        "Write the ARN of a role in the account of the environment, or correct `account`.",
        """\
account: "123456789012"
role: arn:aws:iam::123456789012:role/deploy  # of the same account
""",
        ("AWS STS API reference, AssumeRole",),
        not_in_templates="A template does not contain the role that deploys it.",
    ),
)
