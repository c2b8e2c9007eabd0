"""M1200 to M1299: references between stacks and containers, and what must fit together."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import PARAMS

_CONTAINERS = "Amazon ECS API reference, ContainerDefinition"
_RULE_QUOTAS = 'Application Load Balancers user guide, "Quotas for your Application Load Balancers"'

CODES: tuple[Code, ...] = (
    Code(
        "M1201",
        "There is no stack of that name, or it is of another kind.",
        "The setting names another stack of this environment. There is none of that name, or its "
        "kind is not the one that the setting needs.",
        "Write the name of a stack below `stacks:`. For a VPC, cluster or load balancer that was "
        "not created by Moorage, add a stack with `existing:` and write its name.",
        """\
stacks:
  existing-cluster:
    template: cluster
    existing: {name: my-cluster}
  web:
    template: service
    cluster: existing-cluster  # a name below `stacks:`
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M1202",
        "The stack to use cannot be chosen: there is none, or more than one.",
        "A service needs a network and a cluster, a load balancer needs a network. The only stack "
        "of that kind is used by default; where there are more, one must be named.",
        "Add the stack, or name the one to use.",
        """\
stacks:
  blue: {template: network}
  green: {template: network, cidr: 10.1.0.0/16}
  web:
    template: service
    network: blue  # needed, because there are two
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M1203",
        "Fargate has no tasks of this size.",
        "Tasks on Fargate have certain numbers of CPU units, each with certain amounts of memory.",
        "Write one of the pairs of `cpu` and `memory` that the message names.",
        """\
template: service
cpu: 512
memory: 1024  # 1024, 2048, 3072 or 4096 with 512 CPU units
""",
        ('Amazon ECS developer guide, "Amazon ECS task definition parameters for Fargate"',),
        rules=(
            "E3047",
            "E9192",
        ),
    ),
    Code(
        "M1204",
        "There is no container of that name.",
        "The setting names a container of the same task: one of `containers:`, `proxy`, or a "
        "sidecar.",
        "Write the name of a container that the task has.",
        """\
containers:
  app: {image: "ecr:shop/app:1.0", ports: [3000]}
  metrics: {image: "ecr:shop/metrics:1.0", ports: [9090]}
expose:
  - {via: public, paths: [/], container: app}  # one of the names above
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M1205",
        "The container has no such port.",
        "A target group, a health check, a proxy or an endpoint refers to a port of a container "
        "that is not in its `ports:`. ECS refuses a service whose load balancer refers to a port "
        "that is not in the task definition.",
        "Add the port to the `ports:` of the container, or name a port that it has.",
        """\
containers:
  web: {image: "ecr:shop/web:1.0", ports: [8080]}
expose:
  - {via: public, paths: [/], port: 8080}  # one of `ports:`
""",
        ("Amazon ECS API reference, LoadBalancer, containerPort",),
        rules=("E9220",),
    ),
    Code(
        "M1206",
        "The port is in use already.",
        "Containers of a task with network mode `awsvpc` share one network interface, so two of "
        "them cannot listen on one port. With other network modes the same is true of the ports of "
        "an instance.",
        "Let one of the containers listen on another port.",
        """\
containers:
  app: {image: "ecr:shop/app:1.0", ports: [3000]}
  metrics: {image: "ecr:shop/metrics:1.0", ports: [9090]}  # not 3000 too
""",
        ("Amazon ECS API reference, PortMapping, hostPort",),
        rules=(
            "E9118",
            "E9104",
        ),
    ),
    Code(
        "M1207",
        "The containers wait for each other.",
        "A container starts after the containers that its `depends_on` and `links` name. "
        "Containers that wait for each other in a circle never start.",
        "Remove one of the dependencies.",
        """\
containers:
  app:
    image: ecr:shop/app:1.0
    depends_on: {migrate: SUCCESS}
  migrate:  # without `depends_on: {app: ...}`
    image: ecr:shop/app:1.0
    command: [migrate]
    essential: false
""",
        ("Amazon ECS API reference, ContainerDependency",),
        rules=("E9106",),
    ),
    Code(
        "M1208",
        "A secret is written in plain text.",
        "Environment variables, commands, labels, options and URLs are in the template and in the "
        "task definition, where everybody who is allowed to describe them can read them. A value "
        "is taken for a secret if it has the form of one, such as an access key or a password in "
        "a URL, or if its name says so, as in `DB_PASSWORD` or `--token`. CloudFormation "
        "replaces a dynamic reference such as `{{resolve:...}}` by the value, which is then in the "
        "task definition too.",
        "Store the value in Secrets Manager or in Parameter Store and write its name in "
        "`secrets:`. List a variable, label or option of a command that only looks like a secret "
        "in `not_secret:`.",
        """\
containers:
  web:
    image: ecr:shop/web:1.0
    secrets: {DB_PASSWORD: "secretsmanager:shop/db:password"}  # a name, not the value
    environment: {TOKEN_URL: https://example.com/token}
    not_secret: [TOKEN_URL]
""",
        (
            (
                'Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS '
                'environment variables"'
            ),
        ),
        rules=("W9156",),
    ),
    Code(
        "M1210",
        "The certificate is not in the environment's region.",
        "A load balancer uses certificates of its own region only. Certificates in us-east-1 are "
        "for CloudFront.",
        "Request or import the certificate in the region of the environment.",
        """\
template: alb
certificate: arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d  # of this region
""",
        (
            (
                'AWS Certificate Manager user guide, "Services integrated with AWS Certificate '
                'Manager"'
            ),
        ),
        rules=("E9465",),
    ),
    Code(
        "M1212",
        "The containers do not fit into the task.",
        "The CPU units and the memory that the containers reserve must fit into those of the "
        "task, and the memory limit of a container must not be above the memory of the task. "
        "Sidecars need a share too.",
        "Lower what the containers reserve, or raise `cpu` or `memory` of the task.",
        """\
template: service
cpu: 512
memory: 1024
containers:
  app: {image: "ecr:shop/app:1.0", memory_reservation: 768}
  metrics: {image: "ecr:shop/metrics:1.0", memory_reservation: 256}  # 1024 together
""",
        (_CONTAINERS + ", memory",),
        rules=("E9109",),
    ),
    Code(
        "M1213",
        "A deployment can never make progress.",
        "A rolling deployment keeps `minimum_healthy_percent` of the tasks running and has at "
        "most `maximum_percent` of them at once. If the two limits allow ECS neither to stop a "
        "task nor to start one, the deployment waits until it times out.",
        "Raise `maximum_percent`, or lower `minimum_healthy_percent`.",
        """\
template: service
desired_count: 1
minimum_healthy_percent: 100
maximum_percent: 200  # the new task starts before the old one stops
""",
        ("Amazon ECS API reference, DeploymentConfiguration",),
        rules=("E9290",),
    ),
    Code(
        "M1215",
        "The route has more conditions than a listener rule can have.",
        "A listener rule has at most five condition values and five wildcards. (For wildcards, "
        "pages of AWS say five or six.) Hosts, paths, headers, methods, query strings and IP "
        "addresses of clients count together.",
        "Split the route into two, each with a `name:`.",
        """\
expose:
  - {via: public, name: shop, paths: [/shop/*, /cart/*, /pay/*]}  # three values of five
  - {via: public, name: account, paths: [/account/*, /login/*, /logout/*]}
""",
        (_RULE_QUOTAS,),
        rules=("E9510",),
    ),
    Code(
        "M1216",
        "The service has more target groups than ECS supports.",
        "A service has at most five target groups. Routes to the same container, port and health "
        "check share one.",
        "Forward more routes to the same port, or split the service.",
        """\
expose:
  - {via: public, name: api, paths: [/api/*], port: 8080}
  - {via: public, name: admin, paths: [/admin/*], port: 8080}  # the same target group
""",
        (
            (
                'Amazon ECS developer guide, "Registering multiple target groups with an Amazon '
                'ECS service"'
            ),
        ),
        rules=("E9225",),
    ),
    Code(
        "M1219",
        "The image is not pinned.",
        "A tag such as `latest`, or no tag at all, refers to another image after each push. Tasks "
        "that start after it run the new code, without a deployment.",
        "Write a tag that is never moved, or a digest. An image with `build:` can have its version "
        "from the `--image` that `moorage image push` prints.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2  # not `latest`
""",
        ('Amazon ECS developer guide, "Best practices for Amazon ECS container images"',),
        rules=("W9128",),
    ),
    Code(
        "M1221",
        "There is no volume of that name.",
        "`mounts:` of a container names a volume that the task does not have in `volumes:`.",
        "Add the volume, or correct the name.",
        """\
volumes:
  data: {efs: true}
containers:
  web:
    image: ecr:shop/web:1.0
    mounts: {data: /data}  # a name in `volumes:`
""",
        ("Amazon ECS API reference, MountPoint",),
        rules=("E9165",),
    ),
)
