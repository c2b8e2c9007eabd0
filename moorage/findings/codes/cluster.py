"""M2100 to M2199: clusters and the instances of their capacity."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "M2100",
        "Settings of an existing cluster have no effect.",
        "With `existing` the stack creates no cluster, so there is nothing that the other "
        "settings could be applied to.",
        "Remove the other settings, or remove `existing` to create a cluster.",
        """\
template: cluster
existing:  # no other settings next to it
  name: shop
""",
    ),
    Code(
        "M2101",
        "More than one capacity provider has a base.",
        "The base is the number of tasks that run on a capacity provider before the others "
        "get a share. ECS accepts a base for one capacity provider of a strategy only.",
        "Remove `base` from all but one of the capacity providers.",
        """\
default_strategy:
  FARGATE: {base: 2, weight: 1}
  FARGATE_SPOT: {weight: 3}
""",
        ("Amazon ECS API reference, CapacityProviderStrategyItem, base",),
    ),
    Code(
        "M2102",
        "No capacity provider has a weight above 0.",
        "ECS places tasks on capacity providers with a weight above 0 only. It refuses to "
        "create a service with a strategy in which all weights are 0.",
        "Write a weight for at least one of the capacity providers.",
        """\
default_strategy:
  FARGATE: {weight: 1}
""",
        ("Amazon ECS API reference, CapacityProviderStrategyItem, weight",),
    ),
    Code(
        "M2103",
        "The minimum is above the maximum.",
        "No number is at least the minimum and at most the maximum, so AWS refuses the two.",
        "Raise `max`, or lower `min`.",
        """\
capacity:
  ec2: {min: 1, max: 4}
""",
    ),
    Code(
        "M2104",
        "The instance types have different processors.",
        "All instances of the Auto Scaling group have the same AMI, which is for x86 or for "
        "Graviton (Arm) processors.",
        "Keep types of one of the two.",
        """\
capacity:
  ec2:
    instance_types: [t4g.small, m7g.medium]  # all Graviton
""",
        ('Amazon EC2 user guide, "Instance type naming conventions"',),
    ),
    Code(
        "M2105",
        "Protected instances are never replaced by age.",
        "With termination protection, instances with tasks are protected from scale-in, and "
        "Amazon EC2 Auto Scaling does not replace protected instances that reach the maximum "
        "lifetime.",
        "Write `termination_protection: false`. ECS moves the tasks of an instance before it "
        "is terminated.",
        """\
capacity:
  ec2:
    max_instance_lifetime: 14d
    termination_protection: false
""",
        (
            'Amazon EC2 Auto Scaling user guide, "Replace Auto Scaling instances based on maximum '
            'instance lifetime"',
        ),
    ),
    Code(
        "M2106",
        "There is no ECS-optimized AMI with GPU drivers for Graviton.",
        "With `gpu: true` the instances have the ECS-optimized AMI with drivers for GPUs, "
        "which AWS publishes for x86 processors only.",
        "Write x86 types with GPUs, or the id of an AMI with the drivers.",
        """\
capacity:
  ec2:
    gpu: true
    instance_types: [g5.xlarge]
""",
        ('Amazon ECS developer guide, "Amazon ECS-optimized Linux AMIs"',),
    ),
    Code(
        "M2107",
        "Moorage sets this setting of the ECS agent.",
        "The user data of the instances has the name of the cluster and the settings for task "
        "roles, log drivers and Spot Instances. A second value would conflict with it.",
        "Remove the setting. The settings of the params are `spot` and `instance_metadata`.",
        """\
capacity:
  ec2:
    spot: true  # writes ECS_ENABLE_SPOT_INSTANCE_DRAINING
    agent: {ECS_IMAGE_PULL_BEHAVIOR: prefer-cached}
""",
        ('Amazon ECS developer guide, "Amazon ECS container agent configuration"',),
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
    agent: {ECS_LOGLEVEL: debug}
""",
        ('Amazon ECS developer guide, "Amazon ECS container agent configuration"',),
    ),
    Code(
        "M2109",
        "The value of an agent setting has more than one line.",
        "Each setting is one line of the file `/etc/ecs/ecs.config`.",
        "Write the value in one line.",
        """\
capacity:
  ec2:
    agent: {ECS_LOGLEVEL: debug}
""",
    ),
    Code(
        "M2110",
        "The network has no subnets for the instances.",
        "The instances are started in the public or in the private subnets of the network, "
        "which lists none of that kind.",
        "Choose the other kind with `subnets`, or list the subnets in the network.",
        """\
stacks:
  network:
    existing:
      vpc: vpc-0123456789abcdef0
      private_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
  cluster:
    capacity:
      ec2: {subnets: private}
""",
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
  network: {egress: nat}
  cluster:
    capacity:
      ec2: {subnets: private}
""",
        ('Amazon ECS developer guide, "Amazon ECS container instances"',),
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
    endpoints: [ecs, ecs-agent, ecs-telemetry]
""",
        ('Amazon ECS developer guide, "Amazon ECS interface VPC endpoints (AWS PrivateLink)"',),
    ),
)
