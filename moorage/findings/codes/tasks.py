"""M2700 to M2799: tasks as a whole, and their launch types."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ACCOUNT, ALLOWED, NO_EFFECT, PARAMS, PROGRAM

_FARGATE = 'Amazon ECS developer guide, "Amazon ECS task definition differences for Fargate"'
_NETWORKING = 'Amazon ECS developer guide, "Amazon ECS task networking options for EC2"'
_PORT_MAPPING = "Amazon ECS API reference, PortMapping"

_TASKS = (
    Code(
        "M2701",
        "ECS has no tasks of this size on instances.",
        "On instances a task has 128 to 196,608 CPU units (0.125 to 192 vCPUs) and at least 6 MiB "
        "of memory. RegisterTaskDefinition refuses other values.",
        "Write a size in this range.",
        """\
launch: ec2
cpu: 256  # 1024 are one vCPU
memory: 512  # MiB
""",
        ("Amazon ECS API reference, RegisterTaskDefinition",),
        rules=("E9181",),
    ),
    Code(
        "M2702",
        "The setting has no effect on an existing role or log group.",
        "With `existing:` the stack refers to the role or log group and does not change it.",
        "Remove the setting, or remove `existing:` to create a role or log group.",
        """\
task_role:
  existing: arn:aws:iam::123456789012:role/shop  # without `statements:` and other keys
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2703",
        "The role needs a higher quota for managed policies.",
        "IAM attaches 10 managed policies to a role unless the quota of the account is raised, to "
        "20 at most. With a lower quota the deployment fails.",
        "Request a higher quota before the deployment, or write `statements:` instead of policies.",
        """\
task_role:
  statements:  # in place of managed policies
    - {Action: "s3:GetObject", Resource: "arn:aws:s3:::shop-uploads/*"}
""",
        ('IAM user guide, "IAM and AWS STS quotas"',),
        rules=("W9993",),
    ),
    Code(
        "M2704",
        "None of the secrets is in the region of the KMS key.",
        "A secret is encrypted with a key of its own region.",
        "Write the ARN of a key in the region of the secrets. For a secret in another region, "
        "write its whole ARN in `secrets`.",
        """\
# of an environment with region: eu-central-1
kms_keys: ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
""",
        not_in_templates="A secret that is replicated has a key in each of its regions.",
    ),
    Code(
        "M2705",
        "The existing cluster does not list the capacity provider.",
        "ECS refuses a service with a capacity provider that its cluster does not have. Moorage "
        "takes the capacity providers of an existing cluster from its `existing:`.",
        "If the cluster has it, add it to `capacity_providers` below `existing:` of the cluster.",
        """\
stacks:
  cluster:
    existing:
      name: shop
      capacity_providers: [FARGATE, FARGATE_SPOT]  # those that it has
""",
        ("Amazon ECS API reference, CapacityProviderStrategyItem",),
        rules=("E9210",),
    ),
    Code(
        "M2706",
        "The network has no subnets of this kind for the tasks.",
        "In network mode `awsvpc` each task has an IP address in a subnet, and the network has no "
        "subnets of that kind.",
        "Write the other kind in `subnets:`, or add subnets to the network.",
        """\
subnets: private  # the kind that the network has
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2707",
        "The subnets of the tasks have no route out of the VPC.",
        "A private subnet of a network with `egress: public` has neither a NAT gateway nor "
        "endpoints: the tasks can pull no image, read no secret and write no logs.",
        "Write `subnets: public` for the tasks, or `egress: nat` for the network.",
        """\
stacks:
  network: {egress: nat}  # a route to the internet for private subnets
  web: {template: service, subnets: private}
""",
        rules=("E9605",),
    ),
    Code(
        "M2708",
        "A task on instances gets no public IP address.",
        "In network mode `awsvpc`, only Fargate assigns a public IP address to a task. Without one "
        "a task in a public subnet cannot reach the internet.",
        "Write `subnets: private` if these subnets have a route out of the VPC, or another "
        "`network_mode`: then the task uses the IP address of its instance.",
        """\
launch: ec2
subnets: private  # with a route to the internet through a NAT gateway
""",
        ('Amazon ECS developer guide, "Allocate a network interface for an Amazon ECS task"',),
        rules=("E9203",),
    ),
    Code(
        "M2709",
        "The image cannot be pulled through the endpoints of the network.",
        "A network with `egress: endpoints` has no route to the internet. Its endpoints reach "
        "private ECR repositories of the same region only. With a pull through cache, the first "
        "pull of an image works only if the VPC has a NAT gateway too.",
        "Push the image to an ECR repository in the region. With a pull through cache, pull it "
        "once from elsewhere, and again for each new tag.",
        """\
containers:
  web: {image: "ecr:shop/web:1.4.2"}  # in the region of the environment
""",
        ('Amazon ECR user guide, "Amazon ECR interface VPC endpoints (AWS PrivateLink)"',),
        rules=(
            "E9605",
            "E9625",
        ),
    ),
    Code(
        "M2710",
        "The secret cannot be read through the endpoints of the network.",
        "A network with `egress: endpoints` has no route to the internet, and its endpoints reach "
        "services of the same region only.",
        "Create the secret in the region of the tasks.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    secrets: {DB_PASSWORD: "ssm:/shop/db_password"}  # in the region of the environment
""",
        rules=("E9625",),
    ),
    Code(
        "M2711",
        "The network has no endpoint for a service that the tasks use.",
        "A network with `egress: endpoints` has no route to the internet: tasks reach only the "
        "services that the network has endpoints for.",
        "Add the service to `endpoints` of the network, or write `egress: nat`.",
        """\
stacks:
  network: {egress: endpoints, endpoints: [sqs]}  # for the queue of the worker
  mailer: {template: worker}
""",
        ('Amazon ECS developer guide, "Amazon ECS interface VPC endpoints (AWS PrivateLink)"',),
        rules=("E9625",),
    ),
    Code(
        "M2712",
        "The container is privileged.",
        "A privileged container has all permissions of root on its instance. Whoever controls it "
        "controls the instance, and all other tasks on it with their roles and secrets.",
        "Remove `privileged`, and write only what the container needs in `add_capabilities` and "
        "`devices`.",
        """\
launch: ec2
containers:
  probe:
    image: ecr:shop/probe:1.4.2
    add_capabilities: [NET_ADMIN]  # not `privileged`
""",
        ('Amazon ECS developer guide, "Amazon ECS task and container security best practices"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2713",
        "The tasks have public IP addresses that they do not need.",
        "Tasks on Fargate in public subnets get public IP addresses. Only their security groups "
        "then keep the internet away, and the network has private subnets from which tasks reach "
        "what they need.",
        "Remove `subnets: public`.",
        """\
stacks:
  network: {egress: nat}
  web: {template: service}  # in private subnets, without `subnets: public`
""",
        ('Amazon ECS developer guide, "Fargate task networking"',),
        not_in_templates=ALLOWED,
    ),
)

_LAUNCH_TYPES = (
    Code(
        "M2721",
        "The setting is for Fargate only.",
        "ECS refuses it, or ignores it, for tasks that run on instances.",
        "Remove the setting, or write it in the params of an environment that runs the tasks on "
        "Fargate.",
        """\
launch: fargate
ephemeral_storage: 50  # GiB
""",
        (_FARGATE,),
        rules=(
            "E9254",
            "E9194",
        ),
    ),
    Code(
        "M2722",
        "The setting is for tasks on instances only.",
        "Fargate does not give tasks access to the host: it refuses privileged containers, "
        "devices, GPUs, swap, another size of `/dev/shm`, Linux capabilities other than "
        "`SYS_PTRACE` and network modes other than `awsvpc`. It also chooses the host itself.",
        "Remove the setting, or write `launch: ec2`.",
        """\
launch: ec2  # not fargate
network_mode: bridge
""",
        (_FARGATE,),
        rules=(
            "E9180",
            "E9183",
            "E9200",
        ),
    ),
    Code(
        "M2723",
        "The cluster has no instances of this launch type.",
        "Tasks of the launch types `ec2` and `managed_instances` run on instances that belong to "
        "the cluster.",
        "Add them to `capacity` of the cluster. If an existing cluster has them already, write "
        "them below its `existing:`.",
        """\
stacks:
  cluster: {capacity: {ec2: {instance_types: [t3.small], max: 2}}}  # the instances
  web: {template: service, launch: ec2}
""",
        not_in_templates=ACCOUNT,
    ),
    Code(
        "M2724",
        "Managed instances do not have this network mode.",
        "Tasks on ECS Managed Instances run in the network modes `awsvpc` and `host`.",
        "Write `network_mode: awsvpc` or `host`, or `launch: ec2`.",
        """\
launch: managed_instances
network_mode: awsvpc  # not bridge
""",
        (
            'Amazon ECS developer guide, "Amazon ECS task definition differences for Amazon ECS '
            'Managed Instances"',
        ),
        rules=("E9111",),
    ),
    Code(
        "M2725",
        "The setting needs network mode `awsvpc`.",
        "With `bridge` and `host` a task uses the IP address and the security groups of its "
        "instance. Subnets, security groups, names of service discovery and Service Connect, and "
        "rules for `reaches` need an address of the task.",
        "Write `network_mode: awsvpc`, or remove the setting. Subnets and security groups of "
        "instances are written in `capacity` of the cluster.",
        """\
launch: ec2
network_mode: awsvpc  # an IP address for each task
subnets: private
""",
        (_NETWORKING,),
        rules=(
            "E9255",
            "E9353",
        ),
    ),
    Code(
        "M2726",
        "The security group of the instances is unknown.",
        "Tasks in network mode `bridge` or `host` use the security group of their instances. Rules "
        "for load balancers and for mount targets of EFS refer to it.",
        "Write its ID as `security_group` below `existing:` of the cluster.",
        """\
stacks:
  cluster:
    existing:
      name: shop
      ec2:
        capacity_provider: shop-ec2
        security_group: sg-0123456789abcdef0  # that of the instances
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2727",
        "The instances have another CPU architecture than the images.",
        "ECS places a task only on an instance with the CPU architecture of its task definition.",
        "Write the architecture of the instances in `cpu_architecture:`, or choose other "
        "`instance_types`.",
        """\
stacks:
  cluster: {capacity: {ec2: {instance_types: [t4g.small]}}}
  web: {template: service, launch: ec2, cpu_architecture: ARM64}  # Graviton, as t4g
""",
        ("Amazon ECS API reference, RuntimePlatform",),
        not_in_templates="A template does not show which image an AMI parameter names.",
    ),
    Code(
        "M2728",
        "The instances of the cluster have no GPUs for tasks.",
        "ECS places a container with GPUs only on an instance that has them, with an AMI that has "
        "the drivers.",
        "Write `gpu: true` in the `capacity` of the cluster, with `instance_types` that have GPUs.",
        """\
stacks:
  cluster: {capacity: {ec2: {gpu: true, instance_types: [g5.xlarge]}}}  # with GPUs
""",
        ('Amazon ECS developer guide, "Amazon ECS task definitions for GPU workloads"',),
        not_in_templates="A template does not show which instances a cluster has.",
    ),
    Code(
        "M2729",
        "The tasks and their instances are in different networks.",
        "A task that runs on an instance is in the VPC of the instance.",
        "Write the network of the instances in `network:`.",
        """\
stacks:
  cluster: {capacity: {ec2: {network: network}}}
  web: {template: service, launch: ec2, network: network}  # the same
""",
        not_in_templates="A template does not show which instances a cluster has.",
    ),
    Code(
        "M2730",
        "The cluster has too few instances for a deployment.",
        "Each task needs an instance without another task of the service, because it uses a port "
        "of the instance or has the placement constraint `distinct_instance`. A deployment starts "
        "a new task before it stops an old one, so it needs one instance more than the tasks that "
        "must keep running.",
        "Raise `max` in the `capacity` of the cluster, or write `minimum_healthy_percent: 0`.",
        """\
stacks:
  cluster: {capacity: {ec2: {max: 3}}}  # one more than `desired_count`
  web: {template: service, launch: ec2, network_mode: host, desired_count: 2}
""",
        ("Amazon ECS API reference, DeploymentConfiguration",),
        not_in_templates="A template does not show which instances a cluster has.",
    ),
    Code(
        "M2731",
        "Availability Zone rebalancing does not work with this task placement.",
        "ECS rebalances a service over Availability Zones only if its first placement strategy "
        "spreads over them, and no placement constraint selects them.",
        "Write `spread:zone` first, or `availability_zone_rebalancing: false`.",
        """\
launch: ec2
placement_strategies: ["spread:zone", "binpack:memory"]  # `spread:zone` first
""",
        (
            'Amazon ECS developer guide, "Balancing an Amazon ECS service across Availability '
            'Zones"',
        ),
        rules=(
            "E9251",
            "E9253",
        ),
    ),
    Code(
        "M2732",
        "`swappiness` has no effect on Amazon Linux 2023.",
        "The default AMI of `capacity: {ec2: ...}` is Amazon Linux 2023, on which ECS does not "
        "support `swappiness`.",
        "Remove `swappiness:`, or use an AMI with another system.",
        """\
launch: ec2
containers:
  web:
    image: ecr:shop/web:1.4.2
    max_swap: 512  # without `swappiness`
""",
        ("Amazon ECS API reference, LinuxParameters",),
        not_in_templates="A template does not show which operating system an AMI has.",
    ),
    Code(
        "M2733",
        "`egress` does not allow NFS to the mount targets of a volume.",
        "With `egress:`, the security group of the tasks allows NFS to the mount targets of the "
        "stack's own file systems, and to the `security_group:` of existing ones. The group of "
        "this one is unknown.",
        "Write `security_group:` below `existing:` of the volume, or add port 2049 to `egress:`.",
        """\
egress: []
volumes:
  files:
    efs:
      existing:
        file_system: fs-0123456789abcdef0
        access_point: fsap-0123456789abcdef0
        security_group: sg-0123456789abcdef0  # of the mount targets
""",
        ('Amazon EFS user guide, "Using VPC security groups"',),
        rules=("E9715",),
    ),
)

_CONTAINERS = (
    Code(
        "M2741",
        "A container refers to itself.",
        "`links` and `address_of` name other containers of the task.",
        "Write the name of another container. A container reaches itself at 127.0.0.1.",
        """\
containers:
  web: {image: "ecr:shop/web:1.4.2", address_of: {PHP_HOST: php}}  # not `web`
  php: {image: "ecr:shop/php:1.4.2"}
""",
        rules=("E9106",),
    ),
    Code(
        "M2743",
        "Links need network mode `bridge`.",
        "In the network modes `awsvpc` and `host` all containers of a task have the same IP "
        "address, and reach each other at 127.0.0.1.",
        "Remove the link. `address_of` works in every network mode.",
        """\
containers:
  web: {image: "ecr:shop/web:1.4.2", address_of: {PHP_HOST: php}}  # not `links: [php]`
  php: {image: "ecr:shop/php:1.4.2"}
""",
        (_NETWORKING,),
        rules=("E9103",),
    ),
    Code(
        "M2744",
        "The port of the instance is reserved.",
        "SSH, Docker and the ECS agent use the ports 22, 2375, 2376 and 51678 to 51680. With "
        "`bridge`, Docker chooses ports from 32768 to 65535 for containers without a fixed one.",
        "Write another port, or no port of the instance: Docker then chooses a free one.",
        """\
launch: ec2
network_mode: bridge
containers:
  web: {image: "ecr:shop/web:1.4.2", ports: ["80:8080"]}  # port 80 of the instance
""",
        (_PORT_MAPPING,),
        rules=("E9161",),
    ),
    Code(
        "M2745",
        "A port of the instance needs network mode `bridge`.",
        "In the network modes `awsvpc` and `host` a container is reached at the port that it "
        "listens on; ECS refuses a different port of the host.",
        "Write the port of the container alone.",
        """\
containers:
  web: {image: "ecr:shop/web:1.4.2", ports: [8080]}  # not "80:8080"
""",
        (_PORT_MAPPING,),
        rules=("E9120",),
    ),
    Code(
        "M2746",
        "A container has the name of a container that Moorage adds.",
        "The containers of a task have different names. `sidecars:`, `proxy:` and health sidecars "
        "add containers, such as `otel-collector`, `proxy` and, for port 53, `health-53`.",
        "Rename the container. A container that is a proxy can be written as `proxy:` instead.",
        """\
sidecars: {otel: true}  # adds the container `otel-collector`
containers:
  web: {image: "ecr:shop/web:1.4.2"}  # another name
""",
        rules=("E9100",),
    ),
    Code(
        "M2747",
        "The task has more containers than ECS allows.",
        "A task definition has at most 10 containers. Those that `sidecars:` and health sidecars "
        "add count too.",
        "Move containers to another service, or remove a sidecar. A health sidecar is not needed "
        "where `health_check: {port: ...}` names a TCP port.",
        """\
sidecars: {otel: true}
containers:
  web: {image: "ecr:shop/web:1.4.2"}  # two containers with the sidecar
""",
        ('Amazon ECS developer guide, "Amazon ECS service quotas"',),
        rules=("E9991",),
    ),
    Code(
        "M2748",
        "As a sidecar on instances, the Datadog agent collects no metrics of its task.",
        "Datadog documents its agent as a sidecar for Fargate. On instances it runs once on each "
        "instance, for all containers there.",
        "Run the agent as a service on each instance. As a sidecar it takes traces and DogStatsD "
        "metrics only.",
        """\
launch: fargate  # not ec2
sidecars: {datadog: {api_key: "ssm:/shop/datadog_api_key"}}
""",
        ('Datadog documentation, "Amazon ECS"',),
        not_in_templates=PROGRAM,
    ),
)

CODES: tuple[Code, ...] = (*_TASKS, *_LAUNCH_TYPES, *_CONTAINERS)
