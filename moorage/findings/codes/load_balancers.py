"""M2300 to M2399: load balancers."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS, UNITS

_CERTIFICATE = (
    "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"
)
_LISTENER = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/0a1b2c3d/4e5f6a7b"
)

CODES: tuple[Code, ...] = (
    Code(
        "M2300",
        "The setting has no effect on an existing load balancer.",
        "With `existing:` the stack creates no load balancer, so there is nothing that the "
        "setting could be applied to.",
        "Remove the setting, or remove `existing:` to create a load balancer.",
        f"""\
template: alb
existing:  # no other settings next to it
  listener: {_LISTENER}
  security_group: sg-0123456789abcdef0
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2302",
        "The network has too few subnets for the load balancer.",
        "An Application Load Balancer needs subnets in at least two Availability Zones, a Network "
        "Load Balancer in at least one. An internet-facing load balancer is created in the public "
        "subnets, an internal one in the private subnets, or in the public ones if there are no "
        "others.",
        "Add subnets to the network.",
        """\
template: network
existing:
  vpc: vpc-0123456789abcdef0
  # two, in different Availability Zones
  public_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
""",
        ("Elastic Load Balancing API reference, CreateLoadBalancer, Subnets",),
        rules=("E3680",),
    ),
    Code(
        "M2303",
        "A dualstack load balancer needs a network with IPv6 addresses.",
        "A dualstack load balancer gets an IPv6 address from each of its subnets, so each subnet "
        "needs an IPv6 CIDR block.",
        "Write `ipv6: true` in the network, or `ip_address_type: ipv4` in the load balancer.",
        """\
template: network
ipv6: true  # required by `ip_address_type: dualstack`
""",
        (
            'Application Load Balancers user guide, "Application Load Balancers"',
            'Network Load Balancers user guide, "Network Load Balancers"',
        ),
        rules=("E9381",),
    ),
    Code(
        "M2304",
        "Moorage does not know the security policy.",
        "The name is not in Moorage's list of the security policies of Elastic Load Balancing. The "
        "deployment fails unless the policy is newer than the list.",
        "Correct the name, or remove `ssl_policy:` to use the default.",
        f"""\
template: alb
certificate: {_CERTIFICATE}
ssl_policy: ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09  # the default
""",
        (
            (
                'Application Load Balancers user guide, "Security policies for your Application '
                'Load Balancer"'
            ),
            'Network Load Balancers user guide, "Security policies for your Network Load Balancer"',
        ),
        rules=("E9509",),
    ),
    Code(
        "M2305",
        "The certificate is listed more than once.",
        "Each certificate of a listener is a resource, and two equal ones would have the same "
        "logical ID.",
        "Keep one of them.",
        f"""\
template: alb
certificate:  # each certificate once
  - {_CERTIFICATE}
""",
        rules=("E3037",),
    ),
    Code(
        "M2306",
        "The client is listed more than once.",
        "CloudFormation creates one security group rule for two equal ones, and deletes it when "
        "either of them is removed from the template. The remaining client could then no longer "
        "connect.",
        "Keep one of them.",
        """\
template: alb
clients: [10.0.0.0/8, 192.168.0.0/16]  # each client once
""",
        ("aws-cloudformation/cloudformation-coverage-roadmap#612",),
        rules=("E9681",),
    ),
    Code(
        "M2307",
        "An IPv6 client cannot connect to a load balancer without IPv6 addresses.",
        "A load balancer with `ip_address_type: ipv4` has IPv4 addresses only, so no IPv6 client "
        "can connect to it.",
        "Remove the client, or write `ip_address_type: dualstack` in the load balancer.",
        """\
template: alb
ip_address_type: dualstack  # in a network with `ipv6: true`
clients: ["2001:db8::/32"]  # needs `dualstack`
""",
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2308",
        "By default no client can connect over IPv6 to the internal load balancer.",
        "The default of `clients:` is the IPv4 block of the network, and a dualstack load "
        "balancer has IPv6 addresses as well. AWS assigns the IPv6 block of a VPC when its stack "
        "is deployed, so it is unknown during the build.",
        "Write the IPv4 and IPv6 blocks of the clients below `clients:`, for an Application Load "
        "Balancer in its stack, for a Network Load Balancer in the entry of `expose:`.",
        """\
template: alb
scheme: internal
ip_address_type: dualstack  # in a network with `ipv6: true`
clients: [10.0.0.0/16, "2001:db8:1234::/56"]  # both IP versions
""",
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2309",
        "An internal load balancer needs a NAT gateway to connect to an identity provider.",
        "An Application Load Balancer connects to the endpoints of the identity provider. An "
        "internal one has no public address, so it can only reach the internet through a NAT "
        "gateway.",
        "Write `egress: nat` in the network, or remove `authentication:`.",
        """\
template: network
egress: nat  # a NAT gateway for connections from private subnets
""",
        (
            (
                'AWS re:Post, "How do I resolve errors when I configure authentication in my '
                'Application Load Balancer?"'
            ),
        ),
        rules=("E9485",),
    ),
    Code(
        "M2310",
        "The setting needs an HTTPS listener.",
        "Only an HTTPS listener has a security policy, rules that authenticate users, and target "
        "groups with the protocol version HTTP/2 or gRPC. The load balancer has none without "
        "`certificate:`.",
        "Add `certificate:` to the load balancer, or remove the setting. For a load balancer with "
        "`existing:`, name its HTTPS listener.",
        f"""\
template: alb
# The certificate creates the HTTPS listener.
certificate: {_CERTIFICATE}
authentication: true
""",
        (
            "Elastic Load Balancing API reference, CreateListener and CreateRule",
            (
                'Application Load Balancers user guide, "Target groups for your Application Load '
                'Balancers"'
            ),
        ),
        rules=(
            "E9475",
            "E9496",
            "E9451",
            "E9456",
        ),
    ),
    Code(
        "M2311",
        "The fixed addresses do not match the scheme.",
        "Elastic IPs are public addresses, which only an internet-facing Network Load Balancer can "
        "have. Private addresses can only be chosen for an internal one.",
        "Write `elastic_ips:` for `scheme: internet-facing`, and `private_addresses:` for "
        "`scheme: internal`.",
        """\
template: nlb
scheme: internal
private_addresses: [10.0.0.10, 10.0.32.10]  # one address of each subnet
""",
        (
            "Elastic Load Balancing API reference, CreateLoadBalancer, SubnetMappings",
            "hashicorp/terraform-provider-aws#15235",
        ),
        rules=("E9390",),
    ),
    Code(
        "M2312",
        "The number of fixed addresses differs from the number of subnets.",
        "A Network Load Balancer has one address in each of its subnets, and either all of them "
        "are fixed or none.",
        "Write one address for each subnet, in the order of the network's Availability Zones.",
        """\
template: nlb
# one for each public subnet
elastic_ips: [eipalloc-0123456789abcdef0, eipalloc-0123456789abcdef1]
""",
        ("Elastic Load Balancing API reference, CreateLoadBalancer, SubnetMappings",),
        not_in_templates=PARAMS,
    ),
    Code(
        "M2313",
        "The private address is not available in its subnet.",
        "The address is outside the subnet's CIDR block, or one of those that AWS reserves: the "
        "first four addresses and the last one.",
        "Write an address of the subnet at the same position, in the order of the network's "
        "Availability Zones.",
        """\
template: nlb
scheme: internal
private_addresses: [10.0.0.10, 10.0.32.10]  # in 10.0.0.0/19 and 10.0.32.0/19
""",
        ('Amazon VPC user guide, "Subnet CIDR blocks"',),
        rules=("E9387",),
    ),
    Code(
        "M2314",
        "The source addresses of health checks are unknown.",
        "The health checks of a Network Load Balancer come from its private addresses. The "
        "security group of the tasks has to allow them, by the security group of the load "
        "balancer or, if it has none, by the CIDR blocks of its subnets.",
        "Write `addresses:` or `security_group:` of the existing load balancer. For a load "
        "balancer without a security group in an existing network, write `cidr:` below "
        "`existing:` of the network.",
        """\
template: nlb
existing:
  arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/edge/0a1b2c3d4e5f6a7b
  addresses: [10.0.0.0/24, 10.0.1.0/24]  # the blocks of its subnets
""",
        ('Network Load Balancers user guide, "Target security groups"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M2315",
        "The PrivateLink setting needs a security group.",
        "The setting decides whether the inbound rules of the load balancer's security group apply "
        "to traffic through PrivateLink, and with `security_group: false` there is none.",
        "Remove the setting, or remove `security_group: false`.",
        """\
template: nlb
enforce_security_group_inbound_rules_on_private_link_traffic: "on"  # with a security group only
""",
        ("Elastic Load Balancing API reference, SetSecurityGroups",),
        rules=("E9398",),
    ),
    Code(
        "M2316",
        "Two load balancers use the same address.",
        "An Elastic IP is associated with one load balancer at most, and so is a private address "
        "of a subnet.",
        "Write another address in one of the two.",
        """\
template: nlb
# not those of another load balancer
elastic_ips: [eipalloc-0123456789abcdef0, eipalloc-0123456789abcdef1]
""",
        rules=(
            "E9382",
            "E9983",
        ),
    ),
    Code(
        "M2320",
        "The expiry of an existing log bucket cannot be set.",
        "Log files are deleted by a lifecycle rule of the bucket, and the stack does not change a "
        "bucket that it did not create.",
        "Remove `expire_after:` and add a lifecycle rule to the bucket, or remove `bucket:` to "
        "have the stack create one.",
        """\
template: alb
access_logs: {expire_after: 30d}  # without `bucket:`
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2321",
        "The age at which S3 deletes objects is not a number of whole days.",
        "The lifecycle rule of an S3 bucket counts the age of objects in days.",
        "Write whole days.",
        """\
template: alb
access_logs: {expire_after: 30d}  # days
""",
        ("Amazon S3 API reference, LifecycleExpiration",),
        not_in_templates=UNITS,
    ),
    Code(
        "M2322",
        "No access logs are written without a TLS listener.",
        "A Network Load Balancer only logs connections to TLS listeners.",
        "Remove `access_logs:`, or terminate TLS at a listener.",
        f"""\
template: service
containers: {{web: {{image: "ecr:web:1", ports: [8080]}}}}
expose:
  - via: edge
    port: 443/tls  # a TLS listener
    target_port: 8080
    certificate: {_CERTIFICATE}
""",
        ('Network Load Balancers user guide, "Access logs"',),
        rules=("W9388",),
    ),
    Code(
        "M2330",
        "Two aliases are the same DNS record.",
        "A hosted zone has only one record of a name and type, so the second resource that "
        "creates it fails to deploy.",
        "Remove one of the two, or change its name.",
        """\
template: alb
aliases:  # each zone and name once in the environment
  - {zone: Z0123456789ABCDEFGHIJ, name: www.example.com}
""",
        ("Amazon Route 53 API reference, ChangeResourceRecordSets",),
        rules=("E9983",),
    ),
    Code(
        "M2331",
        "No route matches the DNS name of an alias.",
        "All routes of the load balancer are for other hosts, so it answers all requests to this "
        "name with 404.",
        "Add the name to the `hosts:` of a route, or remove the alias.",
        """\
stacks:
  public:
    template: alb
    aliases: [{zone: Z0123456789ABCDEFGHIJ, name: www.example.com}]
  web:
    template: service
    containers: {web: {image: "ecr:web:1", ports: [8080]}}
    expose: [{via: public, hosts: [www.example.com]}]  # the name of the alias
""",
        not_in_templates="Another stack can have a rule for the name.",
    ),
    Code(
        "M2332",
        "Clients of an internet-facing load balancer do not have private addresses.",
        "The DNS name of an internet-facing load balancer has public addresses. Clients reach "
        "these from public addresses too. Those in a VPC use the one of its NAT gateway.",
        "Write the public addresses of the clients, or use a load balancer with `scheme: "
        "internal`.",
        """\
template: alb
scheme: internal
clients: [10.0.0.0/8]  # private addresses reach an internal load balancer
""",
        ('Elastic Load Balancing user guide, "Load balancer scheme"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2333",
        "An internet-facing load balancer has no certificate.",
        "Without `certificate:` the load balancer has a listener for HTTP only, and anyone between "
        "the clients and AWS can read and change the requests.",
        "Write the ARN of a certificate in ACM. If HTTP is intended, for example in a development "
        "environment, write `certificate: []`.",
        f"""\
template: alb
certificate: {_CERTIFICATE}
""",
        ("AWS Security Hub user guide, ELB.1",),
        not_in_templates=ALLOWED,
    ),
)
