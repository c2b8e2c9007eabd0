"""M1700 to M1799: targets in several accounts and regions."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_DEPLOYMENT_TARGETS = "CloudFormation API reference, DeploymentTargets"
_PREFERENCES = "CloudFormation API reference, StackSetOperationPreferences"
_BEST_PRACTICES = (
    'CloudFormation user guide, "Best practices for using AWS CloudFormation StackSets"'
)

_FORM = (
    Code(
        "M1701",
        "`targets` names no account.",
        "StackSets deploys to accounts, or to all accounts in organizational units of AWS "
        "Organizations.",
        "Write `organizational_units:` or `accounts:`.",
        """\
targets:
  organizational_units: [ou-ab12-0123abcd]  # or accounts
  regions: [eu-central-1]
""",
        (_DEPLOYMENT_TARGETS,),
    ),
    Code(
        "M1702",
        "The region of the environment is not one of its targets.",
        "`region` is where the stack sets are, and where the environment is built for. StackSets "
        "itself could manage them from any region; Moorage checks templates for the regions that "
        "they are deployed to.",
        "Write one of the regions in `targets` as `region`, or add that region.",
        """\
region: eu-central-1
targets:
  accounts: ["111122223333"]
  regions: [eu-central-1, eu-west-1]  # with the region above
""",
    ),
    Code(
        "M1703",
        "There are too many organizational units.",
        "An operation of StackSets takes 50 organizational units.",
        "Name the organizational unit that contains several of them, or the root: their child "
        "units are included.",
        """\
targets:
  organizational_units: [r-ab12]  # the root: every account but the management account
  regions: [eu-central-1]
""",
        ("CloudFormation API reference, CreateStackInstances",),
    ),
    Code(
        "M1704",
        "The setting has no effect with these targets.",
        "With `organizational_units`, AWS Organizations gives StackSets its permissions "
        "(service-managed). With `accounts` alone, roles in each account do (self-managed). Some "
        "settings exist for one of these only. A filter needs both, and `retain_stacks` needs "
        "`auto_deployment`.",
        "Remove the setting, or write what it needs.",
        """\
targets:
  accounts: ["111122223333"]
  execution_role: stacksets-execution  # not with organizational_units
  regions: [eu-central-1]
""",
        ("CloudFormation API reference, CreateStackSet", _DEPLOYMENT_TARGETS),
    ),
    Code(
        "M1705",
        "More accounts at once than the failure tolerance allows.",
        "With strict concurrency, which is the default, CloudFormation deploys to at most one "
        "account more than may fail, so that never more accounts fail than that.",
        "Write a smaller `max_concurrent`, a higher `failure_tolerance`, or `concurrency_mode: "
        "soft`.",
        """\
targets:
  accounts: ["111122223333", "444455556666", "777788889999"]
  regions: [eu-central-1]
  max_concurrent: 3
  failure_tolerance: 2  # at least max_concurrent - 1
""",
        (_PREFERENCES,),
    ),
    Code(
        "M1706",
        "The targets are in several partitions.",
        "Accounts belong to one partition of AWS, such as the standard regions or those of China. "
        "A stack set cannot reach accounts in another one.",
        "Deploy the regions of each partition as an environment of their own.",
        """\
region: eu-central-1
targets:
  accounts: ["111122223333"]
  regions: [eu-central-1, us-east-1]  # not cn-north-1
""",
        ('IAM user guide, "Identify AWS resources with Amazon Resource Names (ARNs)"',),
    ),
)

_TEMPLATES = (
    Code(
        "M1707",
        "`${account}` or `${region}` has the same value in all targets.",
        "`${account}` and `${region}` are replaced when the params are read, by `account` and "
        "`region` at the top of the file. A stack set has one template for all accounts and "
        "regions, so the value would be wrong in the others.",
        "Write a value that fits all targets, or a reference without account and region, which "
        "Moorage completes by those of the stack.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2  # of the account and region of each stack
    secrets: {DB_PASSWORD: "ssm:/shop/${env}/db_password"}
""",
    ),
    Code(
        "M1708",
        "A finding of another region of `targets`.",
        "The environment is built and checked for each region of `targets`. What is reported "
        "here is wrong in one of them, and right in the region of the environment. A stack set "
        "has one template for all of them.",
        "Write what fits all regions, or deploy the region as an environment of its own.",
        """\
targets:
  accounts: ["111122223333"]
  regions: [eu-central-1]  # without a region that lacks something
""",
        ("CloudFormation API reference, CreateStackSet",),
    ),
    Code(
        "M1709",
        "The template differs between the regions of `targets`.",
        "Some templates depend on the region, such as permissions for an image that AWS keeps in "
        "another account in each region. A stack set has one template for all regions.",
        "Remove what the message names, or deploy the region as an environment of its own.",
        """\
targets:
  accounts: ["111122223333"]
  regions: [eu-central-1]  # eu-west-1 in its own params file
""",
        ("CloudFormation API reference, CreateStackSet",),
    ),
    Code(
        "M1710",
        "StackSets runs no tasks.",
        "The task of a `one_off` is started after its stack is deployed, in the same account. "
        "StackSets deploys stacks and does nothing else.",
        "Remove the stack from this environment, and run the task in each account by another way.",
        """\
template: scheduled_task  # not one_off
""",
    ),
    Code(
        "M1711",
        "StackSets cannot keep the weights of target groups.",
        "During a release that shifts traffic, the live weights of target groups differ from those "
        "in the template. `moorage deploy` reads them before each update, in the account of the "
        "stack. An update through StackSets would set them back.",
        "Write `strategy: rolling`.",
        """\
release: {strategy: rolling}  # not blue_green, linear, canary or codedeploy
""",
    ),
    Code(
        "M1712",
        "Service-managed permissions do not allow nested stacks, macros and transforms.",
        "The execution role that StackSets creates in accounts of an organization cannot create "
        "nested stacks, nor expand transforms and macros.",
        "Remove it from `overrides:`, or write `accounts` without `organizational_units`.",
        """\
overrides:
  Resources: {}  # no AWS::CloudFormation::Stack
""",
        ('CloudFormation user guide, "Configure a custom execution role template for StackSets"',),
    ),
    Code(
        "M1713",
        "The stacks of a stack set cannot all have this name.",
        "Names of IAM resources and dashboards are unique in an account, for all regions "
        "together; those of S3 buckets in all accounts together; a record in its hosted zone. "
        "The stacks of a stack set would have the same name, and all but the first would fail.",
        "Remove the name, so that CloudFormation makes one, or form it with pseudo parameters.",
        """\
overrides:
  Resources:
    TaskRole:
      Properties:
        RoleName: {"Fn::Sub": "shop-${AWS::Region}"}  # not a text
""",
        (_BEST_PRACTICES, "CloudFormation template reference, AWS::CloudWatch::Dashboard"),
        rules=("W9961",),
    ),
    Code(
        "M1714",
        "The resource exists in one account or region only.",
        "Subnets, security groups, certificates and other resources belong to one region, and all "
        "of them to one account. A stack set has one template for all targets, so all other stacks "
        "would fail. Some resources, such as subnets and namespaces, can be shared with other "
        "accounts; therefore it is a warning if only the account differs, except for policies of "
        "IAM.",
        "Let a stack of this environment create the resource: imports between stacks are resolved "
        "in each account and region.",
        """\
stacks:
  network: {cidr: 10.20.0.0/16}  # not existing: it is created in each account and region
""",
        (
            'ACM user guide, "Supported Regions"',
            'IAM user guide, "Managed policies and inline policies"',
            'AWS Cloud Map developer guide, "Shared AWS Cloud Map namespaces"',
            'Amazon VPC user guide, "Share your VPC subnets with other accounts"',
        ),
    ),
    Code(
        "M1715",
        "Organizational units cannot be targets in this partition.",
        "Service-managed permissions need the trusted access of StackSets to AWS Organizations, "
        "which the regions of China do not have.",
        "Write `accounts`, and create the roles of self-managed permissions in them.",
        """\
region: cn-north-1
targets:
  accounts: ["111122223333"]  # not organizational_units
  regions: [cn-north-1]
""",
        ('CloudFormation user guide for China, "Prerequisites for stack set operations"',),
    ),
)

CODES: tuple[Code, ...] = (*_FORM, *_TEMPLATES)
