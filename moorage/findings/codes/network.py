"""M2000 to M2099: networks."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ACCOUNT, NO_EFFECT, PARAMS

CODES: tuple[Code, ...] = (
    Code(
        "M2000",
        "The setting has no effect on an existing network.",
        "With `existing:` the stack creates no VPC, so there is nothing that the setting could be "
        "applied to.",
        "Remove the setting, or remove `existing:` to create a VPC.",
        """\
template: network
existing:  # no other settings next to it
  vpc: vpc-0123456789abcdef0
  private_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2001",
        "The existing network has no subnets in the params.",
        "Load balancers and tasks are created in the subnets that the params list. Without any "
        "there is no place for them.",
        "List the IDs of public subnets, of private subnets, or of both.",
        """\
template: network
existing:
  vpc: vpc-0123456789abcdef0
  # at least one list of subnets
  public_subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2002",
        "A subnet of the existing network is listed twice.",
        "A subnet is public if it has a route to an internet gateway, and private otherwise. A "
        "load balancer accepts one subnet in each Availability Zone, so the same one twice is "
        "refused.",
        "Remove one of the two entries.",
        """\
template: network
existing:
  vpc: vpc-0123456789abcdef0
  public_subnets: [subnet-0123456789abcdef0]
  private_subnets: [subnet-0123456789abcdef1]  # not a public one again
""",
        rules=(
            "E3037",
            "E9400",
        ),
    ),
    Code(
        "M2003",
        "The VPC is too large or too small.",
        "A VPC is at most a /16. For each of up to four Availability Zones it has a subnet of an "
        "eighth and one of a sixteenth of its addresses, and a load balancer needs a subnet of "
        "at least a /27. So the VPC is at least a /23.",
        "Write a block from /16 to /23.",
        """\
template: network
cidr: 10.20.0.0/16  # /16 to /23
""",
        (
            "Amazon EC2 API reference, CreateVpc",
            'Elastic Load Balancing user guide, "Subnets for your load balancer"',
        ),
        rules=("E9683",),
    ),
    Code(
        "M2004",
        "The CIDR block of the VPC contains addresses that no host can have.",
        "Some blocks of IPv4 addresses are reserved, for example for loopback, link-local "
        "addresses and multicast. Packets to them are not routed.",
        "Write a private block: in `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16`.",
        """\
template: network
cidr: 172.16.0.0/16  # a private block
""",
        ("IANA IPv4 Special-Purpose Address Registry (RFC 6890)",),
        rules=("E9684",),
    ),
    Code(
        "M2005",
        "The text is not the name of an Availability Zone.",
        "The name of an Availability Zone is the name of its region and a letter.",
        "Write names such as `eu-central-1a`, or the number of Availability Zones.",
        """\
template: network
availability_zones: [eu-central-1a, eu-central-1b]  # or 2
""",
        not_in_templates="The names of Availability Zones differ between accounts.",
    ),
    Code(
        "M2006",
        "The Availability Zone is not in the environment's region.",
        "A VPC is in one region, and its subnets are in Availability Zones of that region.",
        "Write an Availability Zone of the environment's region.",
        """\
# of an environment with region: eu-central-1
template: network
availability_zones: [eu-central-1a, eu-central-1b]  # of the same region
""",
        not_in_templates="A template does not contain its region.",
    ),
    Code(
        "M2007",
        "An Availability Zone is listed twice.",
        "The network has a public and a private subnet for each entry, so that load balancers and "
        "tasks run in different Availability Zones. Load balancers refuse two subnets in the same "
        "Availability Zone.",
        "Write another Availability Zone, or remove the entry.",
        """\
template: network
availability_zones: [eu-central-1a, eu-central-1b]  # each of them once
""",
        ("Elastic Load Balancing API reference, CreateLoadBalancer, Subnets",),
        rules=("E9400",),
    ),
    Code(
        "M2008",
        "Not every account has that many Availability Zones in the region.",
        "The stack takes the first Availability Zones that the account has in the region. In an "
        "account with fewer of them the deployment fails.",
        "Write a smaller number, or list Availability Zones that the account has.",
        """\
# of an environment with region: ap-northeast-1
template: network
availability_zones: 3  # not 4
""",
        not_in_templates=ACCOUNT,
    ),
    Code(
        "M2009",
        "`endpoints` and `endpoint_access` have no effect without `egress: endpoints`.",
        "Endpoints are for private subnets without a route to the internet. With any other value "
        "of `egress` the stack creates none, and the tasks reach AWS services over the internet.",
        "Write `egress: endpoints`, or remove the key.",
        """\
template: network
egress: endpoints  # not nat or public
endpoints: [sqs, dynamodb]
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2010",
        "The text is not the name of an endpoint service.",
        "`endpoints` lists services by the last part of the name of their endpoint service, such "
        "as `sqs`, `ecr.api` or `execute-api`, or by the full name.",
        "Write the name as AWS PrivateLink has it.",
        """\
template: network
egress: endpoints
endpoints: [sqs, execute-api]  # the last part of com.amazonaws.eu-central-1.sqs
""",
        ('AWS PrivateLink guide, "AWS services that integrate with AWS PrivateLink"',),
        not_in_templates="Everybody can have endpoint services, with names of their own.",
    ),
    Code(
        "M2011",
        "The endpoint service is not in the environment's region.",
        "A VPC endpoint connects to a service in the region of its VPC. The full name of an "
        "endpoint service contains its region.",
        "Write the short name of the service, or the name of the endpoint service in the "
        "environment's region.",
        """\
# of an environment with region: eu-central-1
template: network
egress: endpoints
endpoints: [sts]  # or com.amazonaws.eu-central-1.sts
""",
        not_in_templates="An interface endpoint can be for a service in another region.",
    ),
    Code(
        "M2012",
        "The endpoint is listed twice, or is created anyway.",
        "With `egress: endpoints` the stack creates the endpoints of ECR, S3, CloudWatch Logs, "
        "Secrets Manager and Systems Manager in any case. `endpoints` lists further services, "
        "each of them once.",
        "Remove the entry.",
        """\
template: network
egress: endpoints
endpoints: [sqs]  # in addition to ecr.api, ecr.dkr, s3, logs, secretsmanager, ssm, ssmmessages
""",
        not_in_templates="Two endpoints of a service are allowed if one has no private DNS.",
    ),
)
