"""Finds mistakes in the ports of an nginx configuration, and in the hosts that it sends requests
to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address

from moorage.findings.wording import shown
from moorage.records import record

from .nginx_syntax import Directive, Mistake, Nested


@record
class Task:
    """The task that nginx runs in."""

    port: int
    """The port that load balancers send requests to."""
    containers: Mapping[str, tuple[str, Collection[int]]]
    """The address and the TCP ports of each other container of the task, by its name."""


def listen_mistakes(nested: Sequence[Nested], task: Task) -> Iterator[Mistake]:
    """Reports if no server listens on the port that load balancers send requests to."""
    servers = [
        directive
        for directive, _ in nested
        if directive.name == "server" and directive.block is not None
    ]
    ports: set[int] = set()
    for server in servers:
        block = server.block or ()
        listens = [directive for directive in block if directive.name == "listen"]
        if not listens and not any(directive.name == "include" for directive in block):
            message = "The server has no `listen`, so it listens on port 80"
            yield Mistake("M3020", server.line, message, f"Write `listen {task.port};`.", "warning")
            ports.add(80)
        ports |= {_listen_port(listen.arguments[0]) for listen in listens if listen.arguments}
    if any(directive.name == "include" for directive, _ in nested):
        return
    if not servers:
        message = "There is no `server`, so nginx listens on no port"
        hint = f"Write `server {{ listen {task.port}; ... }}`."
        yield Mistake("M3020", 1, message, hint)
    elif task.port not in ports:
        listed = " or ".join(f"`port: {port}`" for port in sorted(ports - {0}))
        message = f"No server listens on port {task.port}, to which load balancers send requests"
        hint = f"Write `listen {task.port};`" + (f", or {listed} in `proxy:`." if listed else ".")
        yield Mistake("M3020", servers[0].line, message, hint)


def _listen_port(argument: str) -> int:
    """The port of `8080`, `127.0.0.1:8080` or `[::]:8080`; 80 without one, 0 for a socket."""
    if argument.startswith("unix:"):
        return 0
    last = argument.rpartition(":")[2] if "]" not in argument else argument.rpartition("]:")[2]
    return int(last) if re.fullmatch("[0-9]{1,5}", last) else 80


# Where requests are sent ---------------------------------------------------------------------

_PASSES = {"proxy_pass", "fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass"}


def target_mistakes(nested: Sequence[Nested], task: Task) -> Iterator[Mistake]:
    """Reports hosts that cannot be resolved, or that do not listen on the port."""
    upstreams = {
        directive.arguments[0]
        for directive, _ in nested
        if directive.name == "upstream" and directive.arguments
    }
    variables = {
        directive.arguments[0]: directive.arguments[1]
        for directive, _ in nested
        if directive.name == "set" and len(directive.arguments) == 2
    }
    has_resolver = any(directive.name == "resolver" for directive, _ in nested)
    for directive, parents in nested:
        in_upstream = (
            directive.name == "server" and bool(parents) and parents[-1].name == "upstream"
        )
        if not directive.arguments or not (directive.name in _PASSES or in_upstream):
            continue
        host, port = _split_host(directive.arguments[0])
        if host in upstreams or host.startswith("unix:") or "resolve" in directive.arguments:
            continue
        if "$" not in host:
            yield from _host_mistakes(directive.line, host, port or _default_port(directive), task)
        elif not has_resolver:
            value = variables.get(host, "")
            if _is_name(_split_host(value)[0]) and value not in upstreams:
                message = (
                    f"{shown(value)} is in a variable, and without a `resolver` nginx answers 502"
                )
                hint = "Write `resolver 169.254.169.253 valid=5s;`, the DNS server of the VPC."
                yield Mistake("M3023", directive.line, message, hint)


def _default_port(directive: Directive) -> int:
    return 443 if directive.arguments[0].startswith(("https:", "grpcs:")) else 80


def _split_host(target: str) -> tuple[str, int | None]:
    """Host and port of `https://host:8080/path`, or of `host:8080`."""
    location = re.sub(r"^[a-z]+://", "", target)
    if location.startswith("unix:"):
        return location, None
    match = re.match(r"(\[[^\]]*\]|[^/:]*)(?::([0-9]{1,5}))?", location)
    assert match is not None, "both groups may be empty"
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _is_name(host: str) -> bool:
    """Whether a host is looked up: it is neither an address nor a variable."""
    return bool(host) and "$" not in host and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback


def _host_mistakes(line: int, host: str, port: int, task: Task) -> Iterator[Mistake]:
    if host in task.containers:
        yield from _container_mistakes(line, host, port, task)
    elif host == "localhost" or _is_loopback(host):
        yield from _loopback_mistakes(line, host, port, task)
    elif not _is_address(host):
        yield from _name_mistakes(line, host, port, task)


def _container_mistakes(line: int, host: str, port: int, task: Task) -> Iterator[Mistake]:
    """The target is the name of a container, which is a host only in bridge mode, with links."""
    address, ports = task.containers[host]
    if address != host:
        container_port = port if port in ports else next(iter(ports), port)
        message = f"`{host}` is the name of a container, not of a host: nginx does not start"
        hint = f"Write `{address}:{container_port}`: the containers of this task share one address."
        yield Mistake("M3021", line, message, hint)
    elif ports and port not in ports:
        yield _port_mistake(line, host, port, ports)


def _loopback_mistakes(line: int, host: str, port: int, task: Task) -> Iterator[Mistake]:
    if host == "localhost":
        message = "`localhost` can also resolve to ::1, on which the container might not listen"
        yield Mistake("M3025", line, message, f"Write `127.0.0.1:{port}`.", "warning")
    ports = {
        port
        for address, ports in task.containers.values()
        if _is_loopback(address)
        for port in ports
    }
    if port not in ports and port != task.port:
        yield _port_mistake(line, host, port, ports)


def _name_mistakes(line: int, host: str, port: int, task: Task) -> Iterator[Mistake]:
    similar = difflib.get_close_matches(host, task.containers, n=1, cutoff=0.8)
    if "." in host:
        message = f"nginx looks up {shown(host)} only when it starts, and its addresses can change"
        assignment = shown(f"set $upstream {host};")
        hint = f"Write {assignment}, pass requests to `$upstream`, and add a `resolver`."
        yield Mistake("M3022", line, message, hint, "warning")
    elif similar:
        address, ports = task.containers[similar[0]]
        target = f"{address}:{next(iter(ports), port)}"
        hint = f"Write {shown(target)} if you mean `{similar[0]}`."
        yield Mistake("M3021", line, f"There is no container {shown(host)}", hint)
    else:
        message = f"{shown(host)} is not a container of this task, and nginx does not start if it "
        message += "cannot resolve the name"
        hint = "Write the address of a container. Ignore this if the name is from Service Connect."
        yield Mistake("M3021", line, message, hint, "warning")


def _port_mistake(line: int, host: str, port: int, ports: Iterable[int]) -> Mistake:
    listed = " or ".join(f"`{host}:{port}`" for port in sorted(ports))
    message = f"{shown(f'{host}:{port}')} is not among the `ports` of any container"
    hint = f"Write {listed}, or add" if listed else "Add"
    return Mistake("M3024", line, message, f"{hint} {port} to `ports` of the container.", "warning")
