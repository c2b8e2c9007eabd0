"""Problems of the proxy of a service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from moorage.facts.quotas import MAX_TASK_DEFINITION_BYTES, MAX_TEMPLATE_BYTES
from moorage.findings.finding import Path, Place, Problem
from moorage.findings.wording import join_or, near, shown
from moorage.model import TextFile

from ..tasks.containers import Containers, suggest_container
from ..tasks.launch_types import container_address
from ..tasks.ports import FIRST_UNPRIVILEGED_PORT
from .nginx_check import find_mistakes
from .nginx_server import location_path
from .nginx_targets import Task
from .nginx_text import normalize_whitespace
from .param_types import Target
from .params import CONTAINER_KEYS, IMAGE, ErrorPage, Proxy, ProxyRoute, RequestSettings
from .proxy import PROXY, ServiceProxy, is_root, tcp_ports


def proxy_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """Problems of the proxy of a service."""
    if proxy.has_name_conflict:
        message = f"`proxy:` also adds a container with the name `{PROXY}`"
        hint = "Rename this container, or write it as `proxy:`."
        yield Problem("M2746", ("containers", PROXY), message, hint)
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
    if user and not is_root(user) and proxy.port < FIRST_UNPRIVILEGED_PORT:
        message = f"Only root is allowed to listen on port {proxy.port}, and nginx does not run as "
        message += "root"
        hint = f"Write a port from {FIRST_UNPRIVILEGED_PORT}: only load balancers connect to it."
        yield Problem("M3051", (*path, "port"), message, hint, because=[(*path, "user")])
    if proxy.config is None:
        if not proxy.routes:
            hint = "Write for example `routes: [{path: /, to: web}]`, or the name of a file in "
            hint += "`config:`."
            because = [(*path, "config")]
            at = (*path, "routes")
            message = "`routes` is missing: the proxy would have no destination for requests"
            yield Problem("M1102", at, message, hint, because=because)
        yield from _page_problems(proxy)
        yield from _path_problems(proxy)
        for index, route in enumerate(proxy.routes):
            yield from _route_problems(route, (*path, "routes", index), containers)
        if health := proxy.application_health:
            at = (*path, "application_health", "to")
            if health.to.scheme != "container":
                hint = "Write a container and its path, such as `web/healthz`."
                message = f"{shown(health.to)} is not a container of the task"
                yield Problem("M1104", at, message, hint)
            else:
                yield from _target_problems(health.to, at, containers)
    elif unused := sorted(proxy.model_fields_set - CONTAINER_KEYS - {"config"}):
        keys = " and ".join(f"`{key}`" for key in unused)
        message = f"With `config`, {keys} {'has' if len(unused) == 1 else 'have'} no effect"
        hint = "Write these settings in the file, or remove `config:`."
        yield Problem("M3052", (*path, unused[0]), message, hint)
    if proxy.config and user and not is_root(user) and proxy.image == IMAGE:
        message = "In this image only root can write the configuration to /etc/nginx"
        hint = "Remove `user`, or write an `image:` in which the user can."
        yield Problem("M3053", (*path, "user"), message, hint)


def _page_problems(proxy: Proxy) -> Iterator[Problem]:
    if proxy.intercept_errors and not proxy.error_pages:
        hint = "Write `error_pages:`, or remove it."
        message = "`intercept_errors` has no effect without `error_pages`"
        because = [(PROXY, "error_pages")]
        yield Problem("M3054", (PROXY, "intercept_errors"), message, hint, because=because)
    page_of_status: dict[int, int] = {}
    for index, page in enumerate(proxy.error_pages):
        path = (PROXY, "error_pages", index)
        yield from _content_problems(page, path)
        for status in page.statuses:
            if status in page_of_status:
                message = f"`error_pages[{page_of_status[status]}]` is also for {status}"
                yield Problem("M3055", (*path, "statuses"), message, "Remove one of them.")
            page_of_status.setdefault(status, index)


def _content_problems(page: ErrorPage, path: Path) -> Iterator[Problem]:
    if (page.body is None) == (page.path is None):
        message = "A page needs either a `body` or a `path`"
        yield Problem("M3056", path, message, "Write one of them.")
    elif page.body is None and "content_type" in page.model_fields_set:
        message = "`content_type` has no effect on a page with a `path`"
        yield Problem("M3054", (*path, "content_type"), message, "Remove `content_type`.")


def _path_problems(proxy: Proxy) -> Iterator[Problem]:
    """Two locations with the same path, with which nginx does not start."""
    locations = {f"= {proxy.health_path}": "health_path"}
    if health := proxy.application_health:
        if health.path == proxy.health_path:
            message = f"`{health.path}` is the `health_path`, which nginx answers itself"
            at = (PROXY, "application_health", "path")
            yield Problem("M3055", at, message, "Write another path.")
        locations[f"= {health.path}"] = "application_health"
    for index, route in enumerate(proxy.routes):
        if route.path is None and route.match is None:
            continue
        key = f"~ {route.match}" if route.match is not None else location_path(route)
        path: Path = (PROXY, "routes", index, "path" if route.path else "match")
        if key in locations:
            message = f"`{locations[key]}` matches the same requests"
            yield Problem("M3055", path, message, "Remove one of them.")
        locations.setdefault(key, f"routes[{index}]")


def _route_problems(route: ProxyRoute, path: Path, containers: Containers) -> Iterator[Problem]:
    if (route.path is None) == (route.match is None):
        message = "A route needs either a `path` or a `match`"
        hint = "Write one of them; `path: /` matches all other requests."
        yield Problem("M3056", path, message, hint)
    elif route.match is not None and route.to.path:
        message = "A path in `to` cannot replace what the regular expression of `match` matches"
        yield Problem("M3057", (*path, "to"), message, f"Remove `{route.to.path}`.")
    if route.ignore_case and route.match is None:
        message = "`ignore_case` has no effect without `match`"
        at, because = (*path, "ignore_case"), [(*path, "match")]
        yield Problem("M3054", at, message, "Remove `ignore_case`.", because=because)
    fastcgi = route.to.scheme == "fastcgi"
    if fastcgi and route.root is None:
        message = "`root` is missing, and FastCGI needs the folder of the scripts"
        hint = "Write `root:` with the folder in the container that runs them."
        yield Problem("M1102", (*path, "root"), message, hint)
    for key in ("root", "script"):
        if not fastcgi and getattr(route, key) is not None:
            message = f"`{key}` has no effect without FastCGI"
            hint = f"Remove `{key}`, or write `to: fastcgi://{route.to.host}`."
            yield Problem("M3054", (*path, key), message, hint)
    if fastcgi and route.websocket:
        message = "FastCGI does not support WebSockets"
        yield Problem("M3054", (*path, "websocket"), message, "Remove `websocket`.")
    yield from _verify_problems(route, path)
    if not route.to.outside:
        yield from _target_problems(route.to, (*path, "to"), containers)


def _verify_problems(route: ProxyRoute, path: Path) -> Iterator[Problem]:
    if not route.verify and route.to.scheme != "https":
        message = "`verify` has no effect without HTTPS: there is no certificate"
        yield Problem("M3054", (*path, "verify"), message, "Remove `verify`.")
    elif route.verify and route.to.scheme == "https" and _is_address(route.to.host):
        # nginx looks for names in a certificate, not for IP addresses (X509_check_host).
        message = f"nginx cannot verify the certificate of an IP address, {route.to.host}"
        hint = "Write the name of the host, or `verify: false`."
        because = [(*path, "verify")]
        yield Problem("M3058", (*path, "to"), message, hint, "warning", because)


def _is_address(host: str) -> bool:
    return re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host) is not None


def _suggest_target(to: Target, containers: Containers) -> str:
    """A hint for an unknown container, with its port if it has several."""
    closest = near(to.host, containers)
    ports = tcp_ports(containers[closest]) if closest else ()
    if closest and to.port is None and len(ports) > 1:
        return f"Did you mean {' or '.join(f'`{closest}:{port}`' for port in ports)}?"
    return suggest_container(to.host, containers)


def _target_problems(to: Target, path: Path, containers: Containers) -> Iterator[Problem]:
    if to.host == PROXY:
        message = "The proxy would send the requests to itself"
        yield Problem("M3059", path, message, "Write the name of the container that answers.")
        return
    if to.host not in containers:
        message = f"There is no container {shown(to.host)}"
        yield Problem(
            "M1204",
            path,
            message,
            _suggest_target(to, containers),
            because=[("containers", to.host)],
        )
        return
    ports = tcp_ports(containers[to.host])
    because = [("containers", to.host, "ports")]
    write = f"Write {join_or(f'`{to.host}:{port}`' for port in ports)}." if ports else ""
    if to.port is None and len(ports) != 1 and not (to.scheme == "fastcgi" and not ports):
        number = "more than one TCP port" if ports else "no TCP port"
        add = f"Add the port that the container listens on to the `ports` of `{to.host}`."
        hint = write or add
        yield Problem("M1205", path, f"Container `{to.host}` has {number}", hint, because=because)
    elif to.port is not None and ports and to.port not in ports:
        message = f"Container `{to.host}` has no TCP port {to.port}"
        yield Problem("M1205", path, message, write, because=because)


def _load_balancer_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """Timeouts and protocols that do not fit the load balancers in front of the proxy."""
    params, idle_timeouts = proxy.params, proxy.idle_timeouts
    places: list[tuple[Path, RequestSettings]] = [((PROXY,), params)]
    places += [((PROXY, "routes", index), route) for index, route in enumerate(params.routes)]
    for path, settings in places:
        for via, seconds in idle_timeouts.items():
            if settings.read_timeout is not None and settings.read_timeout > seconds:
                message = f"`{via}` closes the connection after {seconds}s, before `read_timeout` "
                message += "ends"
                hint = f"Write at most `{seconds}s`, or raise `idle_timeout` of `{via}`."
                at = (*path, "read_timeout")
                yield Problem("M3060", at, message, hint, level="warning")
    for via, seconds in idle_timeouts.items():
        if params.keepalive_timeout is not None and params.keepalive_timeout <= seconds:
            message = f"`{via}` keeps idle connections for {seconds}s, and answers 502 if it sends "
            message += "a request over one that the proxy closes"
            hint = f"Remove `keepalive_timeout`, or write more than `{seconds}s`."
            yield Problem("M3061", (PROXY, "keepalive_timeout"), message, hint)
    for index in sorted(proxy.nlb_entries):
        if proxy.entries[index].proxy_protocol_v2 and params.config is None:
            message = "The generated nginx configuration does not read proxy protocol headers"
            hint = "Write `preserve_client_ip: true` instead."
            yield Problem("M3062", ("expose", index, "proxy_protocol_v2"), message, hint)


def _text_problems(proxy: ServiceProxy) -> Iterator[Problem]:
    """Mistakes in the generated configuration, which come from values of the params."""
    text = proxy.configuration
    lines = text.split("\n")
    for mistake in find_mistakes(text, _task(proxy)):
        if mistake.level == "error":
            message = f"{mistake.message}, in {shown(lines[mistake.line - 1].strip())}"
            yield Problem(mistake.code, (PROXY,), message, mistake.hint)
    yield from _size_problems(text, (PROXY,), None)


def _file_problems(file: TextFile, proxy: ServiceProxy) -> Iterator[Problem]:
    """Mistakes in a configuration file of the user, reported in that file."""
    path = (PROXY, "config")
    because = [("containers",), (PROXY, "port")]
    for mistake in find_mistakes(file.text, _task(proxy)):
        place = Place(file.name, mistake.line)
        yield Problem(
            mistake.code, path, mistake.message, mistake.hint, mistake.level, because, place
        )
    yield from _size_problems(normalize_whitespace(file.text), path, Place(file.name, 1))


def _size_problems(text: str, path: Path, place: Place | None) -> Iterator[Problem]:
    """A configuration that is too large for a template or a task definition. Together with the rest
    of the template, a smaller one can be too large, too."""
    size = len(text.encode())
    if size > MAX_TEMPLATE_BYTES or len(json.dumps(text)) > MAX_TASK_DEFINITION_BYTES:
        message = f"The configuration has {size:,} bytes and does not fit into a template"
        hint = "Build an image that contains it, and run that as a container."
        yield Problem("M1303", path, message, hint, place=place)


def _task(proxy: ServiceProxy) -> Task:
    return Task(
        port=proxy.params.port,
        containers={
            name: (container_address(name, proxy.network_mode), tuple(tcp_ports(container)))
            for name, container in proxy.containers.items()
        },
    )
