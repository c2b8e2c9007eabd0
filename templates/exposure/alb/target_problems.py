"""Problems of the routes of a service that depend on its containers or on its other routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_or

from ...load_balancers.clients import private_client_problems
from ...tasks.containers import Containers, choose_container, container_choice_problems
from ...tasks.ports import Port
from .route_problems import route_problems
from .routes import Route
from .target_groups import find_health_check_port
from .targets import ListenerRule, rule_title_prefix, target_settings


def rule_problems(rules: Sequence[ListenerRule], containers: Containers) -> Iterator[Problem]:
    """The problems of the routes of one service."""
    for rule in rules:
        route, handle = rule.route, rule.load_balancer.handle
        yield from route_problems(route, rule.path, https=handle.https)
        if handle.scheme == "internet-facing":
            yield from private_client_problems(route.source_ips, (*rule.path, "source_ips"))
        if route.authenticate and not handle.authentication:
            message = f"`{route.via}` cannot reach an identity provider"
            hint = f"Write `authentication: true` in `{route.via}`."
            yield Problem("M2559", (*rule.path, "authenticate"), message, hint)
        if route.forwards:
            yield from _container_problems(rule, containers)
            yield from _health_port_problems(route, rule.path, containers)
    yield from _root_path_problems(rules)
    yield from _title_problems(rules)
    yield from _target_title_problems(rules)


def _container_problems(rule: ListenerRule, containers: Containers) -> Iterator[Problem]:
    route, target = rule.route, rule.target
    name = choose_container(route.container, containers)
    if name not in containers:
        yield from container_choice_problems(route.container, rule.path, containers)
        return
    because = [("containers", name, "ports"), (*rule.path, "container")]
    if target is None:
        message, hint = _describe_missing_port(name, route.port, containers[name].ports)
        yield Problem("M1205", (*rule.path, "port"), message, hint, because=because)
    elif Port(target.port.number, "udp") in containers[name].ports:
        # Amazon ECS refuses such a service: "Container port ... is used in more than one port
        # mapping" (aws/amazon-ecs-agent issue 3428).
        message = f"Container `{name}` has port {target.port} for TCP and for UDP, which ECS "
        message += "refuses behind a load balancer"
        hint = "Let the container listen on another port for one of them, and change its `ports`."
        yield Problem("M2556", (*rule.path, "port"), message, hint, because=because)


def _describe_missing_port(name: str, port: Port | None, ports: Sequence[Port]) -> tuple[str, str]:
    """Message and hint for a route without a port, or with several to choose from."""
    usable = [str(candidate) for candidate in ports if candidate.protocol == "tcp"]
    if port is not None and port.protocol != "tcp":
        message = "An Application Load Balancer forwards to TCP ports only"
        tcp = [f"`port: {number}`" for number in usable] or [f"a TCP port of `{name}`"]
        return message, f"Write {join_or(tcp)}, or name a Network Load Balancer in `via`."
    if not usable:
        hint = f"Add the port that the container listens on to the `ports` of `{name}`."
        return f"Container `{name}` has no TCP port", hint
    write = f"Write {join_or(f'`port: {number}`' for number in usable)}"
    if port is None:
        return f"Container `{name}` has more than one TCP port", f"{write}."
    message = f"Container `{name}` has no TCP port {port}"
    return message, f"{write}, or add {port} to the `ports` of `{name}`."


def _health_port_problems(route: Route, path: Path, containers: Containers) -> Iterator[Problem]:
    check = route.health_check
    if check is None or check.port is None:
        return
    has_port = any(check.port in container.ports for container in containers.values())
    if not has_port or check.port.protocol != "tcp":
        message = f"No container of the task has TCP port {check.port.number} in its `ports`"
        hint = "Add it to the `ports` of the container that answers, or remove this key."
        port_path = (*path, "health_check", "port")
        yield Problem("M1205", port_path, message, hint, because=[("containers",)])


def _root_path_problems(rules: Sequence[ListenerRule]) -> Iterator[Problem]:
    """A service that gets requests to `/` only, which is seldom intended: a path pattern without a
    wildcard matches one path (Application Load Balancers user guide, "Path conditions")."""
    forwarding = [rule for rule in rules if rule.route.forwards]
    if forwarding and all(rule.route.paths == ["/"] for rule in forwarding):
        message = 'Only requests to the root path reach the service: `paths: ["/"]` matches no '
        message += "other path"
        hint = 'For all paths, write `paths: ["/*"]`.'
        path = (*forwarding[0].path, "paths")
        yield Problem("M2415", path, message, hint, level="warning")


def _title_problems(rules: Sequence[ListenerRule]) -> Iterator[Problem]:
    """Two rules with the same logical ID, or two that set the same target group."""
    titles: dict[str, int] = {}
    setters: dict[tuple[str, str, Port], int] = {}
    for rule in rules:
        if (rule.target or rule.route.name) and rule.title in titles:
            first = titles[rule.title]
            message = f"The route has the same logical ID as `expose[{first}]`, {rule.title}"
            hint = "Add a `name:`. Do not change it after the deployment."
            yield Problem("M1302", rule.path, message, hint)
        titles.setdefault(rule.title, rule.index)
        settings = target_settings(rule.route)
        if rule.target and settings:
            if rule.target.key in setters:
                keys = " and ".join(f"`{key}`" for key in sorted(settings))
                first = setters[rule.target.key]
                message = f"`expose[{first}]` also has settings of the same target group"
                hint = f"Write {keys} in `expose[{first}]`: the two routes share the target group."
                yield Problem("M2557", rule.path, message, hint)
            setters.setdefault(rule.target.key, rule.index)


def _target_title_problems(rules: Sequence[ListenerRule]) -> Iterator[Problem]:
    """Different ports that result in the same logical ID."""
    sources: dict[str, str] = {}
    for rule in rules:
        for title, source in _titles(rule):
            first = sources.setdefault(title, source)
            if first != source:
                message = f"`{source}` and `{first}` result in the same logical ID, {title}"
                hint = "Rename the container, or the stack of the load balancer."
                yield Problem("M1302", rule.path, message, hint)
                break


def _titles(rule: ListenerRule) -> Iterator[tuple[str, str]]:
    """Logical IDs for the ports of a route, and the text that each is formed from."""
    if target := rule.target:
        via = rule.load_balancer.name
        yield target.title, f"port {target.port} of `{target.container}` behind `{via}`"
        for port in sorted({target.port, find_health_check_port(rule.route, target.port)}, key=str):
            yield f"{rule_title_prefix(via, port)}Ingress", f"port {port} behind `{via}`"
