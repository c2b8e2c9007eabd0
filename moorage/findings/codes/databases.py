"""M3650 to M3699: databases and caches."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_CLASSES = "cfn-lint, schema extensions of AWS::RDS::DBInstance"

CODES: tuple[Code, ...] = (
    Code(
        "M3650",
        "The network has too few private subnets for a database or a cache.",
        "The subnet group of a database must cover two Availability Zones, and a serverless cache "
        "needs two or three. Databases and caches are in private subnets only, where they cannot "
        "be reached from the internet.",
        "Write the IDs of more private subnets in the stack of the network, each in another "
        "Availability Zone; for a network that Moorage creates, more `availability_zones`.",
        """\
stacks:
  network:
    existing:
      vpc: vpc-0123456789abcdef0
      private_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]  # two or more
  shop-db: {template: database, engine: postgresql}
""",
        (
            'Amazon RDS user guide, "Working with a DB instance in a VPC"',
            "Amazon ElastiCache API reference, CreateServerlessCache",
        ),
    ),
    Code(
        "M3651",
        "The identifier of a database or a cache is too long.",
        "The identifier is the name of the CloudFormation stack. It is fixed, so that "
        "CloudFormation refuses an update that would replace the database by an empty one. RDS "
        "allows 63 characters, ElastiCache 40.",
        "Shorten the name of the stack, of the environment or of the application.",
        """\
stacks:
  sessions: {template: cache}  # not customer-sessions-of-the-shop
""",
        (
            "Amazon RDS API reference, CreateDBInstance and CreateDBCluster",
            "Amazon ElastiCache API reference, CreateReplicationGroup",
        ),
        rules=("E3033",),
    ),
    Code(
        "M3652",
        "The engine does not have this major version.",
        "Moorage takes the major versions that RDS and Aurora offer for new databases. RDS chooses "
        "the minor version and upgrades it.",
        "Write a major version, in quotes, or remove `version`.",
        """\
stacks:
  shop-db: {template: database, engine: postgresql, version: "17"}  # not "17.4"
""",
        ("Amazon RDS API reference, DescribeDBEngineVersions",),
        rules=("E3691",),
    ),
    Code(
        "M3653",
        "The engine has no such instance class.",
        "RDS and Aurora offer different classes of instances, and not all sizes of each.",
        "Write a class that the engine has, such as `db.t4g.medium` or `db.r8g.large`.",
        """\
stacks:
  shop-db: {template: database, engine: mysql, instance_class: db.m8g.large}
""",
        (_CLASSES,),
        rules=("E3025", "E3062"),
    ),
    Code(
        "M3654",
        "The name of a database or of its user is reserved.",
        "The engine uses the name itself, or it is a key word of its SQL. Without `name`, it is "
        "that of the stack.",
        "Write another name.",
        """\
stacks:
  order: {template: database, engine: postgresql, name: shop_orders}  # `order` is a key word
""",
        (
            'PostgreSQL documentation, "SQL Key Words"',
            'MySQL reference manual, "The mysql System Schema"',
        ),
    ),
    Code(
        "M3655",
        "The limit of the storage is too close to its size.",
        "RDS requires that the limit up to which storage grows is at least a tenth above its size. "
        "If both are the same, the storage does not grow.",
        "Write a greater `max_size`, or the same number as `size`.",
        """\
stacks:
  shop-db: {template: database, engine: mysql, storage: {size: 100, max_size: 500}}
""",
        (
            'Amazon RDS user guide, "Managing capacity automatically with Amazon RDS storage '
            'autoscaling"',
        ),
    ),
    Code(
        "M3656",
        "A setting of DB instances has no effect with Aurora.",
        "The storage of an Aurora cluster grows by itself and is in three Availability Zones. What "
        "takes over for a failed instance is a reader.",
        "Remove the setting; for high availability, write `readers`.",
        """\
stacks:
  shop-db: {template: database, engine: postgresql, aurora: {readers: 1}}  # not `multi_az`
""",
        ('Amazon Aurora user guide, "High availability for Amazon Aurora"',),
        rules=("E3682",),
    ),
    Code(
        "M3657",
        "The instances have both a class and a range of capacity.",
        "Instances of Aurora either have a class, and with it a fixed capacity, or the capacity "
        "follows the load.",
        "Remove `instance_class` or `aurora.capacity`.",
        """\
stacks:
  shop-db:
    template: database
    engine: postgresql
    aurora: {capacity: {min: 1, max: 16}}  # without `instance_class`
""",
        ('Amazon Aurora user guide, "Using Aurora Serverless v2"',),
    ),
    Code(
        "M3658",
        "The greatest capacity is too small.",
        "The greatest capacity of a serverless instance is at least 1 ACU, and not less than the "
        "least one.",
        "Write a greater `max`.",
        """\
stacks:
  shop-db:
    template: database
    engine: postgresql
    aurora: {capacity: {min: 2, max: 8}}
""",
        ("Amazon RDS API reference, ServerlessV2ScalingConfiguration",),
    ),
    Code(
        "M3659",
        "A retention is not a number of whole days.",
        "RDS and ElastiCache count the age of backups and snapshots in days.",
        "Write whole days.",
        """\
stacks:
  shop-db: {template: database, engine: postgresql, backups: 14d}  # not 36h
""",
    ),
    Code(
        "M3660",
        "The instance class does not support Database Insights.",
        "With MySQL, the smallest burstable classes have too little memory for it.",
        "Remove `insights`, which is then off, or write a larger class.",
        """\
stacks:
  shop-db: {template: database, engine: mysql, instance_class: db.t4g.micro}  # without `insights`
""",
        (
            'Amazon RDS user guide, "Amazon RDS DB engine, Region, and instance class support for '
            'Database Insights"',
        ),
    ),
    Code(
        "M3661",
        "A capacity is not a multiple of half an ACU.",
        "The capacity of serverless instances has steps of 0.5 ACUs.",
        "Write a multiple of 0.5.",
        """\
stacks:
  shop-db:
    template: database
    engine: postgresql
    aurora: {capacity: {min: 0.5, max: 4}}  # not 0.3
""",
        ("Amazon RDS API reference, ServerlessV2ScalingConfiguration",),
    ),
    Code(
        "M3670",
        "A setting of serverless caches has no effect with nodes.",
        "The size of a cache with nodes is the type and the number of its nodes, and its subnet "
        "group has all private subnets.",
        "Remove the setting, or remove `nodes`.",
        """\
stacks:
  sessions: {template: cache, nodes: {type: cache.t4g.small, replicas: 1}}  # without `limits`
""",
    ),
)
