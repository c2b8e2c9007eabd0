"""A CloudWatch dashboard for the whole environment.

overview: {template: dashboard}

It shows the services of each cluster, what is behind each load balancer, and the queue of each
worker. Services that are added later appear by themselves. The dashboard of a single service is its
`dashboard: true`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from troposphere import Template

from moorage.findings.finding import Problem
from moorage.model import Base, Environment

from . import cluster
from .alarms.alarms import Value
from .load_balancers import alb, nlb
from .tasks.queues import QueueConsumerParams, queue_handle
from .widgets import Graph, Line, Widget, dashboard, search


class Params(Base):
    """A dashboard for the environment. It has no settings."""


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """A dashboard that would be empty."""
    if not any(_widgets(name, env)) and not env.broken:
        message = "The environment has nothing that the dashboard could show"
        hint = "Add a cluster or a load balancer, or remove the stack."
        yield Problem("M3409", (), message, hint)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The dashboard."""
    template = Template(f"{env.app} {env.name}: the dashboard `{name}`")
    template.set_version()
    template.add_resource(dashboard(list(_widgets(name, env))))
    return template


# Widgets -------------------------------------------------------------------------------------


def _widgets(name: str, env: Environment) -> Iterator[Widget]:
    for stack, params in env.of(cluster.Params):
        yield from _cluster_graphs(stack, params, cluster.handle(stack, params, env).name)
    for stack, alb_params in env.of(alb.Params):
        yield from _alb_graphs(stack, env.resolve(alb.handle, stack, alb_params).full_name)
    for stack, nlb_params in env.of(nlb.Params):
        yield from _nlb_graphs(stack, env.resolve(nlb.handle, stack, nlb_params).full_name)
    queues = [
        (stack, queue_handle(stack, name, worker, env).name)
        for stack, worker in env.of(QueueConsumerParams)
    ]
    if queues:
        for title, metric in _QUEUE_GRAPHS.items():
            lines = tuple(Line(Value(metric, (queue,)), stack) for stack, queue in queues)
            yield Graph(title, lines)


_QUEUE_GRAPHS = {
    "Messages": "waiting_messages",
    "Age of the oldest message, seconds": "oldest_message",
}


def _cluster_graphs(stack: str, params: cluster.Params, name: Any) -> Iterator[Widget]:
    metrics = {"CPU, percent": "cpu", "Memory, percent": "memory"}
    if params.container_insights != "off":
        metrics["Running tasks"] = "running_tasks"
    for title, metric in metrics.items():
        yield Graph(f"{title}: {stack}", searches=(search(metric, "ClusterName", name),))


def _alb_graphs(stack: str, load_balancer: Any) -> Iterator[Widget]:
    yield Graph(
        f"Responses of {stack}",
        (
            Line(Value("load_balancer_requests", (load_balancer,)), "requests"),
            Line(Value("load_balancer_5xx", (load_balancer,)), "5xx of the load balancer"),
        ),
    )
    metrics = {
        "5xx of targets": "target_5xx",
        "Response time, seconds": "latency",
        "Unhealthy targets": "alb_unhealthy_hosts",
    }
    for title, metric in metrics.items():
        expression = search(metric, "LoadBalancer", load_balancer)
        yield Graph(f"{title}: {stack}", searches=(expression,))


def _nlb_graphs(stack: str, load_balancer: Any) -> Iterator[Widget]:
    yield Graph(
        f"Connections of {stack}",
        (
            Line(Value("active_flows", (load_balancer,)), "connections"),
            Line(Value("port_allocation_errors", (load_balancer,)), "port allocation errors"),
        ),
    )
    expression = search("nlb_unhealthy_hosts", "LoadBalancer", load_balancer)
    yield Graph(f"Unhealthy targets: {stack}", searches=(expression,))
