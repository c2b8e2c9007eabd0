"""M1200 to M1299: stacks, containers and ports that params name, and what they must fit to."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_CONTAINERS = "Amazon ECS API reference, ContainerDefinition"
_RULE_QUOTAS = "Application Load Balancers user guide, Quotas for your Application Load Balancers"

CODES: tuple[Code, ...] = (
    Code(
        "M1201",
        "There is no stack of that name, or it does not fit.",
        "The setting names another stack of this environment. There is none of that name, it is of "
        "another kind, or it is in another network than this stack.",
        "Write the name of a stack below `stacks:`. For a VPC, cluster or load balancer that "
        "exists and was not built by Moorage, add a stack with `existing:` and name that.",
        """\
stacks:
  theirs:
    template: cluster
    existing: {name: my-cluster}
  web:
    template: service
    cluster: theirs
""",
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
    ),
    Code(
        "M1203",
        "The task has a size that ECS does not have.",
        "Fargate has tasks of certain numbers of CPU units, each with certain amounts of memory. "
        "On instances a task has 128 to 196,608 CPU units (0.125 to 192 vCPUs).",
        "Write one of the pairs of `cpu` and `memory` that the message names.",
        """\
template: service
cpu: 512
memory: 1024  # 1024, 2048, 3072 or 4096 with 512 CPU units
""",
        (
            "Amazon ECS API reference, RegisterTaskDefinition, cpu",
            "Amazon ECS developer guide, Amazon ECS task definition parameters for Fargate",
        ),
    ),
    Code(
        "M1204",
        "There is no container of that name.",
        "The setting names a container of the same task: one of `containers:`, `proxy`, or a "
        "sidecar. Where the task has more than one, the setting must name one.",
        "Write the name of a container that the task has.",
        """\
containers:
  app: {image: "ecr:shop/app:1.0", ports: [3000]}
  metrics: {image: "ecr:shop/metrics:1.0", ports: [9090]}
expose:
  - {via: public, paths: [/], container: app}
""",
    ),
    Code(
        "M1205",
        "The container has no such port.",
        "A target group, a health check or a proxy sends requests to a port that no container "
        "listens on, as far as its `ports:` say.",
        "Add the port to the `ports:` of the container, or name a port that it has.",
        """\
containers:
  web: {image: "ecr:shop/web:1.0", ports: [8080]}
expose:
  - {via: public, paths: [/], port: 8080}  # one of `ports:`
""",
        ("Amazon ECS API reference, LoadBalancer, containerPort",),
    ),
    Code(
        "M1206",
        "The port is already in use.",
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
    ),
    Code(
        "M1207",
        "The containers cannot start in this order.",
        "`depends_on` makes a container wait for another. Containers that wait for each other, for "
        "the exit of an essential container (which ends the task), or for the health of a "
        "container without a health check, never start.",
        "Remove the dependency, or change the condition as the message says.",
        """\
containers:
  app:
    image: ecr:shop/app:1.0
    depends_on: {migrate: SUCCESS}
  migrate:
    image: ecr:shop/app:1.0
    command: [migrate]
    essential: false  # it exits, and the task goes on
""",
        ("Amazon ECS API reference, ContainerDependency",),
    ),
    Code(
        "M1208",
        "A secret is written in plain text.",
        "Values of `environment:` are in the template and in the task definition, where everybody "
        "who is allowed to describe them can read them. A dynamic reference such as "
        "`{{resolve:...}}` is replaced by CloudFormation, so the value is in the task definition "
        "too.",
        "Put the value into Secrets Manager or the SSM Parameter Store and name it in `secrets:`. "
        "A value that only looks like a secret is listed in `not_secret:`.",
        """\
containers:
  web:
    image: ecr:shop/web:1.0
    secrets: {DB_PASSWORD: "secretsmanager:shop/db:password"}
    environment: {TOKEN_URL: https://example.com/token}
    not_secret: [TOKEN_URL]
""",
        ("Amazon ECS developer guide, Pass Secrets Manager secrets through environment variables",),
    ),
    Code(
        "M1209",
        "Two entries take the same requests.",
        "Two routes of a listener have the same conditions or the same priority, two listeners "
        "have the same port, or two locations of a proxy have the same path. AWS refuses the "
        "second one; or it depends on chance which of them a request reaches.",
        "Change the conditions, the priority, the port or the path of one of them.",
        """\
expose:
  - {via: public, paths: [/api/*]}
  - {via: public, paths: [/admin/*]}  # not /api/* again
""",
        ("Application Load Balancers user guide, Listener rules",),
    ),
    Code(
        "M1210",
        "The certificate is in another region.",
        "A load balancer uses certificates of its own region only. Certificates in us-east-1 are "
        "for CloudFront.",
        "Request or import the certificate in the region of the environment.",
        """\
template: alb
certificate: arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d  # of this region
""",
        ("AWS Certificate Manager user guide, Services integrated with AWS Certificate Manager",),
    ),
    Code(
        "M1211",
        "The task cannot reach what it needs to start.",
        "Before its containers run, ECS pulls images, reads secrets and creates log streams over "
        "the network of the task. Without a route to the internet or an endpoint for the service, "
        "the task stops with `CannotPullContainerError` or `ResourceInitializationError`.",
        "Give the network a way out (`egress: nat`), add the endpoint that the message names, or "
        "use a source that the network can reach, such as ECR.",
        """\
stacks:
  network:
    egress: endpoints
    endpoints: [sqs]  # in addition to those that every task needs
""",
        (
            "Amazon ECS developer guide, CannotPullContainer task errors in Amazon ECS",
            "Amazon ECS developer guide, Amazon ECS interface VPC endpoints (AWS PrivateLink)",
        ),
    ),
    Code(
        "M1212",
        "The containers do not fit into the task.",
        "CPU units and memory that containers reserve must fit into those of the task, and a "
        "container's hard limit of memory must not be below its reservation. At least one "
        "container must be essential.",
        "Change the sizes as the message says. Sidecars need a share too.",
        """\
template: service
cpu: 512
memory: 1024
containers:
  app: {image: "ecr:shop/app:1.0", memory_reservation: 768}
  metrics: {image: "ecr:shop/metrics:1.0", memory_reservation: 256}  # 1024 together
""",
        (_CONTAINERS + ", memory",),
    ),
    Code(
        "M1213",
        "A deployment can never make progress.",
        "A rolling deployment keeps `minimum_healthy_percent` of the tasks running and has at most "
        "`maximum_percent` of them at once. Where both allow no task to be stopped and none to be "
        "started, the deployment waits until it times out. The same happens where each task needs "
        "an instance for itself and the cluster cannot add one.",
        "Raise `maximum_percent`, lower `minimum_healthy_percent`, or let the cluster grow.",
        """\
template: service
desired_count: 1
minimum_healthy_percent: 100
maximum_percent: 200  # the new task starts before the old one stops
""",
        ("Amazon ECS API reference, DeploymentConfiguration",),
    ),
    Code(
        "M1214",
        "The load balancer does not support the setting.",
        "The setting needs something that the load balancer does not have, such as an HTTPS "
        "listener, a security group, or a protocol.",
        "Change the load balancer or the setting as the message says.",
        """\
stacks:
  public:
    template: alb
    certificate: arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d
  web:
    template: service
    expose:
      - {via: public, paths: [/], protocol_version: GRPC}  # needs HTTPS
""",
        (
            "Application Load Balancers user guide, Listeners for your Application Load Balancers",
            "Network Load Balancers user guide, Listeners for your Network Load Balancers",
        ),
    ),
    Code(
        "M1215",
        "The route has more conditions than a listener rule can have.",
        "A listener rule has at most five condition values and five wildcards. Hosts, paths, "
        "headers, methods, query strings and client addresses count together.",
        "Split the route into two with a `name:` each.",
        """\
expose:
  - {via: public, name: shop, paths: [/shop/*, /cart/*, /pay/*]}
  - {via: public, name: account, paths: [/account/*, /login/*, /logout/*]}
""",
        (_RULE_QUOTAS,),
    ),
    Code(
        "M1216",
        "The service has more target groups than ECS supports.",
        "A service has at most five target groups. Routes to the same container, port and health "
        "check share one.",
        "Let more routes use the same port, or split the service.",
        """\
expose:
  - {via: public, paths: [/api/*], port: 8080}
  - {via: public, paths: [/admin/*], port: 8080}  # the same target group
""",
        (
            "Amazon ECS developer guide, Registering multiple target groups with an Amazon ECS "
            "service",
        ),
    ),
    Code(
        "M1219",
        "The image is not pinned.",
        "A tag such as `latest`, or no tag at all, names another image after each push. Tasks that "
        "start later run other code than those before, without a deployment.",
        "Write a tag that is never moved, or a digest.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2  # not `latest`
""",
        ("Amazon ECS developer guide, Best practices for Amazon ECS container images",),
    ),
    Code(
        "M1221",
        "There is no volume of that name.",
        "A container mounts a volume that the task does not declare below `volumes:`.",
        "Add the volume, or correct the name.",
        """\
volumes:
  data: {efs: true}
containers:
  web:
    image: ecr:shop/web:1.0
    mounts: {data: /data}
""",
        ("Amazon ECS API reference, MountPoint",),
    ),
)
