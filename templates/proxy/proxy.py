"""The reverse proxy of a service, and its container.

The container runs the official image of nginx. The configuration is in an environment variable of
the container, where a reviewer can read it line by line. A shell writes it to a file and then
replaces itself with nginx, so that nginx gets the signals. nginx runs as a user without privileges
and writes only below /tmp.

With `config:`, the configuration is a text file next to the params: a complete nginx.conf, or a
file that the nginx.conf of the image includes from /etc/nginx/conf.d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from moorage.facts.addresses import PRIVATE_BLOCKS
from moorage.model import Base, Environment
from moorage.records import record

from ..common.fields import format_duration
from ..exposure.params import ExposeEntry
from ..load_balancers import alb, nlb
from ..tasks.containers import Container, Containers
from ..tasks.launch_types import NetworkMode, container_address
from ..tasks.placement import Placement
from ..tasks.task_container import Origin, TaskContainer
from .nginx_text import normalize_whitespace
from .params import CONTAINER_KEYS, NGINX, Proxy

if TYPE_CHECKING:
    from .nginx_server import ProxyContext

PROXY = "proxy"
"""The container's name."""
COMPLETE_VARIABLE, HTTP_PART_VARIABLE = "NGINX_CONF", "NGINX_SERVERS"
"""Variables of the container: for a complete configuration, or for the content of its `http`
block."""

_KEEPALIVE, _KEEPALIVE_MARGIN = 75, 15
_UDP = ("udp", "tcp_udp", "quic", "tcp_quic")


class ProxyParams(Base):
    """The reverse proxy of a service."""

    proxy: Proxy | None = Field(
        None,
        examples=[{"routes": [{"path": "/", "to": "web"}]}],
        description="An nginx in front of the containers, configured by these params.",
    )


@record
class ServiceProxy:
    """The proxy of a service, the containers behind it, and the load balancers in front of it."""

    params: Proxy
    containers: Containers
    """The containers behind it."""
    network_mode: NetworkMode
    has_name_conflict: bool
    """Whether `containers:` has a container with the name of the proxy."""
    entries: Mapping[int, ExposeEntry]
    """The `expose:` entries that send requests to it, by their index."""
    nlb_entries: frozenset[int]
    """The indices of the entries through a Network Load Balancer."""
    idle_timeouts: Mapping[str, int]
    """Seconds after which each load balancer in front of it closes an idle connection."""
    trusted: Sequence[str]
    """CIDR blocks of the Application Load Balancers in front of it, which write X-Forwarded-For;
    empty without one, because then the client writes it."""

    @property
    def user(self) -> str | None:
        """The user that nginx runs as; None for that of the image."""
        return self.params.user or (None if self.params.config else NGINX)

    @property
    def configuration(self) -> str:
        """The nginx.conf that is generated from the params; only without `config:`."""
        from .nginx_config import generate_configuration

        return generate_configuration(self.params, _proxy_context(self))


def assign_to_proxy(proxy: Proxy | None, entries: Sequence[ExposeEntry]) -> list[ExposeEntry]:
    """The entries of a service. If it has a proxy, entries without `container` get it as their
    container."""
    return [
        entry.model_copy(update={"container": PROXY}) if proxy and _is_for_proxy(entry) else entry
        for entry in entries
    ]


def _is_for_proxy(entry: ExposeEntry) -> bool:
    udp = entry.port is not None and entry.port.protocol in _UDP
    return entry.forwards and not udp and entry.container in (None, PROXY)


def resolve_proxy(
    proxy: Proxy | None,
    containers: Containers,
    entries: Sequence[ExposeEntry],
    placement: Placement,
    env: Environment,
) -> ServiceProxy | None:
    """The proxy of a service with these containers and entries; None without `proxy:`."""
    if proxy is None:
        return None
    to_proxy = {index: entry for index, entry in enumerate(entries) if entry.container == PROXY}
    balancers = {entry.via: env.params_of(entry.via, alb.Params) for entry in to_proxy.values()}
    return ServiceProxy(
        params=proxy,
        containers={name: params for name, params in containers.items() if name != PROXY},
        network_mode=placement.params.network_mode,
        has_name_conflict=PROXY in containers,
        entries=to_proxy,
        nlb_entries=frozenset(
            index for index, entry in to_proxy.items() if env.params_of(entry.via, nlb.Params)
        ),
        idle_timeouts={
            via: params.idle_timeout
            for via, params in balancers.items()
            if params and not params.existing
        },
        trusted=_trusted(placement) if any(balancers.values()) else [],
    )


def _trusted(placement: Placement) -> list[str]:
    block = placement.network.handle.cidr if placement.network else None
    return [block] if block else list(PRIVATE_BLOCKS)


# The container -------------------------------------------------------------------------------


def proxy_container(proxy: ServiceProxy) -> TaskContainer:
    params, user = proxy.params, proxy.user
    variable, text, command = _start(proxy)
    targets = _targets(proxy)
    container = Container.model_validate(
        {
            "image": params.image,
            "entry_point": ["sh", "-c"],
            "command": [command],
            "environment": {variable: text},
            "ports": [params.port],
            "user": user,
            "cpu": params.cpu,
            "memory": params.memory,
            "memory_reservation": params.memory_reservation,
            "init_process_enabled": params.init_process_enabled,
            "drop_capabilities": ["ALL"] if user and not is_root(user) else [],
            "stop_timeout": format_duration(params.stop_timeout),
            "depends_on": {name: _condition(proxy.containers[name]) for name in targets},
            "links": targets if proxy.network_mode == "bridge" else [],
        }
    )
    container = container.model_copy(update={"health_check": params.health_check})
    return TaskContainer(container, Origin((PROXY,), CONTAINER_KEYS, {"ports": "port"}))


def is_root(user: str) -> bool:
    return user.partition(":")[0] in ("0", "root")


def _condition(container: Container) -> str:
    """The condition that a container must meet before the proxy starts. ECS stops containers in
    reverse order (Amazon ECS API reference, ContainerDependency), so the proxy stops first."""
    return "HEALTHY" if container.health_check else "START"


def _targets(proxy: ServiceProxy) -> list[str]:
    """The containers that the proxy sends requests to. With `config:`, these are all essential
    containers that do not depend on the proxy."""
    params = proxy.params
    if params.config is None:
        health = params.application_health
        targets = [*(route.to for route in params.routes), *([health.to] if health else [])]
        names = {target.host for target in targets if not target.outside}
    else:
        names = {
            name
            for name, container in proxy.containers.items()
            if container.essential and not container.init and PROXY not in container.depends_on
        }
    return sorted(names & proxy.containers.keys())


def _start(proxy: ServiceProxy) -> tuple[str, str, str]:
    """Variable and text of the configuration, and the command that starts nginx with it."""
    config = proxy.params.config
    if config is None:
        return COMPLETE_VARIABLE, proxy.configuration, _run("/tmp", COMPLETE_VARIABLE)
    from .nginx_syntax import is_complete, parse_configuration

    statements, _ = parse_configuration(config.text)
    complete = is_complete(statements)
    daemon = any(statement.name == "daemon" for statement in statements)
    folder, variable = (
        ("/etc/nginx", COMPLETE_VARIABLE) if complete else ("/etc/nginx/conf.d", HTTP_PART_VARIABLE)
    )
    text = normalize_whitespace(config.text).strip("\n") + "\n"
    empty_lines = config.text[: len(config.text) - len(config.text.lstrip("\n"))]
    return variable, empty_lines + text, _run(folder, variable, daemon=daemon)


def _run(folder: str, variable: str, *, daemon: bool = False) -> str:
    file = f"{folder}/{'default' if variable == HTTP_PART_VARIABLE else 'nginx'}.conf"
    config_option = f" -c {file}" if folder == "/tmp" else ""
    foreground_option = "" if daemon or folder == "/tmp" else " -g 'daemon off;'"
    command = f"exec nginx{config_option}{foreground_option}"
    return f"printf '%s' \"${variable}\" > {file} && {command}"


def _proxy_context(proxy: ServiceProxy) -> ProxyContext:
    from .nginx_server import ProxyContext

    return ProxyContext(
        endpoints={
            name: (container_address(name, proxy.network_mode), _first_port(container, 9000))
            for name, container in proxy.containers.items()
        },
        trusted=proxy.trusted,
        keepalive=proxy.params.keepalive_timeout
        or max([_KEEPALIVE, *(idle + _KEEPALIVE_MARGIN for idle in proxy.idle_timeouts.values())]),
    )


def tcp_ports(container: Container) -> list[int]:
    return [port.number for port in container.ports if port.protocol == "tcp"]


def _first_port(container: Container, default: int) -> int:
    return next(iter(tcp_ports(container)), default)
