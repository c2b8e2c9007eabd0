"""Hypothesis strategies for services, jobs and service discovery."""

from __future__ import annotations

from typing import Any

from exposure_strategies import nlb_listeners, routes, tcp_ports
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from strategy_parts import (
    ACCOUNT,
    ARN,
    CAPACITY_SHARES,
    CERTIFICATE_AUTHORITY,
    KMS_KEY,
    LOGS,
    PERMISSIONS_BOUNDARY,
    Params,
    optional_fields,
    resource_ids,
    some_of,
)
from task_strategies import SIDECARS, TASK_ROLES, VOLUMES, proxies, task_containers

from templates.tasks.fargate_sizes import SIZES

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


@st.composite
def service_params(
    draw: DrawFn,
    name: str,
    network: Params,
    cluster: Params,
    balancers: dict[str, Params],
    edge: Params,
) -> Params:
    cpu = draw(st.sampled_from([256, 512, 1024, 4096]))
    containers = draw(task_containers(private=network.get("egress") == "endpoints"))
    volumes = draw(optional_fields(volumes=VOLUMES))
    for volume in volumes.get("volumes", {}):
        first = next(iter(containers))
        read_only = {"path": f"/{volume}", "read_only": True}
        mount = draw(st.sampled_from([f"/{volume}", read_only]))
        containers[first].setdefault("mounts", {})[volume] = mount
    spot = "existing" not in cluster or "capacity_providers" in cluster["existing"]
    exec_allowed = not any(
        container.get("readonly_root_filesystem") for container in containers.values()
    )
    expose = draw(routes(name, containers, balancers))
    expose += (listeners := draw(nlb_listeners(name, containers, edge)))
    exposed = any("redirect" not in entry and "fixed_response" not in entry for entry in expose)
    fields: dict[str, SearchStrategy[Any]] = {
        "cpu_architecture": st.sampled_from(["X86_64", "ARM64"]),
        "ephemeral_storage": st.integers(21, 200),
        "platform_version": st.sampled_from(["LATEST", "1.4.0"]),
        "security_groups": st.just(resource_ids("sg", 3, 2)),
        "task_role": TASK_ROLES,
        "execution_role": st.just({"existing": f"arn:aws:iam::{ACCOUNT}:role/start"}),
        "permissions_boundary": st.just(PERMISSIONS_BOUNDARY),
        "kms_keys": st.just([KMS_KEY]),
        "logs": st.one_of(st.just({"existing": "/shop/old"}), LOGS),
        "desired_count": st.sampled_from([0, 3, 4] if listeners else [0, 1, 2, 3, 4]),
        "minimum_healthy_percent": st.sampled_from([0, 50, 100]),
        "maximum_percent": st.sampled_from([200, 400]),
        "circuit_breaker": st.sampled_from([True, False, {"rollback": False}]),
        "availability_zone_rebalancing": st.booleans(),
        **({"sidecars": SIDECARS} if cpu == 4096 and network.get("egress") != "endpoints" else {}),
        **({"enable_execute_command": st.booleans()} if exec_allowed else {}),
        **({"capacity_providers": CAPACITY_SHARES} if spot else {}),
        **({"health_check_grace_period": st.sampled_from(["30s", "5m"])} if exposed else {}),
        **({"subnets": st.just("public")} if network.get("egress") in ("nat", "public") else {}),
        "proxy": proxies(containers),
    }
    release = draw(optional_fields(release=_RELEASES)) if _can_shift_traffic(expose) else {}
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
        **draw(optional_fields(**fields)),
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


_QUEUE = ARN.format(service="sqs", rest="jobs")
_QUEUES = st.one_of(
    optional_fields(
        variable=st.just("JOBS"), existing=st.just({"arn": _QUEUE, "kms_key": KMS_KEY})
    ).filter(lambda queue: "existing" in queue),
    optional_fields(
        visibility_timeout=st.sampled_from(["0s", "12h"]),
        fifo=st.booleans(),
        kms_key=st.just(KMS_KEY),
        dead_letter_queue=st.sampled_from([True, False, {"max_receive_count": 3}]),
    ),
)
_STORES: dict[str, SearchStrategy[Any]] = {
    "uploads": optional_fields(
        versioning=st.booleans(), kms_key=st.just(KMS_KEY), expire_after=st.just("90d")
    ),
    "orders": optional_fields(
        sort_key=st.just({"name": "created", "type": "number"}),
        indexes=st.just({"by-state": {"partition_key": "state"}}),
        keep=st.booleans(),
    ),
    "events": optional_fields(fifo=st.booleans()),
    "sql": optional_fields(
        aurora=st.sampled_from([True, False, {"readers": 1}]),
        rotation=st.booleans(),
        kms_key=st.just(KMS_KEY),
        logs=st.booleans(),
    ),
    "cache": optional_fields(nodes=st.booleans(), snapshots=st.just("7d")),
}
_STORE_KINDS: dict[str, Params] = {
    "uploads": {"template": "bucket"},
    "orders": {"template": "table", "partition_key": "id"},
    "events": {"template": "topic"},
    "sql": {"template": "database", "engine": "mysql"},
    "cache": {"template": "cache"},
}
_ACCESSES: dict[str, SearchStrategy[Any]] = {
    "uploads": st.sampled_from(["read", ["read", "write"]]),
    "orders": st.sampled_from(["write", {"access": "read", "variables": {"table": "T"}}]),
    "events": st.just("send"),
    "sql": st.sampled_from(["connect", "reach"]),
    "cache": st.just("connect"),
}


@st.composite
def _stores(draw: DrawFn, network: Params) -> dict[str, Params]:
    """Some, all or none of a bucket, a table and a topic, as far as the tasks can reach them, and
    of a database and a cache, as far as the network has private subnets for them."""
    needs = {"uploads": "s3", "orders": "dynamodb", "events": "sns"}
    endpoints = ["s3", *network.get("endpoints", [])]
    closed = network.get("egress") == "endpoints"
    names = [name for name, need in needs.items() if not closed or need in endpoints]
    subnets = network.get("existing", {}).get("private_subnets", [])
    names += ["sql", "cache"] if "existing" not in network or len(subnets) > 1 else []
    chosen = draw(some_of(names, 0, len(names)))
    return {name: {**_STORE_KINDS[name], **draw(_STORES[name])} for name in chosen}


_SCHEDULES = ["cron(30 6 ? * MON-FRI *)", "rate(5 minutes)", "at(2027-12-31T23:00:00)"]


@st.composite
def job_stacks(draw: DrawFn, network: Params, cluster: Params) -> dict[str, Params]:
    """Some, all or none of a worker, a scheduled task and a one-off task, and of what they use."""
    stores = draw(_stores(network))
    uses = {"uses": optional_fields(**{name: _ACCESSES[name] for name in stores})}

    def task(kind: str, **fields: SearchStrategy[Any]) -> Params:
        containers = draw(task_containers(private=network.get("egress") == "endpoints"))
        first = dict([next(iter(containers.items()))])  # depends on no other container
        exec_allowed = not any(
            container.get("readonly_root_filesystem") for container in first.values()
        )
        exec_field = {"enable_execute_command": st.booleans()} if exec_allowed else {}
        optional = {"task_role": TASK_ROLES, "logs": LOGS, **uses, **exec_field, **fields}
        return {
            "template": kind,
            "cpu": 4096,
            "memory": 8192,
            "containers": first,
            **draw(optional_fields(**optional)),
        }

    insights = cluster.get("container_insights", "off") != "off" or "existing" in cluster
    # Repeated, since few of the drawn clusters have the metrics that it needs.
    backlog = [{"min": 0, "max": 3, "backlog_per_task": 1}] * 3 if insights else []
    can_reach_sqs = network.get("egress") != "endpoints" or "sqs" in network.get("endpoints", [])
    names = draw(some_of([*(["mailer"] if can_reach_sqs else []), "report", "migrate"], 0, 3))
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
    return {**stores, **{name: make[name]() for name in names}}


@st.composite
def with_discovery(draw: DrawFn, services: dict[str, Params], cluster: Params) -> dict[str, Params]:
    """The services, with service discovery if there is a namespace. A service reaches only earlier
    services, so that there is no circular dependency."""
    namespace = cluster.get("namespace", cluster.get("existing", {}).get("namespace"))
    if not namespace:
        return services
    in_dns = namespace is True or namespace.get("dns", True)
    connected: dict[str, Params] = {}
    for name, service in services.items():
        targets = tcp_ports(service["containers"])
        port = draw(st.sampled_from(targets))
        endpoint = st.fixed_dictionaries(
            {key: st.just(value) for key, value in port.items()},
            optional={
                "client_port": st.integers(1, 65535),
                "protocol": st.sampled_from(["http", "http2", "grpc"]),
                "tls": st.just({"authority": CERTIFICATE_AUTHORITY}),
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
        discovery = draw(optional_fields(**fields))
        reachable = [
            other
            for other, params in connected.items()
            if params.get("discovery") or ("service_connect" in discovery and _has_endpoint(params))
        ]
        reaches = {"reaches": draw(some_of(reachable, 1, 2))} if reachable else {}
        connected[name] = {**service, **discovery, **reaches}
    return connected


def _has_endpoint(service: Params) -> bool:
    return isinstance(service.get("service_connect"), dict)
