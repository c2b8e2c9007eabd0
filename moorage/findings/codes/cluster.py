"""M2100 to M2199: clusters and the instances of their capacity."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import NO_EFFECT, PARAMS, USER_DATA

CODES: tuple[Code, ...] = (
    Code(
        "M2100",
        "The setting has no effect on an existing cluster.",
        "With `existing:` the stack creates no cluster, so there is nothing that the setting "
        "could be applied to.",
        "Remove the setting, or remove `existing:` to create a cluster.",
        """\
template: cluster
existing:  # no other settings next to it
  name: shop
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2101",
        "More than one capacity provider has a base.",
        "The base is the number of tasks that run on a capacity provider before the others "
        "get a share. ECS accepts a base for one capacity provider of a strategy only.",
        "Remove `base` from all but one of the capacity providers.",
        """\
default_strategy:
  FARGATE: {base: 2, weight: 1}  # the only one with `base`
  FARGATE_SPOT: {weight: 3}
""",
        ("Amazon ECS API reference, CapacityProviderStrategyItem, base",),
        rules=("E9211",),
    ),
    Code(
        "M2102",
        "No capacity provider has a weight above 0.",
        "ECS places tasks on capacity providers with a weight above 0 only. It refuses to "
        "create a service with a strategy in which all weights are 0.",
        "Write a weight for at least one of the capacity providers.",
        """\
default_strategy:
  FARGATE: {weight: 1}  # above 0
""",
        ("Amazon ECS API reference, CapacityProviderStrategyItem, weight",),
        rules=("E9212",),
    ),
    Code(
        "M2103",
        "The minimum is above the maximum.",
        "AWS refuses a minimum that is above its maximum.",
        "Raise `max`, or lower `min`.",
        """\
capacity:
  ec2: {min: 1, max: 4}  # min <= max
""",
        rules=(
            "E3706",
            "E9206",
        ),
    ),
    Code(
        "M2104",
        "The instance types have different processor architectures.",
        "All instances of the Auto Scaling group have the same AMI, which is for x86 or for "
        "Graviton (Arm) processors.",
        "Keep types of one of the two architectures.",
        """\
capacity:
  ec2:
    instance_types: [t4g.small, m7g.medium]  # all Graviton
""",
        ('Amazon EC2 user guide, "Instance type naming conventions"',),
        not_in_templates="The ID or the parameter of an AMI does not show its architecture.",
    ),
    Code(
        "M2105",
        "Instances with termination protection are not replaced at their maximum lifetime.",
        "With termination protection, instances with tasks are protected from scale-in, and "
        "Amazon EC2 Auto Scaling does not replace protected instances.",
        "Write `termination_protection: false`. ECS moves the tasks of an instance before it "
        "is terminated.",
        """\
capacity:
  ec2:
    max_instance_lifetime: 14d
    termination_protection: false  # so that instances can be replaced
""",
        (
            'Amazon EC2 Auto Scaling user guide, "Replace Auto Scaling instances based on maximum '
            'instance lifetime"',
        ),
        rules=("W9218",),
    ),
    Code(
        "M2106",
        "There is no ECS-optimized AMI with GPU drivers for Graviton.",
        "With `gpu: true` the instances have the ECS-optimized AMI with drivers for GPUs, "
        "which AWS publishes for x86 processors only.",
        "Write x86 instance types with GPUs, or the ID of an AMI with the drivers.",
        """\
capacity:
  ec2:
    gpu: true
    instance_types: [g5.xlarge]  # x86
""",
        ('Amazon ECS developer guide, "Amazon ECS-optimized Linux AMIs"',),
        not_in_templates="The ID or the parameter of an AMI does not show its drivers.",
    ),
    Code(
        "M2107",
        "Moorage sets this setting of the ECS agent.",
        "The user data of the instances has the name of the cluster and the settings for task "
        "roles, log drivers and Spot Instances. A second value would conflict with them.",
        "Remove the setting. Use `spot` and `instance_metadata` of the params instead.",
        """\
capacity:
  ec2:
    spot: true  # writes ECS_ENABLE_SPOT_INSTANCE_DRAINING
    agent: {ECS_IMAGE_PULL_BEHAVIOR: prefer-cached}
""",
        ('Amazon ECS developer guide, "Amazon ECS container agent configuration"',),
        not_in_templates=USER_DATA,
    ),
    Code(
        "M2108",
        "The ECS agent has no such setting.",
        "The settings of the ECS agent have names that begin with `ECS_`, in capital letters. "
        "The agent ignores others.",
        "Write the name of a setting as the Amazon ECS developer guide has it.",
        """\
capacity:
  ec2:
    agent: {ECS_LOGLEVEL: debug}  # not LOGLEVEL
""",
        ('Amazon ECS developer guide, "Amazon ECS container agent configuration"',),
        not_in_templates=USER_DATA,
    ),
    Code(
        "M2109",
        "The value of an agent setting has more than one line.",
        "Each setting is one line of the file `/etc/ecs/ecs.config`.",
        "Write the value in one line.",
        """\
capacity:
  ec2:
    agent: {ECS_LOGLEVEL: debug}  # one line
""",
        not_in_templates=USER_DATA,
    ),
    Code(
        "M2110",
        "The network has no subnets of this kind for the instances.",
        "The instances run in the public or in the private subnets of the network, and the "
        "network has none of that kind.",
        "Choose the other kind with `subnets`, or list the subnets in the network.",
        """\
stacks:
  network:
    existing:
      vpc: vpc-0123456789abcdef0
      private_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
  cluster:
    capacity:
      ec2: {subnets: private}  # the kind that the network has
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2111",
        "Instances in private subnets cannot reach ECS.",
        "The ECS agent of an instance registers with ECS over HTTPS. With `egress: public` "
        "private subnets have no route to the internet and no VPC endpoints, so the instances "
        "never join the cluster.",
        "Write `subnets: public` for the instances, or another `egress` for the network.",
        """\
stacks:
  network: {egress: nat}  # a route to the internet for private subnets
  cluster:
    capacity:
      ec2: {subnets: private}
""",
        ('Amazon ECS developer guide, "Amazon ECS container instances"',),
        not_in_templates=USER_DATA,
    ),
    Code(
        "M2112",
        "The network has no endpoints for the ECS agent.",
        "With `egress: endpoints` instances in private subnets reach only services with a VPC "
        "endpoint. The ECS agent calls `ecs`, `ecs-agent` and `ecs-telemetry`, for which the "
        "network creates none by default, because tasks on Fargate do not need them.",
        "Add the three services to `endpoints` of the network.",
        """\
stacks:
  network:
    egress: endpoints
    endpoints: [ecs, ecs-agent, ecs-telemetry]  # for instances
  cluster:
    capacity: {ec2: true}
""",
        ('Amazon ECS developer guide, "Amazon ECS interface VPC endpoints (AWS PrivateLink)"',),
        not_in_templates=USER_DATA,
    ),
    Code(
        "M2113",
        "The name of a capacity provider begins with `aws`, `ecs` or `fargate`.",
        "CloudFormation forms the name of a capacity provider from that of the stack, which begins "
        "with `app`. ECS refuses names that begin with one of these words.",
        "Write another `app`, or give the capacity provider a name by `overrides`.",
        """\
app: shop-ecs  # not ecs-shop
""",
        ("Amazon ECS API reference, CreateCapacityProvider, name", "aws/aws-cdk#29151"),
        rules=("E9204",),
    ),
    Code(
        "M2114",
        "Two clusters have the same name.",
        "The name identifies a cluster in an account and region, so the second stack cannot create "
        "a cluster of this name.",
        "Write another name, or remove it: CloudFormation then chooses one.",
        """\
stacks:
  blue: {template: cluster, name: shop-blue}
  green: {template: cluster, name: shop-green}
""",
        ("AWS CloudFormation user guide, AWS::ECS::Cluster, Return values, Ref",),
        rules=("E9983",),
    ),
)
