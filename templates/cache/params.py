"""Params of a cache."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from troposphere import Sub

from moorage.facts.caches import (
    DEFAULT_VALKEY_VERSION,
    ECPUS,
    MAX_REPLICAS,
    MAX_SNAPSHOT_DAYS,
    NODE_TYPE,
    READER_PORT,
    SERVERLESS_ZONES,
    VALKEY_PORT,
    VALKEY_VERSIONS,
)
from moorage.model import Base, Environment

from .. import network
from ..common.days import DAY
from ..common.exports import import_value
from ..common.fields import (
    HostName,
    KeyArn,
    SecurityGroupId,
    StackName,
    Switch,
    duration,
    text,
)
from ..common.references import External
from ..common.stack_lookup import find_stack
from ..common.usable import Connection, Usable, Usage

NodeType = Annotated[str, text(NODE_TYPE, "the type of a cache node", "cache.t4g.small")]

Port = Annotated[int, Field(ge=1, le=65_535)]
Zones = Annotated[int, Field(ge=SERVERLESS_ZONES[0], le=SERVERLESS_ZONES[1])]


class Limits(Base):
    """Upper limits of a serverless cache, and so of its cost."""

    storage: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="GB of data. When it is full, the cache evicts keys that have an expiry, the "
        "least recently used first, and refuses writes if there are none.",
    )
    ecpus: Annotated[int, Field(ge=ECPUS[0], le=ECPUS[1])] | None = Field(
        None,
        description="ElastiCache processing units per second. More requests than that are slowed "
        "down or refused.",
    )


class Nodes(Base):
    """Nodes of a cache: one that writes, and its replicas."""

    type: NodeType = Field("cache.t4g.small", description="Type of the nodes.")
    replicas: Annotated[int, Field(ge=0, le=MAX_REPLICAS)] = Field(
        1,
        description="Number of replicas, in other Availability Zones than the node that writes. "
        "One of them takes over when that fails. `0`: when the node fails, the cache is empty.",
    )


class Existing(Base):
    """A cache that already exists."""

    host: External[HostName] = Field(description="DNS name of the cache.")
    port: Port = Field(VALKEY_PORT, description="Port of the cache.")
    reader_host: External[HostName] | None = Field(
        None, description="DNS name for reads, if there is one."
    )
    reader_port: Port | None = Field(
        None, description="Port for reads, if it is another one, such as `6380` if serverless."
    )
    tls: bool = Field(True, description="Whether clients must use TLS.")
    security_group: External[SecurityGroupId] = Field(
        description="ID of the security group of the cache, which gets a rule for the tasks."
    )


class Params(Usable):
    """A cache with Valkey."""

    accesses: ClassVar[tuple[str, ...]] = ("connect",)
    key_use: ClassVar[str | None] = "caches"

    version: Literal[tuple(VALKEY_VERSIONS)] = Field(  # type: ignore[valid-type]
        DEFAULT_VALKEY_VERSION, description="Major version of Valkey, in quotes."
    )
    nodes: Switch[Nodes] = Field(
        None, description="Create nodes instead of a serverless cache; one of the two."
    )
    limits: Limits = Field(Limits.unvalidated(), description="Upper limits of a serverless cache.")
    availability_zones: Zones = Field(
        SERVERLESS_ZONES[0],
        description="Number of Availability Zones in which a serverless cache can be reached: the "
        "first ones of the network. It cannot be changed later.",
    )
    snapshots: Annotated[int, duration(DAY, MAX_SNAPSHOT_DAYS * DAY)] | None = Field(
        None,
        description="How long daily snapshots are kept. Default: none are taken. They are deleted "
        "with the cache.",
    )
    network: StackName | None = Field(
        None,
        description="Stack of the network, whose private subnets the cache is in. Default: the "
        "only one of the environment.",
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the KMS key that encrypts data and snapshots. It cannot be changed "
        "later. Default: a key of ElastiCache.",
    )
    existing: Existing | None = Field(None, description="Use a cache that already exists.")

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The addresses of the cache. The URL says whether it needs TLS."""
        if self.existing:
            return _existing_usage(self.existing)
        host = import_value(env, stack, "Host")
        reader_port = VALKEY_PORT if self.nodes else READER_PORT
        variables: dict[str, Any] = {
            "HOST": host,
            "PORT": str(VALKEY_PORT),
            "URL": _url("rediss", host, VALKEY_PORT),
            "READER_HOST": import_value(env, stack, "ReaderHost"),
            "READER_PORT": str(reader_port),
        }
        found = find_stack(env, network.Params, self.network)
        connection = Connection(
            import_value(env, stack, "SecurityGroupId"),
            tuple(sorted({VALKEY_PORT, reader_port})),
            found[0] if found else None,
        )
        return Usage(variables, connection=connection)


def _url(scheme: str, host: Any, port: int) -> Any:
    if isinstance(host, str):
        return f"{scheme}://{host}:{port}"
    return Sub(f"{scheme}://${{Host}}:{port}", Host=host)


def _existing_usage(found: Existing) -> Usage:
    reader_port = found.reader_port or found.port
    scheme = "rediss" if found.tls else "redis"
    variables: dict[str, Any] = {
        "HOST": found.host,
        "PORT": str(found.port),
        "URL": _url(scheme, found.host, found.port),
    }
    if found.reader_host:
        variables |= {"READER_HOST": found.reader_host, "READER_PORT": str(reader_port)}
    ports = {found.port, *([reader_port] if found.reader_host else [])}
    return Usage(variables, connection=Connection(found.security_group, tuple(sorted(ports))))
