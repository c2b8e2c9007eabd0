"""What an nginx configuration listens on, and where it sends requests."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from .nginx_syntax import Fault, Statement


@dataclass(frozen=True)
class Task:
    """What the configuration meets where it runs."""

    port: int
    """The port that load balancers send to."""
    containers: Mapping[str, tuple[str, Collection[int]]]
    """Address and TCP ports of the other containers of the task by name."""


def listen_faults(
    every: Sequence[tuple[Statement, tuple[Statement, ...]]], task: Task
) -> Iterator[Fault]:
    servers = [one for one, around in every if one.name == "server" and one.block is not None]
    heard: set[int] = set()
    unsaid: list[Fault] = []
    for server in servers:
        listens = [one for one in server.block or () if one.name == "listen"]
        if not listens and not any(one.name == "include" for one in server.block or ()):
            message = "The server does not say what it listens on, which makes it port 80"
            hint = f"Write `listen {task.port};`."
            unsaid.append(Fault(server.line, message, hint, "warning"))
            heard.add(80)
        heard |= {_listened(one.arguments[0]) for one in listens if one.arguments}
    yield from unsaid
    included = any(one.name == "include" for one, _ in every)
    if servers and task.port not in heard and not included:
        said = ", ".join(str(port) for port in sorted(heard - {0}))
        message = f"No server listens on port {task.port}, which load balancers send to"
        hint = f"Write `listen {task.port};`, or `port:` with {said}."
        yield Fault(servers[0].line, message, hint)
    elif not servers and not included:
        message = "There is no `server`, so nothing listens"
        yield Fault(1, message, f"Write one with `listen {task.port};`.")


def _listened(argument: str) -> int:
    """The port of `8080`, `127.0.0.1:8080` or `[::]:8080`; 80 without one, 0 for a socket."""
    if argument.startswith("unix:"):
        return 0
    last = argument.rpartition(":")[2] if "]" not in argument else argument.rpartition("]:")[2]
    return int(last) if last.isdecimal() else 80


_PASSES = {"proxy_pass", "fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass"}


def target_faults(
    every: Sequence[tuple[Statement, tuple[Statement, ...]]], task: Task
) -> Iterator[Fault]:
    upstreams = {one.arguments[0] for one, _ in every if one.name == "upstream" and one.arguments}
    resolved = any(one.name == "resolver" for one, _ in every)
    settings = {
        one.arguments[0]: one.arguments[1]
        for one, _ in every
        if one.name == "set" and len(one.arguments) == 2
    }
    for one, around in every:
        member = one.name == "server" and bool(around) and around[-1].name == "upstream"
        if not one.arguments or not (one.name in _PASSES or member):
            continue
        host, port = _host(one.arguments[0])
        if host in upstreams or host.startswith("unix:") or "resolve" in one.arguments:
            continue
        if "$" in host:
            value = settings.get(host, "")
            named = value and value not in upstreams and not _is_address(_host(value)[0])
            if named and not resolved and "$" not in value:
                message = f"`{value}` is to be resolved, and there is no `resolver`: every request "
                message += "would be answered 502"
                yield Fault(one.line, message, "Write `resolver 169.254.169.253 valid=5s;`.")
            continue
        yield from _host_faults(one.line, host, port or _usual_port(one), task)


def _usual_port(one: Statement) -> int:
    return 443 if one.arguments[0].startswith(("https:", "grpcs:")) else 80


def _host(target: str) -> tuple[str, int | None]:
    """Host and port of `https://host:8080/path`, or of `host:8080`."""
    rest = re.sub(r"^[a-z]+://", "", target)
    if rest.startswith("unix:"):
        return rest, None
    match = re.match(r"(\[[^\]]*\]|[^/:]*)(?::(\d+))?", rest)
    assert match is not None, "both halves may be empty"
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _loops(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback


def _host_faults(line: int, host: str, port: int, task: Task) -> Iterator[Fault]:
    """What is wrong with a host that is written out."""
    if host in task.containers:
        address, ports = task.containers[host]
        if address != host:
            to = port if port in ports else next(iter(ports), port)
            message = f"Nothing is found under the name `{host}`: nginx would not start"
            hint = f"The containers of a task share one address: write `{address}:{to}`."
            yield Fault(line, message, hint)
        elif ports and port not in ports:
            yield _no_port(line, host, port, ports)
        return
    shared = {port for at, ports in task.containers.values() for port in ports if _loops(at)}
    loopback = host == "localhost" or _loops(host)
    if host == "localhost":
        message = "`localhost` may also mean ::1, where the container may not listen"
        yield Fault(line, message, f"Write `127.0.0.1:{port}`.", "warning")
    if loopback and port not in shared and port != task.port:
        yield _no_port(line, host, port, shared)
    elif not loopback and not _is_address(host):
        meant = next(iter(difflib.get_close_matches(host, task.containers, n=1, cutoff=0.8)), "")
        if "." not in host and meant:
            yield Fault(line, f"There is no container `{host}`", f"Did you mean `{meant}`?")
        elif "." not in host:
            message = f"`{host}` is no container of the task, and nginx does not start where a "
            message += "name is not found"
            hint = "Nothing is wrong if Service Connect has the name."
            yield Fault(line, message, hint, "warning")
        else:
            message = f"`{host}` is resolved at start and never again, though its addresses change"
            hint = f"Write `set $upstream {host};`, pass to `$upstream`, and have a `resolver`."
            yield Fault(line, message, hint, "warning")


def _no_port(line: int, host: str, port: int, ports: Iterable[int]) -> Fault:
    said = ", ".join(str(one) for one in sorted(ports))
    message = f"No container is said to listen on port {port}, which `{host}` leads to"
    hint = f"Known `ports`: {said}." if said else "Add it to the `ports` of a container."
    return Fault(line, message, hint, "warning")
