"""Hypothesis strategies for task roles, volumes, repositories, containers, sidecars and proxies."""

from __future__ import annotations

from typing import Any

from exposure_strategies import tcp_ports
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from strategy_parts import (
    ACCOUNT,
    CONTAINER_NAMES,
    KMS_KEY,
    LABELS,
    LOWER_CASE,
    REGION,
    SECRET,
    WORDS,
    Params,
    optional_fields,
    resource_ids,
    some_of,
)

TASK_ROLES = st.one_of(
    st.just({"existing": f"arn:aws:iam::{ACCOUNT}:role/task"}),
    optional_fields(
        managed_policies=st.just(["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]),
        statements=st.just(
            [
                {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-${env}/*"},
                {
                    "Sid": "Queue",
                    "Action": ["sqs:SendMessage"],
                    "Resource": f"arn:aws:sqs:{REGION}:$${{AWS::AccountId}}:shop-*",
                    "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-0a1b2c3d"}},
                },
            ]
        ),
    ),
)


_EFS = st.one_of(
    st.booleans(),
    optional_fields(
        owner=st.sampled_from(["0:0", "101:1000"]),
        permissions=st.just("0700"),
        directory=st.sampled_from(["/", "/a/b"]),
        throughput=st.just("bursting"),
        infrequent_access_after=st.sampled_from(["1d", "30d"]),
        backups=st.booleans(),
        kms_key=st.just(KMS_KEY),
        keep=st.booleans(),
    ),
    st.fixed_dictionaries(
        {
            "existing": st.fixed_dictionaries(
                {"file_system": st.just("fs-0a1b2c3d"), "access_point": st.just("fsap-0a1b2c3d")},
                optional={
                    "security_group": st.just(resource_ids("sg", 9, 1)[0]),
                    "root": st.booleans(),
                },
            )
        }
    ),
)
_EBS = st.sampled_from(
    [
        {"size": 20},
        {"snapshot": "snap-0a1b2c3d", "filesystem": "ext4", "kms_key": KMS_KEY},
        {"size": 40, "type": "io2", "iops": 4000},
        {"size": 500, "iops": 6000, "throughput": 250},
    ]
)
VOLUMES = st.fixed_dictionaries(
    {},
    optional={
        "cache": st.just({}),
        "data": st.fixed_dictionaries({"ebs": _EBS}),
        "up-loads": st.fixed_dictionaries({"efs": _EFS}),
        "reports": st.fixed_dictionaries({"efs": _EFS}),
    },
)
REGISTRIES = st.fixed_dictionaries(
    {
        "template": st.just("ecr"),
        "repositories": st.dictionaries(
            st.sampled_from(["shop/web", "dev/nginx", "a__b/c"]),
            optional_fields(
                keep_images=st.integers(1, 100),
                expire_untagged_after=st.sampled_from(["1d", "14d"]),
                immutable_tags=st.sampled_from([True, False, {"exclusions": ["dev-*"]}]),
                scan_on_push=st.booleans(),
                encryption=st.sampled_from(["AES256", "KMS", "KMS_DSSE"]),
                pull_accounts=st.just(["210987654321"]),
                keep=st.booleans(),
            ),
            min_size=1,
        ),
    }
)


@st.composite
def task_containers(draw: DrawFn, private: bool) -> dict[str, Params]:
    """One to three containers with different ports."""
    names = draw(some_of(CONTAINER_NAMES, 1, 3))
    return {
        name: draw(_one_container(8000 + 10 * index, names[:index], private))
        for index, name in enumerate(names)
    }


@st.composite
def _one_container(draw: DrawFn, first_port: int, before: list[str], private: bool) -> Params:
    images = ["ecr:shop/web:1.4.2", f"ecr:dev/nginx@sha256:{'0a' * 32}"]
    elsewhere = [f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/old/app:7"]
    public = ["public.ecr.aws/nginx/nginx:1.27.3", "ghcr.io/acme/app:2"]
    ports = draw(some_of([first_port + offset for offset in range(3)], 0 if before else 1, 2))
    text = st.text(LOWER_CASE + "ÄÖ -_/:%'\"#", max_size=12)
    fields: dict[str, SearchStrategy[Any]] = {
        "command": st.lists(text, min_size=1, max_size=3),
        "entry_point": st.just(["/bin/sh", "-c"]),
        "environment": st.dictionaries(
            WORDS.map(lambda word: f"X{word.upper()}"),  # no name of a secret
            st.one_of(text, st.integers(), st.booleans()),
            max_size=3,
        ),
        "environment_files": some_of(["arn:aws:s3:::conf/a.env", "arn:aws:s3:::conf/b.env"], 1, 2),
        "secrets": st.dictionaries(st.sampled_from(["DB_PASSWORD", "KEY_2"]), _SECRETS, min_size=1),
        "health_check": st.just({"command": "curl -f http://127.0.0.1/", "start_period": "1m"}),
        "essential": st.just(True),
        "user": st.just("1000:1000"),
        "readonly_root_filesystem": st.booleans(),
        "init_process_enabled": st.booleans(),
        "drop_capabilities": st.just(["ALL"]),
        "ulimits": st.just({"nofile": {"soft": 1024, "hard": 65536}}),
        "cpu": st.integers(0, 64),
        "memory_reservation": st.integers(6, 128),
        "stop_timeout": st.sampled_from(["2s", "120s"]),
        "restart_policy": st.sampled_from([{}, {"restart_attempt_period": "60s"}]),
        "docker_labels": st.dictionaries(LABELS, text, max_size=2),
        "tmpfs": st.just({"/tmp": {"size": 16, "options": ["noexec"]}}),
        "system_controls": st.just({"net.core.somaxconn": 1024, "kernel.shmmax": "68719476736"}),
        "repository_credentials": st.just("secretsmanager:registry"),
        **({"depends_on": st.just({before[0]: "START"})} if before else {}),
    }
    return {
        "image": draw(st.sampled_from([*images, *elsewhere, *(() if private else public)])),
        "ports": draw(st.permutations([*ports, f"{first_port + 5}/udp"])) if ports else [],
        **draw(optional_fields(**fields)),
    }


_SECRETS = st.sampled_from(
    [
        "ssm:/shop/${env}/db_password",
        "ssm:plain",
        "secretsmanager:shop/${env}/db:password",
        "secretsmanager:shop/api::AWSCURRENT",
        f"secretsmanager:{SECRET}:password",
    ]
)

SIDECARS = optional_fields(
    datadog=st.fixed_dictionaries(
        {"api_key": _SECRETS, "dogstatsd": st.just(False)}, optional={"apm": st.booleans()}
    ),
    otel=st.one_of(
        st.booleans(),
        st.fixed_dictionaries({"config": st.sampled_from(["task-metrics", "xray", "cloudwatch"])}),
    ),
    firelens=st.one_of(
        st.just({"cloudwatch": True}),
        st.just({"s3": {"bucket": "shop-logs", "prefix": "web/"}, "cpu": 64}),
        st.just({"firehose": "shop-logs", "include": "/fluent-bit/configs/parse-json.conf"}),
        st.fixed_dictionaries(
            {
                "http": st.fixed_dictionaries(
                    {"url": st.just("https://a.b/c")}, optional={"header": _SECRETS}
                )
            }
        ),
    ),
)


@st.composite
def proxies(draw: DrawFn, containers: dict[str, Params]) -> Params:
    """A proxy that is exposed by its port only; its paths differ."""
    inside = [f"{tcp_port['container']}:{tcp_port['port']}" for tcp_port in tcp_ports(containers)]
    outside = ["https://api.example.com", "http://old.example:8080/v1/"]
    destinations = st.sampled_from([*inside, *(f"{target}/v2/" for target in inside), *outside])
    shared: Params = {
        "read_timeout": st.sampled_from(["1s", "60s"]),
        "max_body_size": st.sampled_from(["0", "200m"]),
        "request_headers": st.dictionaries(
            st.sampled_from(["X-Shop", "Host"]), st.sampled_from(["", "a b", "$request_id"])
        ),
        "response_headers": st.just({"X-Frame-Options": "DENY; 'x' {\"y\"}"}),
        "rate_limit": st.just({"rate": "10r/s", "burst": 20}),
    }
    paths = draw(some_of(["/", "/api/", "= /login", "/Ä/"], 1, 4))
    routes = [
        {"path": path, "to": draw(destinations)}
        | draw(optional_fields(**shared, websocket=st.booleans(), streaming=st.booleans()))
        for path in paths
    ]
    fields: dict[str, SearchStrategy[Any]] = {
        **shared,
        "cpu": st.integers(0, 16),
        "init_process_enabled": st.booleans(),
        "stop_timeout": st.just("60s"),
        "trusted_proxies": st.just(["192.0.2.0/24"]),
        "gzip": st.sampled_from([True, False, {"min_length": 100}]),
        "access_log": st.booleans(),
        "error_pages": st.just([{"statuses": [502, 504], "body": "It costs $5.\n{}\t;\n"}]),
        "application_health": st.just({"path": "/app-health", "to": inside[0]}),
    }
    optional = draw(optional_fields(**fields))
    return {"image": "ecr:dev/nginx:1.30.5", "port": 8080, "routes": routes, **optional}
