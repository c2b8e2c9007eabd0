"""M1900 to M1999: references to values of other stacks and from outside of the environment."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_DYNAMIC = 'CloudFormation user guide, "Get a plaintext value from Systems Manager Parameter Store"'

CODES: tuple[Code, ...] = (
    Code(
        "M1900",
        "A map is no reference, or a reference is incomplete or names two values.",
        "A reference is a map in place of a value: `stack` and `output` for an output of a stack "
        "of this environment, `export` for an export of another stack, or `ssm` for a parameter "
        "of Parameter Store.",
        "Write one of the three forms.",
        """\
template: service
security_groups:
  - {stack: jobs, output: SecurityGroupId}
  - {export: shared-ClientSecurityGroup}
  - {ssm: /shared/client-security-group}
""",
    ),
    Code(
        "M1901",
        "The stack has no such output.",
        "`output` is the name of an output in the template of the stack that the reference names. "
        "A stack with `existing:` has no template, and a stack cannot import from itself.",
        "Write the name of an output that the template of the stack has. `overrides:` can add one.",
        """\
template: worker
overrides:
  Outputs:
    DeadLetterQueueName:  # for `{stack: ..., output: DeadLetterQueueName}`
      Value: {Fn::GetAtt: [DeadLetterQueue, QueueName]}
containers:
  jobs: {image: "ecr:shop/jobs:1.0"}
""",
    ),
    Code(
        "M1902",
        "The output is of another kind than the value that is needed.",
        "What an output is follows from its value in the template: `Ref` of a queue is its URL, "
        "and `Fn::GetAtt` with `Arn` its ARN. AWS refuses the one where the other is needed.",
        "Refer to an output of the right kind.",
        """\
template: service
containers:
  web:
    image: ecr:shop/web:1.0
    secrets:
      DB_PASSWORD: {stack: shop-db, output: SecretArn, key: password}  # `Ref` of the secret
""",
        ("CloudFormation template reference, the return values of each resource type",),
        rules=(
            "E9270",
            "E9384",
        ),
    ),
    Code(
        "M1903",
        "A parameter of Parameter Store cannot be used for this value.",
        "Moorage needs a part of the value, such as the name of a queue from its ARN, and takes it "
        "with `Fn::Split`. CloudFormation evaluates functions before it replaces a dynamic "
        "reference by the value of the parameter, so it would split the reference.",
        "Write the value itself, or an output or export.",
        """\
template: worker
queue: {existing: {arn: {export: legacy-OrdersQueueArn}}}  # not `{ssm: ...}`
containers:
  orders: {image: "ecr:shop/orders:1.0"}
""",
        (_DYNAMIC, "aws-cloudformation/cfn-lint, issue 2181"),
        rules=("E9981",),
    ),
    Code(
        "M1904",
        "The template has too many references to Parameter Store.",
        "CloudFormation resolves at most 60 dynamic references in a template.",
        "Write some of the values themselves, use exports, or split the stack.",
        """\
template: service
containers:
  web:
    image: ecr:shop/web:1.0
    environment: {API_URL: {export: shared-ApiUrl}}  # does not count
""",
        (
            (
                'CloudFormation user guide, "Get values stored in other services using dynamic '
                'references"'
            ),
        ),
        rules=("E9982",),
    ),
)
