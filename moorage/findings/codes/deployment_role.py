"""M3900 to M3999: roles for deployments."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_QUOTAS = 'IAM user guide, "IAM and AWS STS quotas"'
_SERVICE_ROLE = 'CloudFormation user guide, "CloudFormation service role"'

CODES = (
    Code(
        "M3901",
        "An environment has two stacks with the roles for its deployments.",
        "The roles have fixed names, so that pipelines and `role:` can name them, and an account "
        "has only one role of a name.",
        "Keep one of the stacks.",
        """\
stacks:
  deployment: {template: deployment_role}  # the only one
""",
        (_SERVICE_ROLE,),
        rules=("E9983",),
    ),
    Code(
        "M3902",
        "An environment has both roles for deployments and `targets`.",
        "StackSets deploys to its targets with roles that are in these accounts: those of AWS "
        "Organizations, or `execution_role`. It does not use the service role of a stack.",
        "Remove the stack `deployment_role`, or `targets`.",
        """\
app: shop
region: eu-central-1  # without targets
stacks:
  deployment: {template: deployment_role}
""",
        ('CloudFormation user guide, "Prerequisites for using CloudFormation StackSets"',),
    ),
    Code(
        "M3903",
        "The name of a role for deployments is too long.",
        "It consists of the names of the application and of the environment, and of "
        "`-cloudformation`. IAM limits the name of a role.",
        "Shorten `app` or the name of the environment, which is that of its file.",
        """\
app: shop  # shop-<environment>-cloudformation has at most 64 characters
""",
        (_QUOTAS,),
        rules=("E3033",),
    ),
    Code(
        "M3904",
        "Moorage does not know which actions CloudFormation needs for a resource.",
        "The permissions of the service role come from a table with the types of resources of the "
        "services that Moorage builds on. A custom stack kind or `overrides:` has brought another "
        "type, or a custom resource.",
        "Write the actions for the type; the `handlers` in the schema of the type name them. For a "
        "custom resource it is `lambda:InvokeFunction`.",
        """\
stacks:
  deployment:
    template: deployment_role
    actions:
      AWS::Batch::JobQueue: [batch:CreateJobQueue, batch:DeleteJobQueue, batch:DescribeJobQueues]
""",
        ('CloudFormation CLI user guide, "Resource type schema", handlers',),
    ),
    Code(
        "M3905",
        "The permissions of the roles do not fit into a template.",
        "A managed policy has at most 6,144 characters, a role has ten of them, and a template "
        "51,200 bytes. ARNs of the stacks and of their resources take most of that.",
        "Write `new_stacks: true`, so that one ARN matches all stacks of the environment, or "
        "divide the environment.",
        """\
stacks:
  deployment: {template: deployment_role, new_stacks: true}
""",
        (_QUOTAS,),
    ),
    Code(
        "M3906",
        "The service role does not allow what CloudFormation needs for a resource.",
        "CloudFormation deploys the other stacks with this role, so the resource could not be "
        "created or changed. The overrides of the stack removed the permission, or a "
        "statement with Deny or a permissions boundary excludes it.",
        "Remove that part of the overrides, or add the permission to a policy of the role.",
        """\
stacks:
  deployment:
    template: deployment_role
    overrides: {}  # without one that removes statements
""",
        (_SERVICE_ROLE,),
    ),
    Code(
        "M3907",
        "A preview would have roles for deployments of its own.",
        "Each preview would need an administrator, who deploys the roles before `moorage preview "
        "up` can deploy the rest.",
        "Delete the stack from the previews. `role:` in their params names a role that may deploy "
        "all of them.",
        """\
# params/preview.yaml
role: arn:aws:iam::123456789012:role/previews
stacks: {deployment: null}
""",
    ),
)
