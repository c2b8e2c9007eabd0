"""What can be wrong with the proxy of a service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from moorage.findings.finding import Path, Place, Problem
from moorage.findings.wording import shown
from moorage.model import TextFile

from ..tasks.containers import Containers, suggest_container
from ..tasks.launch_types import container_address
from .nginx_check import Task, faults
from .nginx_config import location_path, plain
from .params import CONTAINER_KEYS, IMAGE, ErrorPage, Passing, Proxy, ProxyRoute, Target
from .proxy import PROXY, ServiceProxy, is_root, tcp_ports

_PRIVILEGED_PORTS = 1024
"""Ports below are for root or a capability (ip(7)), which ECS adds for no other user
(aws/containers-roadmap issue 1721)."""
_MOST_OF_TEMPLATE = 51_200
"""Bytes of a template (CloudFormation quotas, "Template body size in a request")."""
_MOST_OF_TASK = 64 * 1024
"""Bytes of a task definition (Amazon ECS endpoints and quotas, "Task definition size limit")."""


def proxy_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """What is wrong with the proxy of a service."""
    if PROXY in proxy.written_names:
        message = f"A container `{PROXY}` is what `proxy:` makes"
        hint = "Rename this one, or write it as `proxy:`."
        yield Problem("M1108", ("containers", PROXY), message, hint)
    problems = list(_params_problems(proxy))
    yield from problems
    yield from _load_balancer_problems(proxy)
    if proxy.params.config is not None:
        yield from _file_problems(proxy.params.config, proxy)
    elif not any(problem.level == "error" for problem in problems):
        yield from _text_problems(proxy)


def _params_problems(service_proxy: ServiceProxy) -> Iterator[Problem]:
    proxy, user = service_proxy.params, service_proxy.user
    path: Path = (PROXY,)
    containers = service_proxy.containers
    if user and not is_root(user) and proxy.port < _PRIVILEGED_PORTS:
        message = f"Only root may listen on port {proxy.port}, and nginx is not root here"
        hint = f"Write one from {_PRIVILEGED_PORTS}: load balancers ask it, and no client knows."
        yield Problem("M1105", (*path, "port"), message, hint, because=[(*path, "user")])
    if proxy.config is None:
        if not proxy.routes:
            hint = "Write for example `routes: [{path: /, to: web}]`, or name a file in `config:`."
            because = [(*path, "config")]
            here = (*path, "routes")
            yield Problem("M1102", here, "The proxy leads nowhere", hint, because=because)
        yield from _page_problems(proxy)
        yield from _path_problems(proxy)
        for index, route in enumerate(proxy.routes):
            yield from _route_problems(route, (*path, "routes", index), containers)
        if health := proxy.application_health:
            here = (*path, "application_health", "to")
            if health.to.scheme != "container":
                hint = "Write a container and its path, such as `web/healthz`."
                yield Problem("M1104", here, f"{shown(health.to)} is not a container", hint)
            else:
                yield from _target_problems(health.to, here, containers)
    elif others := sorted(proxy.model_fields_set - CONTAINER_KEYS - {"config"}):
        message = f"`config` stands beside {', '.join(others)}, which would change nothing"
        hint = "Write it into the file, or remove `config:`."
        yield Problem("M1108", (*path, others[0]), message, hint)
    if proxy.config and user and not is_root(user) and proxy.image == IMAGE:
        message = "Only root can write the configuration to /etc/nginx in this image"
        yield Problem("M1220", (*path, "user"), message, "Remove it, or write an `image:`.")


def _page_problems(proxy: Proxy) -> Iterator[Problem]:
    if proxy.intercept_errors and not proxy.error_pages:
        hint = "Write `error_pages:`, or remove it."
        message = "There is no page that could replace the application's"
        yield Problem("M1220", (PROXY, "intercept_errors"), message, hint)
    taken: dict[int, int] = {}
    for index, page in enumerate(proxy.error_pages):
        path = (PROXY, "error_pages", index)
        yield from _content_problems(page, path)
        for status in page.statuses:
            if status in taken:
                message = f"{status} has a page already, `error_pages[{taken[status]}]`"
                yield Problem("M1209", (*path, "statuses"), message, "Keep one of them.")
            taken.setdefault(status, index)


def _content_problems(page: ErrorPage, path: Path) -> Iterator[Problem]:
    if (page.body is None) == (page.path is None):
        message = "A page has either a `body` or a `path`"
        yield Problem("M1108", path, message, "Write one of them.")
    elif page.body is None and "content_type" in page.model_fields_set:
        message = "`content_type` is that of a `body`"
        yield Problem("M1220", (*path, "content_type"), message, "Remove it.")


def _path_problems(proxy: Proxy) -> Iterator[Problem]:
    """Two locations of one path: nginx would not start."""
    taken = {f"= {proxy.health_path}": "health_path"}
    if health := proxy.application_health:
        if health.path == proxy.health_path:
            message = f"`{health.path}` is what nginx answers by itself, `health_path`"
            here = (PROXY, "application_health", "path")
            yield Problem("M1209", here, message, "Write another one.")
        taken[f"= {health.path}"] = "application_health"
    for index, route in enumerate(proxy.routes):
        if route.path is None and route.match is None:
            continue
        key = f"~ {route.match}" if route.match is not None else location_path(route)
        path: Path = (PROXY, "routes", index, "path" if route.path else "match")
        if key in taken:
            message = f"The same requests are taken by `{taken[key]}`"
            yield Problem("M1209", path, message, "Keep one of them.")
        taken.setdefault(key, f"routes[{index}]")


def _route_problems(route: ProxyRoute, path: Path, containers: Containers) -> Iterator[Problem]:
    if (route.path is None) == (route.match is None):
        message = "A route has either a `path` or a `match`"
        yield Problem("M1108", path, message, "Write one of them; `path: /` takes all the rest.")
    elif route.match is not None and route.to.path:
        message = "What a regular expression matched cannot be replaced by a path"
        yield Problem("M1220", (*path, "to"), message, f"Leave out `{route.to.path}`.")
    if route.ignore_case and route.match is None:
        message = "`ignore_case` is for `match`"
        yield Problem("M1220", (*path, "ignore_case"), message, "Remove it.")
    fastcgi = route.to.scheme == "fastcgi"
    if fastcgi and route.root is None:
        message = "FastCGI needs to know where the scripts are"
        hint = "Write `root:`, the folder in the container that runs them."
        yield Problem("M1102", (*path, "root"), message, hint)
    for key in ("root", "script"):
        if not fastcgi and getattr(route, key) is not None:
            message = f"`{key}` is for FastCGI"
            hint = f"Remove it, or write `to: fastcgi://{route.to.host}`."
            yield Problem("M1220", (*path, key), message, hint)
    if fastcgi and route.websocket:
        message = "FastCGI has no WebSockets"
        yield Problem("M1220", (*path, "websocket"), message, "Remove it.")
    yield from _verify_problems(route, path)
    if not route.to.outside:
        yield from _target_problems(route.to, (*path, "to"), containers)


def _verify_problems(route: ProxyRoute, path: Path) -> Iterator[Problem]:
    if not route.verify and route.to.scheme != "https":
        message = "There is no certificate to verify"
        yield Problem("M1220", (*path, "verify"), message, "Remove it.")
    elif route.verify and route.to.scheme == "https" and _is_address(route.to.host):
        # nginx looks for names in a certificate, never for addresses (X509_check_host).
        message = f"No certificate is found to be that of an address, {route.to.host}"
        hint = "Write the host's name, or `verify: false`."
        yield Problem("M1220", (*path, "to"), message, hint, level="warning")


def _is_address(host: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+){3}", host) is not None


def _target_problems(to: Target, path: Path, containers: Containers) -> Iterator[Problem]:
    if to.host == PROXY:
        message = "The proxy would lead to itself"
        yield Problem("M1204", path, message, "Name the container that answers.")
        return
    if to.host not in containers:
        message = f"There is no container {shown(to.host)}"
        yield Problem(
            "M1204",
            path,
            message,
            suggest_container(to.host, containers),
            because=[("containers", to.host)],
        )
        return
    ports = tcp_ports(containers[to.host])
    because = [("containers", to.host, "ports")]
    say = f"Write {' or '.join(f'`{to.host}:{port}`' for port in ports)}."
    if to.port is None and len(ports) != 1 and not (to.scheme == "fastcgi" and not ports):
        number = "more than one TCP port" if ports else "no TCP port"
        hint = say if ports else f"Add the port that it listens on to the `ports` of `{to.host}`."
        yield Problem("M1205", path, f"Container `{to.host}` has {number}", hint, because=because)
    elif to.port is not None and ports and to.port not in ports:
        message = f"Container `{to.host}` has no TCP port {to.port}"
        yield Problem("M1205", path, message, say, because=because)


def _load_balancer_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """What does not fit the load balancers in front of the proxy."""
    params, idle_timeouts = proxy.params, proxy.idle_timeouts
    places: list[tuple[Path, Passing]] = [((PROXY,), params)]
    places += [((PROXY, "routes", index), route) for index, route in enumerate(params.routes)]
    for path, passing in places:
        for via, seconds in idle_timeouts.items():
            if passing.read_timeout is not None and passing.read_timeout > seconds:
                message = f"`{via}` gives up after {seconds}s, before the proxy does"
                hint = f"Write at most `{seconds}s`, or raise `idle_timeout` of `{via}`."
                here = (*path, "read_timeout")
                yield Problem("M1220", here, message, hint, level="warning")
    for via, seconds in idle_timeouts.items():
        if params.keepalive_timeout is not None and params.keepalive_timeout <= seconds:
            message = f"`{via}` uses idle connections for {seconds}s, and would answer 502 for one "
            message += "that the proxy is closing"
            hint = f"Leave it out, or write more than `{seconds}s`."
            yield Problem("M1220", (PROXY, "keepalive_timeout"), message, hint)
    for index in sorted(proxy.nlb_entries):
        if proxy.entries[index].proxy_protocol_v2 and params.config is None:
            message = "The proxy does not read the proxy protocol"
            hint = "Write `preserve_client_ip: true` instead."
            yield Problem("M1220", ("expose", index, "proxy_protocol_v2"), message, hint)


def _text_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """What is wrong with the generated configuration: only what the params contribute can be."""
    text = proxy.configuration
    lines = text.split("\n")
    for fault in faults(text, _task(proxy)):
        if fault.level == "error":
            message = f"{fault.message}, in {shown(lines[fault.line - 1].strip())}"
            yield Problem("M1222", (PROXY,), message, fault.hint)
    yield from _size_problems(text, (PROXY,), None)


def _file_problems(file: TextFile, proxy: ServiceProxy) -> Iterator[Problem]:
    """What is wrong with a configuration that the user writes, reported in that file."""
    path = (PROXY, "config")
    because = [("containers",), (PROXY, "port")]
    for fault in faults(file.text, _task(proxy)):
        place = Place(file.name, fault.line)
        yield Problem("M1222", path, fault.message, fault.hint, fault.level, because, place)
    yield from _size_problems(plain(file.text), path, Place(file.name, 1))


def _size_problems(text: str, path: Path, place: Place | None) -> Iterator[Problem]:
    """What no template, or no task definition, can hold; a little less may still be too much for
    the rest of the template."""
    size = len(text.encode())
    if size > _MOST_OF_TEMPLATE or len(json.dumps(text)) > _MOST_OF_TASK:
        message = f"The configuration of {size:,} bytes fits into no template"
        hint = "Build an image that holds it, and run that as a container."
        yield Problem("M1303", path, message, hint, place=place)


def _task(proxy: ServiceProxy) -> Task:
    return Task(
        port=proxy.params.port,
        containers={
            name: (container_address(name, proxy.network_mode), tuple(tcp_ports(container)))
            for name, container in proxy.containers.items()
        },
    )
