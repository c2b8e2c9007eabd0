"""M2600 to M2699: containers."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, PARAMS

CODES: tuple[Code, ...] = (
    Code(
        "M2601",
        "The value is not a port.",
        "A port is a number from 1 to 65535, with its protocol after a slash where that is not "
        "TCP. Containers use `tcp` and `udp`; listeners of a Network Load Balancer also use "
        "`tls`, `tcp_udp`, `quic` and `tcp_quic`. Only `ports` of a container take a port of the "
        "instance before the colon.",
        "Write the number, such as `8080`, or the number and the protocol, such as `53/udp`.",
        """\
containers:
  dns:
    image: ecr:shop/dns:1.0.0
    ports: [8080, 53/udp]  # TCP unless the protocol says otherwise
""",
        ("Amazon ECS API reference, PortMapping",),
        rules=("E3030",),
    ),
    Code(
        "M2602",
        "The value is not a container image.",
        "An image is a repository with a tag or a digest. `ecr:` means the private ECR registry "
        "in the account and region of the stack. Names of repositories are in lower case.",
        "Write `ecr:repository:tag`, `ecr:repository@sha256:...` or `registry/name:tag`, without "
        "a scheme such as `https://` and without spaces.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2  # or public.ecr.aws/nginx/nginx:1.27.3
""",
        ("Amazon ECR API reference, CreateRepository",),
        rules=(
            "E9160",
            "E9179",
        ),
    ),
    Code(
        "M2603",
        "The name of an environment variable is not valid.",
        "Shells and `.env` files cannot set variables with other names. Moorage also accepts the "
        "characters that names such as `node.name` need.",
        "Use letters, digits, `_`, `.`, `:`, `/` and `-` only.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    environment: {LOG_LEVEL: info}  # no spaces, no equals sign
""",
        ('The Open Group Base Specifications, "Environment Variable Definition"',),
        not_in_templates="ECS accepts any name.",
    ),
    Code(
        "M2605",
        "A variable or an option is set in two places.",
        "A container has one value for each environment variable, and a log driver one for each "
        "option. With two values it would not be clear which of them is used.",
        "Remove one of the two, or use another name.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    environment: {LOG_LEVEL: info}
    secrets: {DB_PASSWORD: ssm:/shop/db_password}  # not in `environment` as well
""",
        rules=("E9100",),
    ),
    Code(
        "M2606",
        "`not_secret` names something that the container does not have.",
        "`not_secret` lists variables, labels and options of commands that look like secrets "
        "although they are none. An entry for any other name has no effect; most often it is "
        "misspelled.",
        "Write the name as it is in `environment`, `docker_labels` or the command, or remove the "
        "entry.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    environment: {TOKEN: public-site-key}
    not_secret: [TOKEN]  # the same name as above
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2607",
        "The value is not a reference to a secret.",
        "An entry of `secrets` does not hold a value. It names a parameter of Systems Manager "
        "Parameter Store or a secret of Secrets Manager, which ECS reads when the task starts. "
        "The service is written before the name or the ARN.",
        "Write `ssm:/path/name`, `ssm:<ARN of the parameter>`, `secretsmanager:name` or "
        "`secretsmanager:<ARN of the secret>`. After a secret, `:json-key`, `:stage` and "
        "`:version` can follow.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    secrets:
      DB_PASSWORD: secretsmanager:shop/db:password  # the key `password` of the secret
""",
        (
            'Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS '
            'environment variables"',
        ),
        rules=("E9155",),
    ),
    Code(
        "M2608",
        "The secret's name ends like the random suffix of an ARN.",
        "Secrets Manager appends a hyphen and six random characters to the name in a secret's "
        "ARN. It does not find a secret by an incomplete ARN whose name already ends in a hyphen "
        "and six characters.",
        "Write the complete ARN after `secretsmanager:`.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    secrets:  # the complete ARN, with the suffix that Secrets Manager has appended
      KEY: secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-a1B2c3-x9Y8z7
""",
        ("Secrets Manager API reference, GetSecretValue",),
        not_in_templates="A complete ARN has the same form.",
    ),
    Code(
        "M2609",
        "The value does not name one key of a Secrets Manager secret.",
        "CloudFormation inserts the value when it deploys the stack, by a dynamic reference to "
        "one key of a secret whose value is JSON.",
        "Write `secretsmanager:name:json-key`, or the ARN of the secret instead of its name. A "
        "parameter of Parameter Store cannot be used.",
        """\
expose:
  - via: public
    paths: [/*]
    authenticate:
      oidc:
        issuer: https://login.example.com
        authorization_endpoint: https://login.example.com/authorize
        token_endpoint: https://login.example.com/token
        user_info_endpoint: https://login.example.com/user
        client_id: shop
        client_secret: secretsmanager:shop/login:client_secret  # secret, then key
""",
        (
            "CloudFormation user guide, "
            '"Get values stored in other services using dynamic references"',
        ),
        not_in_templates="A dynamic reference can name the whole secret, too.",
    ),
    Code(
        "M2610",
        "The credentials of a private registry are not in Secrets Manager.",
        "ECS reads the user name and the password of a private registry from Secrets Manager only.",
        "Store them as a secret with the keys `username` and `password`, and write "
        "`secretsmanager:<name>`.",
        """\
containers:
  web:
    image: registry.example.com/shop/web:1.4.2
    repository_credentials: secretsmanager:shop/registry  # not ssm:...
""",
        (
            "Amazon ECS API reference, RepositoryCredentials",
            'Amazon ECS developer guide, "Using non-AWS container images in Amazon ECS"',
        ),
        rules=("E9141",),
    ),
    Code(
        "M2611",
        "The command of a health check is not valid.",
        "Docker runs the command through the shell (`CMD-SHELL`, one text) or directly (`CMD`, "
        "the program and its arguments as separate texts).",
        "Write the command as text, which means `CMD-SHELL`, or a list that begins with `CMD`.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    health_check:
      command: curl -fsS http://localhost:8080/healthz  # or [CMD, curl, ...]
""",
        ("Amazon ECS API reference, HealthCheck",),
        rules=("E9115",),
    ),
    Code(
        "M2612",
        "The soft limit of a ulimit is above its hard limit.",
        "The hard limit is the highest value that a process can set as its soft limit.",
        "Write a `soft` limit that is at most the `hard` limit.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    ulimits: {nofile: {soft: 1024, hard: 4096}}  # soft <= hard
""",
        ("Amazon ECS API reference, Ulimit",),
        rules=("E9101",),
    ),
    Code(
        "M2613",
        "`swappiness` has no effect without `max_swap`.",
        "ECS ignores `swappiness` where `maxSwap` is not set.",
        "Add `max_swap:`, or remove `swappiness:`.",
        """\
launch: ec2
containers:
  web:
    image: ecr:shop/web:1.4.2
    max_swap: 512
    swappiness: 10  # only with max_swap
""",
        ("Amazon ECS API reference, LinuxParameters",),
        rules=("W9164",),
    ),
    Code(
        "M2614",
        "The task has several containers, and none of them is chosen.",
        "If a task has one container, every setting that needs a container uses that one. With "
        "several, the params have to name one.",
        "Add `container:` with the name of a container of the task.",
        """\
containers:
  web: {image: ecr:shop/web:1.4.2, ports: [8080]}
  metrics: {image: ecr:shop/metrics:1.0.0, ports: [9100]}
expose:
  - via: public
    container: web  # which of the two
    paths: [/*]
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M2615",
        "A container with `init: true` is marked as essential.",
        "An `init` container ends before the others start. ECS stops the whole task when an "
        "essential container ends.",
        "Remove `essential: true`, or remove `init: true`.",
        """\
containers:
  migrate:
    image: ecr:shop/migrate:1.4.2
    init: true  # never essential
  web: {image: ecr:shop/web:1.4.2}
""",
        ("Amazon ECS API reference, ContainerDefinition",),
        rules=("E9106",),
    ),
    Code(
        "M2616",
        "The task has no essential container.",
        "A task definition needs at least one essential container: the task runs until an "
        "essential container ends. Containers with `init: true` are not essential.",
        "Remove `essential: false` or `init: true` from the container that does the task's work.",
        """\
containers:
  web: {image: ecr:shop/web:1.4.2}  # essential unless `essential: false` is written
  metrics: {image: ecr:shop/metrics:1.0.0, essential: false}
""",
        ("Amazon ECS API reference, ContainerDefinition",),
        rules=("E3042",),
    ),
    Code(
        "M2617",
        "A container waits for the end of an essential container.",
        "With `COMPLETE` and `SUCCESS` a container starts after another one has ended. When an "
        "essential container ends, ECS stops the whole task, so the container would never start.",
        "Write `essential: false` in the container that ends, or wait for `START` or `HEALTHY`.",
        """\
containers:
  prepare: {image: ecr:shop/prepare:1.0.0, essential: false}
  web:
    image: ecr:shop/web:1.4.2
    depends_on: {prepare: SUCCESS}  # the task goes on when `prepare` ends
""",
        ("Amazon ECS API reference, ContainerDependency",),
        rules=("E9106",),
    ),
    Code(
        "M2618",
        "A container waits for the health of a container without a health check.",
        "The condition `HEALTHY` is met when the health check of the other container succeeds. "
        "Without a health check in its container definition it is never met.",
        "Add a `health_check` to the other container, or wait for `START`.",
        """\
containers:
  db:
    image: ecr:shop/db:16.4
    health_check: {command: pg_isready}
  web:
    image: ecr:shop/web:1.4.2
    depends_on: {db: HEALTHY}  # `db` has a health check
""",
        ("Amazon ECS API reference, ContainerDependency",),
        rules=("E9106",),
    ),
    Code(
        "M2619",
        "The memory limit of a container is below its reservation.",
        "`memory` is the limit at which the container is killed, `memory_reservation` what is "
        "kept for it. ECS requires a limit above the reservation.",
        "Write a `memory` that is above `memory_reservation`, or remove one of them.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    memory_reservation: 256
    memory: 512  # above the reservation
""",
        ("Amazon ECS API reference, ContainerDefinition, memory",),
        rules=("E9117",),
    ),
    Code(
        "M2621",
        "Network parameters of the kernel cannot be set with `network_mode: host`.",
        "Parameters that begin with `net.` belong to the network. In the network mode `host` that "
        "is the network of the instance, for which ECS does not support them.",
        "Remove the parameter, or write `network_mode: awsvpc`.",
        """\
launch: ec2
network_mode: awsvpc  # not host
containers:
  web:
    image: ecr:shop/web:1.4.2
    system_controls: {net.core.somaxconn: 1024}
""",
        ("Amazon ECS API reference, SystemControl",),
        rules=("E9173",),
    ),
    Code(
        "M2622",
        "Two containers set a network parameter of the kernel to different values.",
        "In the network mode `awsvpc` the containers of a task share one network, so a `net.` "
        "parameter applies to all of them: the value of the container that starts last is used.",
        "Write the same value in both containers, or write it in one of them only.",
        """\
containers:
  proxy:
    image: ecr:shop/proxy:1.0.0
    system_controls: {net.core.somaxconn: 1024}  # applies to `web` too
  web: {image: ecr:shop/web:1.4.2}
""",
        ("Amazon ECS API reference, SystemControl",),
        not_in_templates=ALLOWED,
    ),
)
