"""Hypothesis strategies for the params of whole environments, all of them valid.

The exception: two drawn routes may conflict, which cannot be avoided without repeating the code
under test. `params_plans.plan` rejects such a draw.

The draws are the same in every run, so that only a change of the code can make a test fail. Set
`EXPLORE=1` for other draws, for example after a change of a template.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from service_strategies import job_stacks, service_params, with_discovery
from strategy_parts import (
    ACCOUNT,
    CAPACITY_SHARES,
    CERTIFICATES,
    LISTENER_ARNS,
    LOGS,
    NAMESPACE,
    PERMISSIONS_BOUNDARY,
    REGION,
    SERVICE_NAMES,
    WEB_ACL,
    WORDS,
    Params,
    optional_fields,
    resource_ids,
    some_of,
)
from task_strategies import REGISTRIES


@st.composite
def environments(draw: DrawFn, most_services: int = 4, *, jobs: bool = False) -> Params:
    """A network, a cluster, load balancers of both kinds, and services behind them; with workers
    and other tasks if `jobs` is true."""
    network = draw(networks())
    cluster = draw(clusters())
    balancers = {
        name: draw(application_load_balancers(name, network))
        for name in draw(some_of(["public", "inner-lb"], 1, 2))
    }
    edge = draw(network_load_balancers(network))
    names = draw(some_of(SERVICE_NAMES, 1, most_services))
    services = {
        name: draw(service_params(name, network, cluster, balancers, edge)) for name in names
    }
    services = draw(with_discovery(services, cluster))
    registry = draw(optional_fields(registry=REGISTRIES))
    header = draw(
        optional_fields(
            tags=st.dictionaries(WORDS, WORDS, max_size=2),
            permissions_boundary=st.just(PERMISSIONS_BOUNDARY),
            account=st.just(ACCOUNT),
        )
    )
    app = draw(st.sampled_from(["shop", "a", "my-app-2"]))
    jobs_stacks = draw(job_stacks(network, cluster)) if jobs else {}
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


@st.composite
def networks(draw: DrawFn) -> Params:
    if draw(st.integers(0, 4)) == 0:
        subnets = {
            "public_subnets": resource_ids("subnet", 10, 2),
            "private_subnets": resource_ids("subnet", 20, 2),
        }
        vpc = {"vpc": resource_ids("vpc", 1, 1)[0], "cidr": "10.9.0.0/16"}
        return {"existing": vpc | subnets | draw(optional_fields(ipv6=st.booleans()))}
    egress = draw(st.sampled_from(["public", "nat", "nat-per-az", "endpoints"]))
    endpoints = (
        {"endpoints": some_of(["sqs", "sts", "dynamodb"], 0, 2)} if egress == "endpoints" else {}
    )
    zones = st.sampled_from([2, 3, [f"{REGION}b", f"{REGION}a"]])
    return {"egress": egress} | draw(
        optional_fields(
            cidr=st.sampled_from(["10.20.0.0/16", "192.168.0.0/20"]),
            availability_zones=zones,
            ipv6=st.sampled_from([True, True, False]),
            flow_logs=st.one_of(st.booleans(), LOGS),
            **endpoints,
        )
    )


@st.composite
def clusters(draw: DrawFn) -> Params:
    if draw(st.integers(0, 4)) == 0:
        fields = optional_fields(
            exec_log_group=st.just("/shop/exec"),
            capacity_providers=st.just(["FARGATE", "FARGATE_SPOT"]),
            namespace=st.just({"arn": NAMESPACE}),
        )
        return {"existing": {"name": "old", **draw(fields)}}
    return draw(
        optional_fields(
            container_insights=st.sampled_from(["off", "on", "enhanced"]),
            exec_logs=st.one_of(st.booleans(), LOGS),
            default_strategy=CAPACITY_SHARES,
            namespace=st.sampled_from(
                [True, {"name": "shop.internal"}, {"dns": False}, {"existing": {"arn": NAMESPACE}}]
            ),
        )
    )


# Load balancers ------------------------------------------------------------------------------


@st.composite
def application_load_balancers(draw: DrawFn, name: str, network: Params) -> Params:
    if draw(st.integers(0, 4)) == 0:
        protocol = optional_fields(protocol=st.sampled_from(["HTTP", "HTTPS"]))
        listener, group = draw(st.sampled_from(LISTENER_ARNS)), resource_ids("sg", 7, 1)[0]
        existing = {"listener": listener, "security_group": group, **draw(protocol)}
        return {"template": "alb", "existing": existing}
    scheme = draw(st.sampled_from(["internet-facing", "internal"]))
    certificate = draw(st.sampled_from([None, CERTIFICATES[0], CERTIFICATES]))
    fields: dict[str, SearchStrategy[Any]] = {
        "idle_timeout": st.sampled_from(["1s", "2m"]),
        "deletion_protection": st.booleans(),
        "drop_invalid_headers": st.booleans(),
        "access_logs": st.sampled_from([True, False, {"prefix": "alb"}, {"bucket": "our-logs"}]),
        "web_acl": st.just(WEB_ACL),
        "aliases": st.just([{"zone": "Z0123456789ABCDEFGHIJ", "name": f"*.{name}.example.com"}]),
        "clients": st.just(["10.0.0.0/8", "pl-0123456789abcdef0"]),
    }
    ipv6 = network.get("existing", network).get("ipv6")
    if scheme == "internet-facing" and ipv6:
        fields["ip_address_type"] = st.sampled_from(["ipv4", "dualstack"])
    if scheme == "internet-facing" and certificate:
        fields["authentication"] = st.booleans()
    certificates = {"certificate": certificate} if certificate else {}
    return {"template": "alb", "scheme": scheme, **certificates, **draw(optional_fields(**fields))}


@st.composite
def network_load_balancers(draw: DrawFn, network: Params) -> Params:
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
    return {**balancer, **draw(optional_fields(**fields))}
