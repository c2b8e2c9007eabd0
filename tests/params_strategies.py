"""Hypothesis strategies for the params of whole environments, all of them valid.

Except that two drawn routes may conflict, which cannot be avoided without repeating the code
under test. `plan` rejects such a draw.

The draws are the same in every run, so that only a change of the code can make a test fail. Set
`EXPLORE=1` for other draws, for example after a change of a template.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from moorage.facts.secret_values import is_secret_name
from moorage.findings.finding import Finding
from moorage.model import Plan
from moorage.pipeline.build import build
from moorage.pipeline.compose import compose
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.tasks.fargate_sizes import SIZES

Params = dict[str, Any]

REGION, ACCOUNT = "eu-central-1", "123456789012"
_ARN = f"arn:aws:{{service}}:{REGION}:{ACCOUNT}:{{rest}}"
_CERTIFICATES = [
    _ARN.format(service="acm", rest=f"certificate/0a1b2c3d-0000-4000-8000-00000000000{number}")
    for number in range(3)
]
_POOL = _ARN.format(service="cognito-idp", rest=f"userpool/{REGION}_AbCdEfGhI")
_KEY = _ARN.format(service="kms", rest="key/1234abcd-12ab-34cd-56ef-1234567890ab")
_SECRET = _ARN.format(service="secretsmanager", rest="secret:shop/db-AbCdEf")
_ACL = _ARN.format(service="wafv2", rest="regional/webacl/shop/0a1b2c3d-0000-4000-8000-000000000")
_LISTENERS = [
    _ARN.format(service="elasticloadbalancing", rest=f"listener/app/old/0a1b2c3d4e5f6a7b/{number}")
    for number in ("8c9d0e1f2a3b4c5d", "8c9d0e1f2a3b4c5e")
]
_NAMESPACE = _ARN.format(service="servicediscovery", rest="namespace/ns-abcdefghijklmnop")
_AUTHORITY = _ARN.format(
    service="acm-pca", rest="certificate-authority/1234abcd-12ab-34cd-56ef-1234567890ab"
)
_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"

_SCALING: list[Params] = [
    {"max": 4, "cpu": 60, "memory": 70},
    {
        "max": 4,
        "cpu": 60,
        "predictive": {"metric": "cpu", "target": 60, "above_max": 10},
        "schedule": {
            "night": {"cron": "0 20 * * ? *", "time_zone": "Europe/Berlin", "min": 0, "max": 0},
            "day": {"cron": "0 6 ? * MON-FRI *", "min": 1, "max": 4},
        },
    },
    {
        "max": 4,
        "metrics": {"open-jobs": {"namespace": "Shop", "metric": "Jobs", "target": 0.5}},
        "steps": {
            "memory": {"adjustments": [{"above": 80, "add": "50%"}, {"below": 20, "set": 1}]},
            "open-jobs": {"adjustments": [{"above": 5, "add": 2}, {"above": 9.5, "add": 3}]},
        },
    },
]
_SMALL = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.text(_SMALL, min_size=2, max_size=9)
_LABELS = WORDS.filter(lambda word: not is_secret_name(word))
_SERVICE_NAMES = ["api", "web-shop", "mail", "search-2", "ntp", "staff"]
_CONTAINER_NAMES = ["app", "nginx", "side_car", "Metrics"]

steady = partial(
    settings,
    deadline=None,  # a shared machine is slow now and then, which says nothing about the code
    derandomize="EXPLORE" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # explaining takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


# From params to a plan -----------------------------------------------------------------------


def plan(params: Params) -> Plan:
    """All stacks of an environment, not linted. Rejects a draw with conflicting routes,
    or with a template that is too large."""
    result, findings = _linked(written(params))
    reported = [finding for finding in findings if not _is_expected(finding)]
    codes = {finding.code for finding in reported}
    assume(not codes or not codes <= {"M1303", "M2430"})
    assert result is not None, findings
    assert reported == []
    return result


_ADVICE = {"M2331", "M2332", "M2333", "M2521", "M2415", "M2713"}
"""Warnings about aliases, clients, paths and subnets that are valid, but seldom meant."""


def _is_expected(finding: Finding) -> bool:
    """Whether it is advice, or about access logs of a load balancer without TLS listeners."""
    is_about_logs = finding.path[-2:] == ("edge", "access_logs")
    return finding.level == "warning" and (finding.code in _ADVICE or is_about_logs)


def plan_of(text: str) -> Plan:
    """All stacks of a params file without conflicts."""
    result, findings = _linked(text)
    assert result is not None, findings
    return result


def linted(params: Params) -> tuple[Finding, ...]:
    """All findings of a whole build, cfn-lint's among them."""
    with _folder(written(params)) as folder:
        return tuple(
            finding
            for finding in build(folder, "dev", TEMPLATES).findings
            if not _is_expected(finding)
        )


def written(params: Params) -> str:
    """A params file with the keys in the order of the map. All texts are quoted, because YAML 1.1,
    which is written here, and 1.2, which is read, differ in which unquoted values are texts."""
    return yaml.dump(params, Dumper=_Quoting, sort_keys=False, allow_unicode=True)


class _Quoting(yaml.SafeDumper):
    """A writer of YAML with all texts in quotes, and without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')


_Quoting.add_representer(str, _Quoting.represent_str)


@contextmanager
def _folder(text: str) -> Iterator[Path]:
    """A folder with `dev.yaml`. Its name never varies: templates contain it in their first line."""
    with TemporaryDirectory() as above:
        folder = Path(above, "params")
        folder.mkdir()
        Path(folder, "dev.yaml").write_text(text)
        yield folder


def _linked(text: str) -> tuple[Plan | None, list[Finding]]:
    with _folder(text) as folder:
        document, findings = load(folder, "dev")
    assert document is not None, findings
    env, invalid = validate(document, TEMPLATES)
    if env is None:
        return None, [*findings, *invalid]
    rendered = [render(stack, document, "yaml") for stack in compose(env, TEMPLATES)]
    renderings = tuple(rendering for rendering, _ in rendered if rendering is not None)
    result, unlinked = link(renderings, env, document)
    unrendered = (finding for _, faults in rendered for finding in faults)
    return result, [*findings, *invalid, *unrendered, *unlinked]


# Whole environments --------------------------------------------------------------------------


@st.composite
def environments(draw: DrawFn, most_services: int = 4, *, jobs: bool = False) -> Params:
    """A network, a cluster, load balancers of both kinds, and services behind them; with workers
    and other tasks if `jobs` is true."""
    network = draw(_networks())
    cluster = draw(_clusters())
    balancers = {
        name: draw(_balancers(name, network)) for name in draw(_some(["public", "inner-lb"], 1, 2))
    }
    edge = draw(_network_balancers(network))
    names = draw(_some(_SERVICE_NAMES, 1, most_services))
    services = {name: draw(_services(name, network, cluster, balancers, edge)) for name in names}
    services = draw(_with_discovery(services, cluster))
    registry = draw(_optional(registry=_REGISTRIES))
    header = draw(
        _optional(
            tags=st.dictionaries(WORDS, WORDS, max_size=2),
            permissions_boundary=st.just(_BOUNDARY),
            account=st.just(ACCOUNT),
        )
    )
    app = draw(st.sampled_from(["shop", "a", "my-app-2"]))
    jobs_stacks = draw(_jobs(network, cluster)) if jobs else {}
    return {
        "app": app,
        "region": REGION,
        **header,
        "stacks": {
            "network": network,
            "cluster": cluster,
            "edge": edge,
            **registry,
            **balancers,
            **services,
            **jobs_stacks,
        },
    }


def shuffled(value: Any, chance: Random) -> Any:
    """The same value with the keys of every map in another order."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: shuffled(value[key], chance) for key in keys}
    return value


def _some(choices: list[Any], least: int, most: int) -> SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(choices), min_size=least, max_size=most, unique_by=repr)


def _optional(**fields: SearchStrategy[Any]) -> SearchStrategy[Params]:
    """A map with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


# Network and cluster -------------------------------------------------------------------------

_LOGS = _optional(
    retention=st.sampled_from(["1d", "14d", "365d"]), keep=st.booleans(), kms_key=st.just(_KEY)
)


def _ids(kind: str, first: int, count: int) -> list[str]:
    return [f"{kind}-{number:017x}" for number in range(first, first + count)]


@st.composite
def _networks(draw: DrawFn) -> Params:
    if draw(st.integers(0, 4)) == 0:
        subnets = {
            "public_subnets": _ids("subnet", 10, 2),
            "private_subnets": _ids("subnet", 20, 2),
        }
        vpc = {"vpc": _ids("vpc", 1, 1)[0], "cidr": "10.9.0.0/16"}
        return {"existing": vpc | subnets | draw(_optional(ipv6=st.booleans()))}
    egress = draw(st.sampled_from(["public", "nat", "nat-per-az", "endpoints"]))
    endpoints = (
        {"endpoints": _some(["sqs", "sts", "dynamodb"], 0, 2)} if egress == "endpoints" else {}
    )
    zones = st.sampled_from([2, 3, [f"{REGION}b", f"{REGION}a"]])
    return {"egress": egress} | draw(
        _optional(
            cidr=st.sampled_from(["10.20.0.0/16", "192.168.0.0/20"]),
            availability_zones=zones,
            ipv6=st.sampled_from([True, True, False]),
            flow_logs=st.one_of(st.booleans(), _LOGS),
            **endpoints,
        )
    )


_SHARES = st.sampled_from(
    [
        {"FARGATE": {"weight": 1}},
        {"FARGATE_SPOT": {"weight": 2}},
        {"FARGATE": {"base": 1, "weight": 1}, "FARGATE_SPOT": {"weight": 3}},
    ]
)


@st.composite
def _clusters(draw: DrawFn) -> Params:
    if draw(st.integers(0, 4)) == 0:
        fields = _optional(
            exec_log_group=st.just("/shop/exec"),
            capacity_providers=st.just(["FARGATE", "FARGATE_SPOT"]),
            namespace=st.just({"arn": _NAMESPACE}),
        )
        return {"existing": {"name": "old", **draw(fields)}}
    return draw(
        _optional(
            container_insights=st.sampled_from(["off", "on", "enhanced"]),
            exec_logs=st.one_of(st.booleans(), _LOGS),
            default_strategy=_SHARES,
            namespace=st.sampled_from(
                [True, {"name": "shop.internal"}, {"dns": False}, {"existing": {"arn": _NAMESPACE}}]
            ),
        )
    )


# Load balancers ------------------------------------------------------------------------------


@st.composite
def _balancers(draw: DrawFn, name: str, network: Params) -> Params:
    if draw(st.integers(0, 4)) == 0:
        protocol = _optional(protocol=st.sampled_from(["HTTP", "HTTPS"]))
        listener, group = draw(st.sampled_from(_LISTENERS)), _ids("sg", 7, 1)[0]
        existing = {"listener": listener, "security_group": group, **draw(protocol)}
        return {"template": "alb", "existing": existing}
    scheme = draw(st.sampled_from(["internet-facing", "internal"]))
    certificate = draw(st.sampled_from([None, _CERTIFICATES[0], _CERTIFICATES]))
    fields: dict[str, SearchStrategy[Any]] = {
        "idle_timeout": st.sampled_from(["1s", "2m"]),
        "deletion_protection": st.booleans(),
        "drop_invalid_headers": st.booleans(),
        "access_logs": st.sampled_from([True, False, {"prefix": "alb"}, {"bucket": "our-logs"}]),
        "web_acl": st.just(_ACL),
        "aliases": st.just([{"zone": "Z0123456789ABCDEFGHIJ", "name": f"*.{name}.example.com"}]),
        "clients": st.just(["10.0.0.0/8", "pl-0123456789abcdef0"]),
    }
    ipv6 = network.get("existing", network).get("ipv6")
    if scheme == "internet-facing" and ipv6:
        fields["ip_address_type"] = st.sampled_from(["ipv4", "dualstack"])
    if scheme == "internet-facing" and certificate:
        fields["authentication"] = st.booleans()
    certificates = {"certificate": certificate} if certificate else {}
    return {"template": "alb", "scheme": scheme, **certificates, **draw(_optional(**fields))}


@st.composite
def _network_balancers(draw: DrawFn, network: Params) -> Params:
    """A Network Load Balancer with or without a security group, which UDP over IPv6 requires."""
    scheme = draw(st.sampled_from(["internet-facing", "internal"]))
    has_group = draw(st.booleans())
    fields: dict[str, SearchStrategy[Any]] = {
        "cross_zone": st.booleans(),
        "zonal_shift": st.booleans(),
        "deletion_protection": st.booleans(),
        "access_logs": st.sampled_from([True, False, {"prefix": "nlb"}, {"bucket": "our-logs"}]),
        "aliases": st.just([{"zone": "Z0123456789ABCDEFGHIJ", "name": "edge.example.com"}]),
    }
    if scheme == "internet-facing":
        fields["elastic_ips"] = st.booleans()
    balancer = {"template": "nlb", "scheme": scheme, "security_group": has_group}
    if has_group and network.get("existing", network).get("ipv6"):
        balancer["ip_address_type"] = draw(st.sampled_from(["dualstack", "ipv4"]))
    return {**balancer, **draw(_optional(**fields))}


def _has_https(balancer: Params) -> bool:
    created = {"protocol": "HTTPS" if "certificate" in balancer else "HTTP"}
    return bool(balancer.get("existing", created).get("protocol", "HTTPS") == "HTTPS")


def _can_log_in(balancer: Params) -> bool:
    reaches_provider = "existing" in balancer or balancer.get("authentication", False)
    return _has_https(balancer) and reaches_provider


# Services ------------------------------------------------------------------------------------


@st.composite
def _services(
    draw: DrawFn,
    name: str,
    network: Params,
    cluster: Params,
    balancers: dict[str, Params],
    edge: Params,
) -> Params:
    cpu = draw(st.sampled_from([256, 512, 1024, 4096]))
    containers = draw(_containers(private=network.get("egress") == "endpoints"))
    volumes = draw(_optional(volumes=_VOLUMES))
    for volume in volumes.get("volumes", {}):
        first = next(iter(containers))
        read_only = {"path": f"/{volume}", "read_only": True}
        mount = draw(st.sampled_from([f"/{volume}", read_only]))
        containers[first].setdefault("mounts", {})[volume] = mount
    spot = "existing" not in cluster or "capacity_providers" in cluster["existing"]
    exec_allowed = not any(
        container.get("readonly_root_filesystem") for container in containers.values()
    )
    expose = draw(_exposures(name, containers, balancers))
    expose += (listeners := draw(_streams(name, containers, edge)))
    exposed = any("redirect" not in entry and "fixed_response" not in entry for entry in expose)
    fields: dict[str, SearchStrategy[Any]] = {
        "cpu_architecture": st.sampled_from(["X86_64", "ARM64"]),
        "ephemeral_storage": st.integers(21, 200),
        "platform_version": st.sampled_from(["LATEST", "1.4.0"]),
        "security_groups": st.just(_ids("sg", 3, 2)),
        "task_role": _TASK_ROLES,
        "execution_role": st.just({"existing": f"arn:aws:iam::{ACCOUNT}:role/start"}),
        "permissions_boundary": st.just(_BOUNDARY),
        "kms_keys": st.just([_KEY]),
        "logs": st.one_of(st.just({"existing": "/shop/old"}), _LOGS),
        "desired_count": st.sampled_from([0, 3, 4] if listeners else [0, 1, 2, 3, 4]),
        "minimum_healthy_percent": st.sampled_from([0, 50, 100]),
        "maximum_percent": st.sampled_from([200, 400]),
        "circuit_breaker": st.sampled_from([True, False, {"rollback": False}]),
        "availability_zone_rebalancing": st.booleans(),
        **({"sidecars": _SIDECARS} if cpu == 4096 and network.get("egress") != "endpoints" else {}),
        **({"enable_execute_command": st.booleans()} if exec_allowed else {}),
        **({"capacity_providers": _SHARES} if spot else {}),
        **({"health_check_grace_period": st.sampled_from(["30s", "5m"])} if exposed else {}),
        **({"subnets": st.just("public")} if network.get("egress") in ("nat", "public") else {}),
        "proxy": _proxies(containers),
    }
    release = draw(_optional(release=_RELEASES)) if _can_shift_traffic(expose) else {}
    if release:
        del fields["circuit_breaker"]
    return {
        "template": "service",
        "cpu": cpu,
        "memory": draw(st.sampled_from(SIZES[cpu])),
        "containers": containers,
        "expose": expose,
        **({"desired_count": 3} if listeners else {}),  # a task in every zone
        **volumes,
        **release,
        **draw(_optional(**fields)),
    }


_PAUSE = {"pause": "1d", "stages": ["post_scale_up"]}
_RELEASES = st.sampled_from(
    [
        "blue_green",
        "canary",
        {"strategy": "canary", "canary_percent": 2.5, "rollback_on": ["shop-5xx"]},
        {"strategy": "linear", "step_percent": 50, "bake_time": "5m", "hooks": [_PAUSE]},
        {"alternate_target_groups": True, "early_success": {"healthy_percent": 100}},
    ]
)


def _can_shift_traffic(expose: list[Params]) -> bool:
    """Whether a load balancer forwards to the service, and nothing does twice to one port."""
    forwarding = [
        entry for entry in expose if "redirect" not in entry and "fixed_response" not in entry
    ]
    ports = {
        (entry.get("container"), entry.get("target_port", entry.get("port")))
        for entry in forwarding
    }
    logs_in = any("authenticate" in entry for entry in forwarding)
    return bool(forwarding) and len(ports) == len(forwarding) and not logs_in


# Jobs ----------------------------------------------------------------------------------------

_QUEUE = _ARN.format(service="sqs", rest="jobs")
_QUEUES = st.one_of(
    _optional(variable=st.just("JOBS"), existing=st.just({"arn": _QUEUE, "kms_key": _KEY})).filter(
        lambda queue: "existing" in queue
    ),
    _optional(
        visibility_timeout=st.sampled_from(["0s", "12h"]),
        fifo=st.booleans(),
        kms_key=st.just(_KEY),
        dead_letter_queue=st.sampled_from([True, False, {"max_receive_count": 3}]),
    ),
)
_SCHEDULES = ["cron(30 6 ? * MON-FRI *)", "rate(5 minutes)", "at(2027-12-31T23:00:00)"]


@st.composite
def _jobs(draw: DrawFn, network: Params, cluster: Params) -> dict[str, Params]:
    """Some, all or none of a worker, a scheduled task and a one-off task."""

    def task(kind: str, **fields: SearchStrategy[Any]) -> Params:
        containers = draw(_containers(private=network.get("egress") == "endpoints"))
        first = dict([next(iter(containers.items()))])  # depends on no other container
        exec_allowed = not any(
            container.get("readonly_root_filesystem") for container in first.values()
        )
        exec_field = {"enable_execute_command": st.booleans()} if exec_allowed else {}
        optional = {"task_role": _TASK_ROLES, "logs": _LOGS, **exec_field, **fields}
        return {
            "template": kind,
            "cpu": 4096,
            "memory": 8192,
            "containers": first,
            **draw(_optional(**optional)),
        }

    insights = cluster.get("container_insights", "off") != "off" or "existing" in cluster
    # Repeated, since few of the drawn clusters have the metrics that it needs.
    backlog = [{"min": 0, "max": 3, "backlog_per_task": 1}] * 3 if insights else []
    can_reach_sqs = network.get("egress") != "endpoints" or "sqs" in network.get("endpoints", [])
    names = draw(_some([*(["mailer"] if can_reach_sqs else []), "report", "migrate"], 0, 3))
    after = {"after": st.just(["migrate"])} if "migrate" in names else {}
    queues = {"queues": st.just({"MAIL": "mailer"})} if "mailer" in names else {}
    scaling = [{"scaling": params} for params in (*backlog, *_SCALING)]
    make = {
        "mailer": lambda: {
            **draw(st.sampled_from([*scaling, {"desired_count": 2}])),
            **task("worker", queue=_QUEUES, **after, **queues),
        },
        "report": lambda: {
            "schedule": draw(st.sampled_from(_SCHEDULES)),
            **task(
                "scheduled_task",
                overlap=st.sampled_from(["skip", "allow"]),
                time_zone=st.just("Europe/Berlin"),
                flexible_window=st.just("15m"),
                dead_letter_queue=st.booleans(),
                **after,
                **queues,
            ),
        },
        "migrate": lambda: task("one_off", timeout=st.just("2h")),
    }
    return {name: make[name]() for name in names}


_TASK_ROLES = st.one_of(
    st.just({"existing": f"arn:aws:iam::{ACCOUNT}:role/task"}),
    _optional(
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
    _optional(
        owner=st.sampled_from(["0:0", "101:1000"]),
        permissions=st.just("0700"),
        directory=st.sampled_from(["/", "/a/b"]),
        throughput=st.just("bursting"),
        infrequent_access_after=st.sampled_from(["1d", "30d"]),
        backups=st.booleans(),
        kms_key=st.just(_KEY),
        keep=st.booleans(),
    ),
    st.fixed_dictionaries(
        {
            "existing": st.fixed_dictionaries(
                {"file_system": st.just("fs-0a1b2c3d"), "access_point": st.just("fsap-0a1b2c3d")},
                optional={
                    "security_group": st.just(_ids("sg", 9, 1)[0]),
                    "root": st.booleans(),
                },
            )
        }
    ),
)
_EBS = st.sampled_from(
    [
        {"size": 20},
        {"snapshot": "snap-0a1b2c3d", "filesystem": "ext4", "kms_key": _KEY},
        {"size": 40, "type": "io2", "iops": 4000},
        {"size": 500, "iops": 6000, "throughput": 250},
    ]
)
_VOLUMES = st.fixed_dictionaries(
    {},
    optional={
        "cache": st.just({}),
        "data": st.fixed_dictionaries({"ebs": _EBS}),
        "up-loads": st.fixed_dictionaries({"efs": _EFS}),
        "reports": st.fixed_dictionaries({"efs": _EFS}),
    },
)
_REGISTRIES = st.fixed_dictionaries(
    {
        "template": st.just("ecr"),
        "repositories": st.dictionaries(
            st.sampled_from(["shop/web", "dev/nginx", "a__b/c"]),
            _optional(
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
def _with_discovery(
    draw: DrawFn, services: dict[str, Params], cluster: Params
) -> dict[str, Params]:
    """The services, with service discovery if there is a namespace. A service reaches only earlier
    services, so that there is no circular dependency."""
    namespace = cluster.get("namespace", cluster.get("existing", {}).get("namespace"))
    if not namespace:
        return services
    in_dns = namespace is True or namespace.get("dns", True)
    connected: dict[str, Params] = {}
    for name, service in services.items():
        targets = _tcp_ports(service["containers"])
        port = draw(st.sampled_from(targets))
        endpoint = st.fixed_dictionaries(
            {key: st.just(value) for key, value in port.items()},
            optional={
                "client_port": st.integers(1, 65535),
                "protocol": st.sampled_from(["http", "http2", "grpc"]),
                "tls": st.just({"authority": _AUTHORITY}),
                "idle_timeout": st.sampled_from(["0s", "10m"]),
            },
        )
        fields: dict[str, SearchStrategy[Any]] = {
            "service_connect": st.one_of(
                st.just(True), st.fixed_dictionaries({"services": st.tuples(endpoint).map(list)})
            )
        }
        if in_dns:
            service_record = {"port": port["port"], "container": port["container"], "ttl": "1m"}
            fields["discovery"] = st.sampled_from([True, {"name": f"{name}-dns"}, service_record])
        discovery = draw(_optional(**fields))
        reachable = [
            other
            for other, params in connected.items()
            if params.get("discovery") or ("service_connect" in discovery and _has_endpoint(params))
        ]
        reaches = {"reaches": draw(_some(reachable, 1, 2))} if reachable else {}
        connected[name] = {**service, **discovery, **reaches}
    return connected


def _has_endpoint(service: Params) -> bool:
    return isinstance(service.get("service_connect"), dict)


@st.composite
def _containers(draw: DrawFn, private: bool) -> dict[str, Params]:
    """One to three containers with different ports."""
    names = draw(_some(_CONTAINER_NAMES, 1, 3))
    return {
        name: draw(_one_container(8000 + 10 * index, names[:index], private))
        for index, name in enumerate(names)
    }


@st.composite
def _one_container(draw: DrawFn, first_port: int, before: list[str], private: bool) -> Params:
    images = ["ecr:shop/web:1.4.2", f"ecr:dev/nginx@sha256:{'0a' * 32}"]
    elsewhere = [f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/old/app:7"]
    public = ["public.ecr.aws/nginx/nginx:1.27.3", "ghcr.io/acme/app:2"]
    ports = draw(_some([first_port + offset for offset in range(3)], 0 if before else 1, 2))
    text = st.text(_SMALL + "ÄÖ -_/:%'\"#", max_size=12)
    fields: dict[str, SearchStrategy[Any]] = {
        "command": st.lists(text, min_size=1, max_size=3),
        "entry_point": st.just(["/bin/sh", "-c"]),
        "environment": st.dictionaries(
            WORDS.map(lambda word: f"X{word.upper()}"),  # no name of a secret
            st.one_of(text, st.integers(), st.booleans()),
            max_size=3,
        ),
        "environment_files": _some(["arn:aws:s3:::conf/a.env", "arn:aws:s3:::conf/b.env"], 1, 2),
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
        "docker_labels": st.dictionaries(_LABELS, text, max_size=2),
        "tmpfs": st.just({"/tmp": {"size": 16, "options": ["noexec"]}}),
        "system_controls": st.just({"net.core.somaxconn": 1024, "kernel.shmmax": "68719476736"}),
        "repository_credentials": st.just("secretsmanager:registry"),
        **({"depends_on": st.just({before[0]: "START"})} if before else {}),
    }
    return {
        "image": draw(st.sampled_from([*images, *elsewhere, *(() if private else public)])),
        "ports": draw(st.permutations([*ports, f"{first_port + 5}/udp"])) if ports else [],
        **draw(_optional(**fields)),
    }


_SECRETS = st.sampled_from(
    [
        "ssm:/shop/${env}/db_password",
        "ssm:plain",
        "secretsmanager:shop/${env}/db:password",
        "secretsmanager:shop/api::AWSCURRENT",
        f"secretsmanager:{_SECRET}:password",
    ]
)

_SIDECARS = _optional(
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
def _proxies(draw: DrawFn, containers: dict[str, Params]) -> Params:
    """A proxy that is exposed by its port only; its paths differ."""
    inside = [f"{tcp_port['container']}:{tcp_port['port']}" for tcp_port in _tcp_ports(containers)]
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
    paths = draw(_some(["/", "/api/", "= /login", "/Ä/"], 1, 4))
    routes = [
        {"path": path, "to": draw(destinations)}
        | draw(_optional(**shared, websocket=st.booleans(), streaming=st.booleans()))
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
    optional = draw(_optional(**fields))
    return {"image": "ecr:dev/nginx:1.30.5", "port": 8080, "routes": routes, **optional}


# Routes --------------------------------------------------------------------------------------


@st.composite
def _exposures(
    draw: DrawFn, service: str, containers: dict[str, Params], balancers: dict[str, Params]
) -> list[Params]:
    """Up to three routes. Only the first route to a target has settings of the target group."""
    routes: list[Params] = []
    with_settings: set[Any] = set()
    for index in range(draw(st.integers(0, 3))):
        via = draw(st.sampled_from(sorted(balancers)))
        name = f"route-{index}"
        conditions = draw(_conditions())
        kind = draw(st.sampled_from(["forward"] * 6 + ["redirect", "fixed_response"]))
        if kind == "forward":
            target = draw(st.sampled_from(_tcp_ports(containers)))
            settings = draw(_target_settings(containers, balancers[via]))
            settings = {} if (via, target) in with_settings else settings
            with_settings.add((via, target))
            login = draw(_optional(authenticate=_LOGINS)) if _can_log_in(balancers[via]) else {}
            routes.append({"via": via, "name": name, **conditions, **target, **settings, **login})
        else:
            answer = {"redirect": _REDIRECTS, "fixed_response": _RESPONSES}[kind]
            routes.append({"via": via, "name": name, **conditions, kind: draw(answer)})
    return routes


class _Target(dict[str, Any]):
    """Container and port, as keys of a route; hashable."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def _tcp_ports(containers: dict[str, Params]) -> list[_Target]:
    return [
        _Target(container=name, port=port)
        for name, container in sorted(containers.items())
        for port in container["ports"]
        if isinstance(port, int)
    ]


@st.composite
def _conditions(draw: DrawFn) -> Params:
    """A host, paths or both, and at most one condition of another kind."""
    word = draw(WORDS)
    kinds = draw(st.sampled_from(["host", "path", "both"]))
    host = st.sampled_from([f"{word}.example.com", f"*.{word}.example.com"])
    path = st.sampled_from([f"/{word}", f"/{word}/*", f"/{word}*", f"*.{word}", "/*"])
    conditions: Params = {}
    if kinds != "path":
        conditions["hosts"] = [draw(host)]
    if kinds != "host":
        conditions["paths"] = draw(st.lists(path, min_size=1, max_size=2, unique=True))
    return conditions | draw(_MORE_CONDITIONS)


_MORE_CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {},
        {"headers": {"X-Canary": ["yes", "1"]}},
        {"headers": {"User-Agent": "*Chrome*"}},
        {"methods": ["POST", "GET"]},
        {"query": [{"key": "version", "value": "2"}, {"value": "beta"}]},
        {"source_ips": ["10.0.0.0/8"]},
    ]
)


@st.composite
def _target_settings(draw: DrawFn, containers: dict[str, Params], balancer: Params) -> Params:
    versions = ["HTTP1", "HTTP2", "GRPC"] if _has_https(balancer) else ["HTTP1"]
    version = draw(st.sampled_from(versions))
    ports = [target["port"] for target in _tcp_ports(containers)]
    check = _optional(
        path=st.just("/grpc.health.v1.Health/Check" if version == "GRPC" else "/healthz"),
        port=st.sampled_from(ports),
        interval=st.sampled_from(["10s", "5m"]),
        healthy_threshold=st.integers(2, 10),
        matcher=st.just("0" if version == "GRPC" else "200,204"),
    )
    cookies = st.sampled_from([{}, {"duration": "1h"}, {"app_cookie": "session"}])
    return {"protocol_version": version} | draw(
        _optional(
            protocol=st.sampled_from(["HTTP", "HTTPS"]),
            health_check=check,
            deregistration_delay=st.sampled_from(["0s", "1h"]),
            stickiness=cookies,
            algorithm=st.sampled_from(["round_robin", "least_outstanding_requests"]),
        )
    )


_LOGINS = st.sampled_from(
    [
        {"cognito": {"user_pool": _POOL, "client_id": "abc", "domain": "shop"}},
        {
            "oidc": {
                "issuer": "https://login.example.com",
                "authorization_endpoint": "https://login.example.com/authorize",
                "token_endpoint": "https://login.example.com/token",
                "user_info_endpoint": "https://login.example.com/user",
                "client_id": "abc",
                "client_secret": "secretsmanager:login:secret",
            },
            "session_timeout": "1h",
        },
    ]
)
_REDIRECTS = st.sampled_from(
    [{"host": "new.example.com"}, {"path": "/new/#{path}", "status_code": 301}]
)
_RESPONSES = st.sampled_from([{}, {"status_code": 200, "message_body": "Closed today"}])


# Listeners -----------------------------------------------------------------------------------

_PROBES = st.sampled_from(
    [
        {"probe": "dns", "name": "example.com"},
        {"probe": "ntp"},
        {"probe": "echo", "mode": "http"},
        {"probe": "send", "send_hex": "0a0b", "expect": "^ok"},
        {"probe": "none", "interval": "10s", "drain": "0s"},
    ]
)


@st.composite
def _streams(draw: DrawFn, service: str, containers: dict[str, Params], edge: Params) -> list[Any]:
    """Up to two listeners, on ports that no other service has."""
    first_port = 20_000 + 10 * _SERVICE_NAMES.index(service)
    zonal_shift = edge.get("cross_zone") and edge.get("zonal_shift")
    protocols = draw(_some(["tcp", "tls", *(() if zonal_shift else ("udp",))], 0, 2))
    return [
        {"via": "edge", "port": f"{first_port + index}/{protocol}"}
        | draw(_stream(protocol, containers, edge))
        for index, protocol in enumerate(protocols)
    ]


@st.composite
def _stream(draw: DrawFn, protocol: str, containers: dict[str, Params], edge: Params) -> Params:
    """The target of a listener, and its settings."""
    container, port = draw(st.sampled_from(_tcp_ports(containers))).values()
    internal = edge["security_group"] and edge["scheme"] == "internal"
    groups = _ids("sg", 9, 1) if internal else []
    clients = st.just(["10.0.0.0/8", "pl-0123456789abcdef0", *groups])
    fields: dict[str, SearchStrategy[Any]] = {
        "deregistration_delay": st.sampled_from(["0s", "1h"]),
        "connection_termination": st.booleans(),
        **({} if protocol == "udp" else {"proxy_protocol_v2": st.booleans()}),
        **({"clients": clients} if edge["security_group"] or protocol == "udp" else {}),
        **({} if protocol == "tls" else {"source_ip_stickiness": st.booleans()}),
        **({} if protocol == "udp" else {"preserve_client_ip": st.booleans()}),
    }
    target = {"container": container, "target_port": port}
    if internal and edge.get("ip_address_type") == "dualstack":
        target["clients"] = ["10.0.0.0/8", "::/0"]
    if protocol == "udp":
        udp = next(port for port in containers[container]["ports"] if isinstance(port, str))
        sidecar = {"image": "ecr:base/python:3.13.1", "port": 9100} | draw(_PROBES)
        target["target_port"] = int(udp.removesuffix("/udp"))
        target["health_check"] = {"interval": "10s", "sidecar": sidecar}
    else:
        checks = [{}, {"protocol": "HTTP", "path": "/healthz"}, {"protocol": "TCP"}]
        fields["health_check"] = st.sampled_from(checks)
    if protocol == "tls":
        target["certificate"] = _CERTIFICATES[0]
        fields["alpn_policy"] = st.sampled_from(["HTTP2Only", "None"])
        fields["target_tls"] = st.booleans()
    if protocol == "tcp":
        fields["tcp_idle_timeout"] = st.sampled_from(["1m", "6000s"])
    return target | draw(_optional(**fields))
