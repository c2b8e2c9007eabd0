"""The reverse proxy of a service: what can be wrong with it, and the container that it becomes.

The container runs nginx's own image. Its configuration stands in an environment variable of the
container, where a reviewer reads it line by line, and a shell writes it to a file before nginx
takes the shell's place, so that nginx gets the signals. nginx is started by nobody with rights and
writes only below /tmp.

A configuration of the user's is a text file beside the params. It is either a whole nginx.conf, or
what the image's own includes from /etc/nginx/conf.d.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from moorage.findings.finding import Path, Place, Problem
from moorage.findings.wording import shown
from moorage.model import Base, Environment, TextFile

from .. import network
from ..common.fields import format_duration
from ..common.stack_lookup import find_stack
from ..exposure.params import Exposure
from ..load_balancers import alb, nlb
from ..tasks.containers import Container, Containers, suggest_container
from ..tasks.launch_types import NetworkMode, address
from .fields import Target
from .nginx_check import find_mistakes
from .nginx_config import generate_configuration
from .nginx_server import ProxyContext, location_path
from .nginx_syntax import is_complete, parse_configuration
from .nginx_targets import Task
from .nginx_text import normalize_whitespace
from .params import CONTAINER_KEYS, IMAGE, NGINX, ErrorPage, Passing, Proxy, ProxyRoute

PROXY = "proxy"
"""The container's name."""
WHOLE, PART = "NGINX_CONF", "NGINX_SERVERS"
"""Variables of the container: a whole configuration, or what stands within its `http`."""

_KEEPALIVE, _LONGER = 75, 15
_PORTS_OF_ROOT = 1024
"""Ports below are for root or a capability (ip(7)), which ECS adds for nobody else
(aws/containers-roadmap issue 1721)."""
# RFC 1918 and RFC 6598: what a VPC usually has, where nobody said which.
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
_MOST_OF_TEMPLATE = 51_200
"""Bytes of a template (CloudFormation quotas, "Template body size in a request")."""
_MOST_OF_TASK = 64 * 1024
"""Bytes of a task definition (Amazon ECS endpoints and quotas, "Task definition size limit")."""
_UDP = ("udp", "tcp_udp", "quic", "tcp_quic")


class ProxyParams(Base):
    """What a service says of the proxy in front of its containers."""

    proxy: Proxy | None = Field(
        None, description="An nginx in front of the containers, made from these params."
    )


@dataclass(frozen=True)
class Fronted:
    """What a proxy stands in front of."""

    containers: Containers
    """The other containers; its own is passed over."""
    expose: Sequence[Exposure]
    network: str | None
    mode: NetworkMode


# What comes out ------------------------------------------------------------------------------


def led_through(proxy: Proxy | None, expose: Sequence[Exposure]) -> list[Exposure]:
    """The ways to a service; those that name no container lead to its proxy, if it has one."""
    return [
        one.model_copy(update={"container": PROXY}) if proxy and _leads_here(one) else one
        for one in expose
    ]


def _leads_here(one: Exposure) -> bool:
    udp = one.port is not None and one.port.protocol in _UDP
    return one.forwards and not udp and one.container in (None, PROXY)


def outline(proxy: Proxy | None) -> Containers:
    """As much of a proxy's container as tells where it is reached."""
    if proxy is None:
        return {}
    return {PROXY: Container.model_validate({"image": proxy.image, "ports": [proxy.port]})}


def proxy_container(proxy: Proxy, service: Fronted, env: Environment) -> Container:
    variable, text, command = _start(proxy, service, env)
    targets = _targets(proxy, service.containers)
    user = proxy.user or (None if proxy.config else NGINX)
    given = {
        "image": proxy.image,
        "entry_point": ["sh", "-c"],
        "command": [command],
        "environment": {variable: text},
        "ports": [proxy.port],
        "user": user,
        "cpu": proxy.cpu,
        "memory": proxy.memory,
        "memory_reservation": proxy.memory_reservation,
        "init_process_enabled": proxy.init_process_enabled,
        "drop_capabilities": ["ALL"] if user and not _is_root(user) else [],
        "stop_timeout": format_duration(proxy.stop_timeout),
        "depends_on": {name: _reached(service.containers[name]) for name in targets},
        "links": targets if service.mode == "bridge" else [],
    }
    container = Container.model_validate(given)
    return container.model_copy(update={"health_check": proxy.health_check})


def _is_root(user: str) -> bool:
    return user.partition(":")[0] in ("0", "root")


def _reached(container: Container) -> str:
    """How far a container must have got. ECS stops containers in the reverse order (Amazon ECS API
    reference, ContainerDependency), so the proxy ends before what it leads to."""
    return "HEALTHY" if container.health_check else "START"


def _targets(proxy: Proxy, containers: Containers) -> list[str]:
    """The containers that a proxy leads to; those that a file leads to are not looked up, but all
    that matter to the task and do not wait for the proxy themselves."""
    if proxy.config is None:
        health = proxy.application_health
        led = [*(route.to for route in proxy.routes), *([health.to] if health else [])]
        named = {to.host for to in led if not to.outside}
    else:
        named = {
            name
            for name, one in containers.items()
            if one.essential and not one.init and PROXY not in one.depends_on
        }
    return sorted((named & containers.keys()) - {PROXY})


def _start(proxy: Proxy, service: Fronted, env: Environment) -> tuple[str, str, str]:
    """Variable and text of the configuration, and the command that starts nginx with it."""
    if proxy.config is None:
        return (
            WHOLE,
            generate_configuration(proxy, _surroundings(proxy, service, env)),
            _run("/tmp", WHOLE),
        )
    statements, _ = parse_configuration(proxy.config.text)
    whole = is_complete(statements)
    daemon = any(one.name == "daemon" for one in statements)
    folder, variable = ("/etc/nginx", WHOLE) if whole else ("/etc/nginx/conf.d", PART)
    text = normalize_whitespace(proxy.config.text).strip("\n") + "\n"
    lead = proxy.config.text[: len(proxy.config.text) - len(proxy.config.text.lstrip("\n"))]
    return variable, lead + text, _run(folder, variable, daemon=daemon)


def _run(folder: str, variable: str, *, daemon: bool = False) -> str:
    file = f"{folder}/{'default' if variable == PART else 'nginx'}.conf"
    chosen_file = f" -c {file}" if folder == "/tmp" else ""
    foreground = "" if daemon or folder == "/tmp" else " -g 'daemon off;'"
    return f"printf '%s' \"${variable}\" > {file} && exec nginx{chosen_file}{foreground}"


def _surroundings(proxy: Proxy, service: Fronted, env: Environment) -> ProxyContext:
    return ProxyContext(
        endpoints={
            name: (address(name, service.mode), _first_port(one, 9000))
            for name, one in service.containers.items()
        },
        trusted=_trusted(proxy, service, env),
        keepalive=proxy.keepalive_timeout
        or max([_KEEPALIVE, *(idle + _LONGER for idle in _idle(proxy, service, env).values())]),
    )


def _tcp_ports(container: Container) -> list[int]:
    return [port.number for port in container.ports if port.protocol == "tcp"]


def _first_port(container: Container, other: int) -> int:
    return next(iter(_tcp_ports(container)), other)


def _ways(proxy: Proxy, service: Fronted) -> list[Exposure]:
    """The ways that lead to the proxy."""
    return [one for one in led_through(proxy, service.expose) if one.container == PROXY]


def _idle(proxy: Proxy, service: Fronted, env: Environment) -> Mapping[str, int]:
    """Seconds of silence after which the load balancers that lead here cut a connection."""
    found = {one.via: env.params_of(one.via, alb.Params) for one in _ways(proxy, service)}
    return {via: its.idle_timeout for via, its in found.items() if its and not its.existing}


def _trusted(proxy: Proxy, service: Fronted, env: Environment) -> list[str]:
    """Where Application Load Balancers are, which write X-Forwarded-For; behind any other, or
    none, a client could have written it itself."""
    if not any(env.params_of(one.via, alb.Params) for one in _ways(proxy, service)):
        return []
    found = find_stack(env, network.Params, service.network)
    block = network.handle(*found, env).cidr if found else None
    return [block] if block else list(_PRIVATE)


# What can be wrong ---------------------------------------------------------------------------


def said_at(path: Path) -> Path:
    """A place in the proxy's container is where the params say it."""
    if path[:2] != ("containers", PROXY) or len(path) < 3:
        return path
    key = {"ports": "port"}.get(str(path[2]), path[2])
    if key not in CONTAINER_KEYS:
        return (PROXY,)
    return (PROXY, key) if key == "port" else (PROXY, *path[2:])


def proxy_problems(proxy: Proxy | None, service: Fronted, env: Environment) -> Iterator[Problem]:
    """What is wrong with the proxy of a service."""
    if proxy is None:
        return
    if PROXY in service.containers:
        message = f"A container `{PROXY}` is what `proxy:` makes"
        hint = "Rename this one, or write it as `proxy:`."
        yield Problem("M1108", ("containers", PROXY), message, hint)
    found = list(_own_problems(proxy, service))
    yield from found
    yield from _balancer_problems(proxy, service, env)
    if proxy.config is not None:
        yield from _file_problems(proxy.config, proxy, service)
    elif not any(one.level == "error" for one in found):
        yield from _text_problems(proxy, service, env)


def _own_problems(proxy: Proxy, service: Fronted) -> Iterator[Problem]:
    path: Path = (PROXY,)
    user = proxy.user or (None if proxy.config else NGINX)
    if user and not _is_root(user) and proxy.port < _PORTS_OF_ROOT:
        message = f"Only root may listen on port {proxy.port}, and nginx is not root here"
        hint = f"Write one from {_PORTS_OF_ROOT}: load balancers ask it, and no client knows."
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
            yield from _route_problems(route, (*path, "routes", index), service.containers)
        if health := proxy.application_health:
            here = (*path, "application_health", "to")
            if health.to.scheme != "container":
                hint = "Write a container and its path, such as `web/healthz`."
                yield Problem("M1104", here, f"{shown(health.to)} is not a container", hint)
            else:
                yield from _target_problems(health.to, here, service.containers)
    elif others := sorted(proxy.model_fields_set - CONTAINER_KEYS - {"config"}):
        message = f"`config` stands beside {', '.join(others)}, which would change nothing"
        hint = "Write it into the file, or remove `config:`."
        yield Problem("M1108", (*path, others[0]), message, hint)
    if proxy.config and user and not _is_root(user) and proxy.image == IMAGE:
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
    ports = _tcp_ports(containers[to.host])
    because = [("containers", to.host, "ports")]
    say = f"Write {' or '.join(f'`{to.host}:{port}`' for port in ports)}."
    if to.port is None and len(ports) != 1 and not (to.scheme == "fastcgi" and not ports):
        number = "more than one TCP port" if ports else "no TCP port"
        hint = say if ports else f"Add the port that it listens on to the `ports` of `{to.host}`."
        yield Problem("M1205", path, f"Container `{to.host}` has {number}", hint, because=because)
    elif to.port is not None and ports and to.port not in ports:
        message = f"Container `{to.host}` has no TCP port {to.port}"
        yield Problem("M1205", path, message, say, because=because)


def _balancer_problems(proxy: Proxy, service: Fronted, env: Environment) -> Iterator[Problem]:
    """What the load balancers in front of a proxy make of it."""
    idle = _idle(proxy, service, env)
    ways: list[tuple[Path, Passing]] = [((PROXY,), proxy)]
    ways += [((PROXY, "routes", index), one) for index, one in enumerate(proxy.routes)]
    for path, one in ways:
        for via, seconds in idle.items():
            if one.read_timeout is not None and one.read_timeout > seconds:
                message = f"`{via}` gives up after {seconds}s, before the proxy does"
                hint = f"Write at most `{seconds}s`, or raise `idle_timeout` of `{via}`."
                here = (*path, "read_timeout")
                yield Problem("M1220", here, message, hint, level="warning")
    for via, seconds in idle.items():
        if proxy.keepalive_timeout is not None and proxy.keepalive_timeout <= seconds:
            message = f"`{via}` uses idle connections for {seconds}s, and would answer 502 for one "
            message += "that the proxy is closing"
            hint = f"Leave it out, or write more than `{seconds}s`."
            yield Problem("M1220", (PROXY, "keepalive_timeout"), message, hint)
    for index, way in enumerate(led_through(proxy, service.expose)):
        spoken = way.proxy_protocol_v2 and env.params_of(way.via, nlb.Params)
        if spoken and way.container == PROXY and proxy.config is None:
            message = "The proxy does not read the proxy protocol"
            hint = "Write `preserve_client_ip: true` instead."
            yield Problem("M1220", ("expose", index, "proxy_protocol_v2"), message, hint)


def _text_problems(proxy: Proxy, service: Fronted, env: Environment) -> Iterator[Problem]:
    """What is wrong with the generated text: only what the user wrote into it can be."""
    text = generate_configuration(proxy, _surroundings(proxy, service, env))
    lines = text.split("\n")
    for fault in find_mistakes(text, _task(proxy, service)):
        if fault.level == "error":
            message = f"{fault.message}, in {shown(lines[fault.line - 1].strip())}"
            yield Problem(fault.code, (PROXY,), message, fault.hint)
    yield from _size_problems(text, (PROXY,), None)


def _file_problems(file: TextFile, proxy: Proxy, service: Fronted) -> Iterator[Problem]:
    """What is wrong with the user's own configuration, told in their file."""
    path = (PROXY, "config")
    because = [("containers",), (PROXY, "port")]
    for fault in find_mistakes(file.text, _task(proxy, service)):
        place = Place(file.name, fault.line)
        yield Problem(fault.code, path, fault.message, fault.hint, fault.level, because, place)
    yield from _size_problems(normalize_whitespace(file.text), path, Place(file.name, 1))


def _size_problems(text: str, path: Path, place: Place | None) -> Iterator[Problem]:
    """What no template, or no task definition, can hold; a little less may still be too much for
    the rest of the template."""
    size = len(text.encode())
    if size > _MOST_OF_TEMPLATE or len(json.dumps(text)) > _MOST_OF_TASK:
        message = f"The configuration of {size:,} bytes fits into no template"
        hint = "Build an image that holds it, and run that as a container."
        yield Problem("M1303", path, message, hint, place=place)


def _task(proxy: Proxy, service: Fronted) -> Task:
    return Task(
        port=proxy.port,
        containers={
            name: (address(name, service.mode), tuple(_tcp_ports(one)))
            for name, one in service.containers.items()
            if name != PROXY
        },
    )
