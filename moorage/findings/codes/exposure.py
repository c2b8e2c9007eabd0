"""M2550 to M2569: services behind load balancers of both kinds."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, PARAMS

_GUIDE = "Network Load Balancers user guide"
_TARGET_GROUP = "Elastic Load Balancing API reference, CreateTargetGroup"

CODES: tuple[Code, ...] = (
    Code(
        "M2551",
        "The setting has no effect with an Application Load Balancer.",
        "It belongs to a listener of a Network Load Balancer, or to its target group.",
        "Remove the setting, or write the name of a Network Load Balancer in `via`.",
        """\
expose:
  - {via: edge, port: 8443/tcp}  # `edge` is a Network Load Balancer
""",
        rules=(
            "E9450",
            "E9585",
        ),
    ),
    Code(
        "M2552",
        "The setting has no effect with a Network Load Balancer.",
        "It belongs to a rule of an Application Load Balancer, which reads HTTP requests. A "
        "Network Load Balancer does not.",
        "Remove the setting, or write the name of an Application Load Balancer in `via`.",
        """\
expose:
  - {via: public, paths: ["/*"]}  # `public` is an Application Load Balancer
""",
        rules=("E9585",),
    ),
    Code(
        "M2553",
        "The load balancer and the service are in different networks.",
        "A load balancer forwards to target groups in its own VPC only.",
        "Write the network of the load balancer in `network:`, or use a load balancer in the "
        "network of the service.",
        """\
network: network-a
expose:
  - {via: public-a, paths: ["/*"]}  # a load balancer in `network-a`
""",
        (_TARGET_GROUP,),
        rules=("E9680",),
    ),
    Code(
        "M2554",
        "UDP through a dualstack load balancer needs tasks with IPv6 addresses.",
        "A dualstack Network Load Balancer sends UDP packets to the IPv6 addresses of its targets.",
        "Write `ipv6: true` in the network. Below its `existing:`, do so only if its subnets have "
        "IPv6 blocks.",
        """\
stacks:
  network: {ipv6: true}  # for tasks with IPv6 addresses
""",
        (f'{_GUIDE}, "IP address type"',),
        rules=(
            "E9386",
            "E9459",
        ),
    ),
    Code(
        "M2555",
        "Application Load Balancers do not have this kind of health check.",
        "An Application Load Balancer checks health over HTTP and HTTPS only.",
        "Write `protocol: HTTP` or `HTTPS`, and remove `sidecar`.",
        """\
expose:
  - {via: public, paths: ["/*"], health_check: {path: /healthz}}  # over HTTP
""",
        (_TARGET_GROUP,),
        rules=("E9555",),
    ),
    Code(
        "M2556",
        "A port is listed for both TCP and UDP.",
        "ECS refuses a service with a load balancer whose container port is in two port mappings.",
        "Remove one of the two from `ports`. On Fargate that does not close the port: the "
        "container can still be reached over the other protocol.",
        """\
containers:
  dns: {image: "ecr:shop/dns:1.4.2", ports: [53/udp]}  # not `53` as well
""",
        ("aws/amazon-ecs-agent#3428",),
        rules=("E9112",),
    ),
    Code(
        "M2557",
        "Two routes have settings for the same target group.",
        "Routes to the same port through the same load balancer share a target group, so its "
        "settings are written in one of the routes only.",
        "Write all its settings in one of the routes.",
        """\
expose:
  - {via: public, name: app, paths: ["/*"], health_check: {path: /healthz}}
  - {via: public, name: docs, paths: ["/docs/*"]}  # the same target group, without settings
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2559",
        "The load balancer is not allowed to connect to an identity provider.",
        "To log users in, the load balancer connects to the endpoints of the provider, which its "
        "security group must allow.",
        "Write `authentication: true` in the load balancer.",
        """\
stacks:
  public:
    template: alb
    certificate: arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d
    authentication: true  # allows HTTPS to identity providers
""",
        (
            'Application Load Balancers user guide, "Authenticate users using an Application Load '
            'Balancer"',
        ),
        rules=("E9484",),
    ),
    Code(
        "M2560",
        "The service has too few tasks for the Availability Zones of its load balancer.",
        "Without cross-zone load balancing, each address of a Network Load Balancer sends to "
        "tasks in its own Availability Zone only. Clients that use the address of an Availability "
        "Zone without a task cannot connect.",
        "Run a task in each Availability Zone, or write `cross_zone: true` in the load balancer.",
        """\
stacks:
  edge: {template: nlb, cross_zone: true}  # all addresses send to all tasks
""",
        ('AWS re:Post, Knowledge Center, "elb-dns-cross-zone-balance-configuration"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2561",
        "Tasks run in Availability Zones that are not enabled for the load balancer.",
        "A load balancer sends nothing to a target in an Availability Zone that is not enabled for "
        "it.",
        "List one public and one private subnet of each Availability Zone in the network.",
        """\
stacks:
  network:
    existing:
      vpc: vpc-0123456789abcdef0
      # one of each in each Availability Zone
      public_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
      private_subnets: [subnet-0123456789abcdef2, subnet-0123456789abcdef3]
""",
        ('Amazon ECS developer guide, "Troubleshooting service load balancers"',),
        rules=("E9410",),
    ),
    Code(
        "M2562",
        "The entry of `expose:` needs network mode `awsvpc`.",
        "With `bridge` and `host`, load balancers reach tasks through ports of their instance, "
        "which other tasks share: a health sidecar has no fixed port, and with `bridge` Docker "
        "chooses the ports.",
        "Write `network_mode: awsvpc`, or what the message names.",
        """\
launch: ec2
network_mode: awsvpc  # not bridge or host
""",
        ('Amazon ECS developer guide, "Amazon ECS task networking options for EC2"',),
        rules=("E9540",),
    ),
    Code(
        "M2563",
        "A load balancer without a security group cannot reach tasks through their instance.",
        "The security group of the instances allows load balancers by their security groups, and "
        "this one has none.",
        "Use a load balancer with a security group, or write `network_mode: awsvpc`.",
        """\
stacks:
  edge: {template: nlb, security_group: true}  # the default
""",
        rules=("E9690",),
    ),
)
