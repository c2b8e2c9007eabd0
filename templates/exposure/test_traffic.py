"""Rules and listeners for test traffic, which reaches the new tasks of a deployment first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from troposphere import Ref, Select, Split, Sub, ec2
from troposphere import elasticloadbalancingv2 as elb

from moorage.model import logical_id

from ..common.security_groups import source_property
from ..tasks.ports import Port
from ..tasks.traffic_shift import TestTraffic
from .alb.targets import ListenerRule, Priorities, listener_rules
from .nlb.listeners import NlbTarget
from .target_pairs import Pairs


def uses_own_listener(test: TestTraffic) -> bool:
    """Whether test traffic of an Application Load Balancer has a listener of its own."""
    return test.port is not None and not test.headers and not test.hosts


def resolve_test_rule(rule: ListenerRule, test: TestTraffic) -> ListenerRule | None:
    """The rule for test traffic to the target of `rule`; None if the rule has no target, or if no
    condition or port is set."""
    if rule.target is None or not (test.headers or test.hosts or test.port):
        return None
    route = rule.route
    title = route.name or f"{rule.target.container}-{rule.target.port.number}"
    changes = {
        "name": f"{title}-test",
        "hosts": test.hosts or route.hosts,
        "headers": {**route.headers, **test.headers},
        "priority": 1 if uses_own_listener(test) else test.priority,
    }
    # A new route: a copy would keep the cached properties, such as the conditions.
    values = {key: getattr(route, key) for key in type(route).model_fields}
    return replace(rule, route=type(route).model_construct(**values | changes))


def nlb_test_target(target: NlbTarget, test: TestTraffic) -> NlbTarget | None:
    """A target with the port of the listener for test traffic; None without such a port."""
    if test.port is None:
        return None
    return replace(target, listener=Port(test.port, target.listener.protocol))


def nlb_test_listener_title(target: NlbTarget) -> str:
    return logical_id(target.entry.via, str(target.listener.number), "TestListener")


def alb_test_listener_title(rule: ListenerRule) -> str:
    return rule.title.removesuffix("Rule")


# Resources -----------------------------------------------------------------------------------


def alb_test_resources(
    rules: Sequence[ListenerRule], test: TestTraffic, priorities: Priorities, pairs: Pairs
) -> Iterator[Any]:
    """The rules for test traffic, and the listeners that are created for them."""
    if not uses_own_listener(test):
        yield from listener_rules(rules, priorities, pairs)
        return
    for rule in rules:
        title = alb_test_listener_title(rule)
        yield from _client_rules(title, rule, test)
        yield elb.Listener(
            title,
            LoadBalancerArn=_load_balancer_arn(rule.load_balancer.handle.listener),
            Port=test.port,
            Protocol="HTTPS" if test.certificate else "HTTP",
            DefaultActions=[
                elb.Action(
                    Type="fixed-response",
                    FixedResponseConfig=elb.FixedResponseConfig(StatusCode="404"),
                )
            ],
            **_tls_properties(test),
        )
        yield from listener_rules([rule], priorities, pairs, Ref(title))


def _tls_properties(test: TestTraffic) -> dict[str, Any]:
    if test.certificate is None:
        return {}
    certificate = elb.Certificate(CertificateArn=test.certificate)
    return {"Certificates": [certificate], "SslPolicy": test.ssl_policy}


def _client_rules(title: str, rule: ListenerRule, test: TestTraffic) -> Iterator[Any]:
    for index, client in enumerate(test.clients):
        yield ec2.SecurityGroupIngress(
            f"{title}Client{index + 1}",
            Description=f"Clients of test port {test.port}",
            GroupId=rule.load_balancer.handle.security_group,
            IpProtocol="tcp",
            FromPort=test.port,
            ToPort=test.port,
            **{source_property(client): client},
        )


def _load_balancer_arn(listener: Any) -> Any:
    """The ARN of a listener's load balancer, whose name and ID are in the ARN of the listener."""
    parts = Split("/", listener)
    return Sub(
        "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:"
        "loadbalancer/app/${Name}/${Id}",
        Name=Select(2, parts),
        Id=Select(3, parts),
    )
