"""M1500 to M1599: texts that must have a certain form, such as durations and ARNs."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED

CODES: tuple[Code, ...] = (
    Code(
        "M1500",
        "The value is not a duration.",
        "A duration is a whole number and a unit: `s`, `m`, `h` or `d` for seconds, minutes, "
        "hours or days. A number without a unit could mean any of them.",
        "Write a number and one unit, without a space and without fractions.",
        """\
containers:
  web:
    stop_timeout: 90s  # not 90, 1.5m or 1m30s
""",
    ),
    Code(
        "M1501",
        "CloudWatch Logs has no such retention period.",
        "A log group keeps its events for one of the periods that CloudWatch Logs offers, "
        "such as 1, 3, 5, 7, 14, 30, 60 or 90 days.",
        "Write one of the periods that the message lists.",
        """\
logs:
  retention: 14d  # not 10d
""",
        ("CloudFormation template reference, AWS::Logs::LogGroup, RetentionInDays",),
        rules=("E3030",),
    ),
    Code(
        "M1502",
        "A list contains a value twice.",
        "A second entry with the same value has no effect, or AWS refuses the list.",
        "Remove one of the two entries.",
        """\
capacity:
  ec2:
    instance_types: [t3.medium, t3a.medium]  # each type once
""",
        rules=("E3037",),
    ),
    Code(
        "M1503",
        "The text does not have the form that the setting requires.",
        "The setting takes text of a certain form, for example the ID of a VPC or the ARN of an "
        "IAM policy. AWS refuses other text, or finds no resource with it.",
        "Write text of the form that the message names, like its example.",
        """\
existing:
  vpc: vpc-0123456789abcdef0  # the ID of the VPC, not its name
""",
        rules=("E1151",),
    ),
    Code(
        "M1504",
        "The value is not a CIDR block.",
        "A CIDR block is the first address of a network and the length of its prefix. The "
        "bits after the prefix must be 0.",
        "Write the first address of the network and the prefix length.",
        """\
clients: [10.20.0.0/16]  # not 10.20.0.1/16
""",
        rules=("E3002",),
    ),
    Code(
        "M1505",
        "The value is not an IPv4 address.",
        "The setting takes the address of one host, which is four numbers from 0 to 255.",
        "Write an address without a prefix length.",
        """\
template: nlb
scheme: internal
private_addresses: [10.0.0.10, 10.0.32.10]  # one in each subnet
""",
        rules=("E9387",),
    ),
    Code(
        "M1506",
        "The value is not an IPv4 CIDR block.",
        "The setting takes a CIDR block of IPv4 addresses. IPv6 has its own settings, such as "
        "`ipv6: true` of a network.",
        "Write an IPv4 CIDR block.",
        """\
cidr: 10.0.0.0/16  # IPv4
ipv6: true  # adds an IPv6 CIDR block that Amazon assigns
""",
        rules=("E3002",),
    ),
    Code(
        "M1507",
        "The schedule expression is not valid.",
        "EventBridge Scheduler accepts `cron(...)` with six fields, `rate(...)` and "
        "`at(...)`. The fields of `cron` are minutes, hours, day of the month, month, day of "
        "the week and year. Exactly one of the two days must be `?`, and days of the week are "
        "numbered from 1 (SUN) to 7 (SAT), or written as names.",
        "Write one of the three forms. The message converts an expression of a crontab.",
        """\
schedule: cron(30 6 ? * MON-FRI *)  # in a crontab: 30 6 * * 1-5
""",
        ('EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler"',),
        rules=("E9058",),
    ),
    Code(
        "M1508",
        "The time zone is unknown.",
        "The time zone is not in the time zone database of the machine that runs the build. "
        "EventBridge Scheduler and Application Auto Scaling refuse a name that is not in their own "
        "databases. Those can differ from this one, so this is a warning.",
        "Write the name of a time zone as the IANA time zone database has it.",
        """\
schedule: cron(0 3 * * ? *)
time_zone: Europe/Berlin  # a name of the IANA time zone database
""",
        ('EventBridge Scheduler user guide, "Schedule types in EventBridge Scheduler"',),
        not_in_templates="There is no list of the time zones that AWS accepts.",
    ),
    Code(
        "M1509",
        "The length of the flexible time window is not valid.",
        "A flexible time window of EventBridge Scheduler is a whole number of minutes, from 1 "
        "to 1440.",
        "Write whole minutes, from `1m` to `1d`.",
        """\
schedule: rate(1 hour)
flexible_window: 15m  # whole minutes
""",
        ("EventBridge Scheduler API reference, FlexibleTimeWindow, MaximumWindowInMinutes",),
        rules=("E3034",),
    ),
    Code(
        "M1510",
        "The resource is not in the environment's region.",
        "Stacks use KMS keys, queues, namespaces, listeners and the like of their own region only. "
        "The region is the fourth part of an ARN.",
        "Write the ARN of a resource in the environment's region.",
        """\
# of an environment with region: eu-central-1
repositories:
  shop/web:
    encryption: KMS
    # the same region in the ARN
    kms_key: arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
""",
        rules=("E9465",),
    ),
    Code(
        "M1520",
        "Two statements of a policy have the same Sid.",
        "IAM refuses a policy in which two statements have the same Sid.",
        "Write another Sid for one of the statements, or remove it: a Sid is optional.",
        """\
task_role:
  statements:
    - {Sid: ReadUploads, Action: s3:GetObject, Resource: "arn:aws:s3:::uploads/*"}
    - {Sid: ListUploads, Action: s3:ListBucket, Resource: "arn:aws:s3:::uploads"}  # another Sid
""",
        ('IAM user guide, "IAM JSON policy elements: Sid"',),
        rules=("E3510",),
    ),
    Code(
        "M1521",
        "A statement has both an element and its negation, or neither.",
        "A statement has either `Action` or `NotAction`, and either `Resource` or "
        "`NotResource`. IAM refuses a statement with both or with neither.",
        "Write one of the two elements.",
        """\
task_role:
  statements:
    - Action: s3:GetObject  # without `NotAction`
      Resource: arn:aws:s3:::uploads/*  # without `NotResource`
""",
        (
            'IAM user guide, "IAM JSON policy elements: NotAction"',
            'IAM user guide, "IAM JSON policy elements: NotResource"',
        ),
        rules=("E3510",),
    ),
    Code(
        "M1522",
        "The text is not an IAM action.",
        "An action is the prefix of a service, a colon and the name of an action, with `*` "
        "and `?` as wildcards.",
        "Write the action as the Service Authorization Reference lists it.",
        """\
task_role:
  statements:
    - Action: dynamodb:Query  # not `Query`
      Resource: arn:aws:dynamodb:*:*:table/orders
""",
        ('IAM user guide, "IAM JSON policy elements: Action"',),
        rules=(
            "W3037",
            "E9746",
        ),
    ),
    Code(
        "M1523",
        "The text is not the ARN of a resource.",
        "A statement names resources by their ARNs, or applies to all resources with `*`. IAM "
        "refuses other names.",
        "Write an ARN, with `*` and `?` as wildcards, or `*` for actions that do not apply to "
        "single resources.",
        """\
task_role:
  statements:
    - {Action: s3:GetObject, Resource: "arn:aws:s3:::uploads/*"}  # not `uploads/*`
""",
        ('IAM user guide, "IAM JSON policy elements: Resource"',),
        rules=(
            "E3510",
            "E9750",
        ),
    ),
    Code(
        "M1524",
        "A statement allows all actions of all services.",
        "A task with such a role can do everything that the account allows, and so can everyone "
        "who takes control of the task. `NotAction` with `Effect: Allow` allows every action that "
        "it does not list.",
        "Write the actions that the task needs.",
        """\
task_role:
  statements:
    - Action: [s3:GetObject, s3:PutObject]  # not `*`
      Resource: arn:aws:s3:::uploads/*
""",
        ('IAM user guide, "Security best practices in IAM"',),
        not_in_templates=ALLOWED,
    ),
)
