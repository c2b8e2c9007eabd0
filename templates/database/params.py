"""Params of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from awacs import kms, secretsmanager
from awacs.aws import Statement
from pydantic import AfterValidator, Field
from troposphere import Join

from moorage.facts.databases import (
    CAPACITY_STEP,
    CLASSES_WITHOUT_INSIGHTS,
    DATABASE_NAME,
    ENGINES,
    MAX_CAPACITY,
    MAX_READERS,
    MYSQL,
    POSTGRESQL,
    RETENTION_DAYS,
    SERVERLESS_CLASS,
    STORAGE_SIZES,
    USER_NAME,
    Engine,
)
from moorage.model import Base, Environment, logical_id, wrong
from moorage.records import record
from moorage.references import Reference

from .. import network
from ..common.days import DAY
from ..common.exports import import_value
from ..common.fields import (
    HostName,
    KeyArn,
    Retention,
    SecretArn,
    SecurityGroupId,
    StackName,
    Switch,
    duration,
    text,
)
from ..common.iam import allow
from ..common.references import External, WholeExternalSecret
from ..common.stack_lookup import find_stack
from ..common.usable import Connection, Usable, Usage, UsedSecret

InstanceClass = Annotated[
    str, text(r"db\.[a-z0-9-]+\.[a-z0-9]+", "the class of a DB instance", "db.t4g.medium")
]


def _check_steps(capacity: float) -> float:
    if capacity % CAPACITY_STEP:
        message = f"A capacity of {capacity:g} ACUs is not possible"
        raise wrong("M3661", message, f"Write a multiple of {CAPACITY_STEP}, such as `1.5`.")
    return capacity


Capacity = Annotated[float, Field(ge=0, le=MAX_CAPACITY), AfterValidator(_check_steps)]
Size = Annotated[int, Field(ge=STORAGE_SIZES[0], le=STORAGE_SIZES[1])]
Version = Annotated[str, text(r"[0-9]+(\.[0-9]+)?", "a major version, in quotes", "17")]


class Storage(Base):
    """Storage of type gp3 of a DB instance."""

    size: Size = Field(20, description="Size in GiB. It can grow, but not shrink.")
    max_size: Size | None = Field(
        None,
        description="Size in GiB up to which RDS lets the storage grow when it is almost full; "
        "the same as `size` for storage that does not grow. Default: twice `size`, and at least "
        "100.",
    )


class CapacityRange(Base):
    """Capacity of each instance of Aurora Serverless v2, in steps of 0.5."""

    min: Capacity = Field(
        0.5,
        description="Least number of Aurora capacity units (ACUs). With `0` an instance pauses "
        "when it has no connections for five minutes, and the next connection waits until it has "
        "resumed.",
    )
    max: Capacity = Field(4, description="Greatest number of ACUs, from `1`.")


class Aurora(Base):
    """An Aurora cluster."""

    readers: Annotated[int, Field(ge=0, le=MAX_READERS)] = Field(
        0,
        description="Number of instances in addition to the one that writes. They answer at the "
        "reader endpoint, and one of them takes over when the writer fails.",
    )
    capacity: CapacityRange | None = Field(
        None,
        description="Capacity of instances that follow the load (Serverless v2). Default without "
        "`instance_class`: 0.5 to 4 ACUs.",
    )


class DatabaseLogs(Base):
    """Log groups for the logs of the database."""

    key_use: ClassVar[str | None] = "logs"

    retention: Retention = Field(
        30, description="How long CloudWatch Logs keeps the events, such as `14d`."
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of a KMS key that encrypts the events. The key policy must allow "
        "CloudWatch Logs to use the key.",
    )


class Existing(Base):
    """A database that already exists."""

    host: External[HostName] = Field(description="DNS name of the database.")
    reader_host: External[HostName] | None = Field(
        None, description="DNS name for reads, if there is one."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        None, description="Port, if it is not that of the engine."
    )
    name: External[Annotated[str, text(DATABASE_NAME, "the name of a database", "shop")]] = Field(
        description="Name of the database."
    )
    secret: WholeExternalSecret[SecretArn] = Field(
        description="Complete ARN of the secret that tasks get with `connect`, with the keys "
        "`username` and `password`."
    )
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the customer managed KMS key of the secret, if it has one."
    )
    security_group: External[SecurityGroupId] = Field(
        description="ID of the security group of the database, which gets a rule for the tasks."
    )


class Params(Usable):
    """A database: a DB instance of RDS, or an Aurora cluster."""

    accesses: ClassVar[tuple[str, ...]] = ("connect", "reach")
    key_use: ClassVar[str | None] = "databases"

    engine: Literal["postgresql", "mysql"] = Field(description="The engine of the database.")
    version: Version | None = Field(
        None,
        description="Major version of the engine, in quotes. RDS chooses the minor version and "
        "upgrades it in the maintenance window. A greater one upgrades the database, which then "
        f"is not available for a while. Default: `{ENGINES[POSTGRESQL, False].default_version}` "
        f"for PostgreSQL, `{ENGINES[MYSQL, False].default_version}` for MySQL on RDS, "
        f"`{ENGINES[MYSQL, True].default_version}` for MySQL on Aurora.",
    )
    aurora: Switch[Aurora] = Field(
        None, description="Create an Aurora cluster instead of a DB instance of RDS."
    )
    instance_class: InstanceClass | None = Field(
        None,
        description="Class of the instances. Default: `db.t4g.medium`; with `aurora`, instances "
        "whose capacity follows the load.",
    )
    storage: Storage = Field(
        Storage.unvalidated(),
        description="Storage, which is encrypted. Aurora's grows by itself.",
    )
    multi_az: bool = Field(
        False,
        description="Run a standby instance in another Availability Zone, which takes over when "
        "the first one fails. With `aurora`, write `readers: 1` instead.",
    )
    name: Annotated[str, text(DATABASE_NAME, "the name of a database", "shop")] | None = Field(
        None,
        description="Name of the database that is created. Default: the name of the stack, with "
        "underscores for hyphens. It cannot be changed later.",
    )
    user: Annotated[str, text(USER_NAME, "the name of a database user", "dbadmin")] = Field(
        "dbadmin", description="Name of the master user. It cannot be changed later."
    )
    rotation: bool = Field(
        False,
        description="RDS changes the password of the master user every seven days. A task gets "
        "secrets when it starts, so with `uses:` it then gets the ARN of the secret and the "
        "permission to read it, instead of user and password. A change of this setting needs "
        "several deployments.",
    )
    network: StackName | None = Field(
        None,
        description="Stack of the network, whose private subnets the database is in. Default: the "
        "only one of the environment.",
    )
    backups: Annotated[int, duration(RETENTION_DAYS[0] * DAY, RETENTION_DAYS[1] * DAY)] = Field(
        7 * DAY, description="How long the daily backups and the transaction logs are kept."
    )
    deletion_protection: bool = Field(
        True, description="Refuse to delete the database until this is turned off."
    )
    final_snapshot: bool = Field(
        True,
        description="Keep a snapshot when the stack is deleted or the database is removed from "
        "it. `false` deletes all data and all backups.",
    )
    insights: bool | None = Field(
        None,
        description="Collect the load by statements and waits for seven days (Database Insights, "
        "standard mode). Default: `true`, where the instance class supports it.",
    )
    logs: Switch[DatabaseLogs] = Field(
        DatabaseLogs.unvalidated(),
        description="Send the logs of the database to CloudWatch Logs: errors, and for MySQL on "
        "RDS slow queries.",
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the KMS key that encrypts storage, snapshots and the secret. It cannot "
        "be changed later. Default: the AWS managed keys.",
    )
    existing: Existing | None = Field(
        None,
        description="Use a database that already exists. `engine` is its engine, and `rotation` "
        "says whether its password changes.",
    )

    @property
    def engine_facts(self) -> Engine:
        return ENGINES[self.engine, self.aurora is not None]

    @property
    def major_version(self) -> str:
        return self.version or self.engine_facts.default_version

    @property
    def database_class(self) -> str:
        """The class of all instances."""
        if self.instance_class:
            return self.instance_class
        return "db.t4g.medium" if self.aurora is None else SERVERLESS_CLASS

    @property
    def capacity(self) -> CapacityRange | None:
        """The capacity of a cluster with serverless instances; None without them."""
        if self.aurora is None or self.instance_class:
            return None
        return self.aurora.capacity or CapacityRange()

    @property
    def max_storage(self) -> int | None:
        """The size up to which the storage grows; None if it does not."""
        size = self.storage.size
        limit = self.storage.max_size or min(max(2 * size, 100), STORAGE_SIZES[1])
        return limit if limit > size else None

    @property
    def collects_insights(self) -> bool:
        if self.insights is not None:
            return self.insights
        return self.database_class not in CLASSES_WITHOUT_INSIGHTS[self.engine]

    def database_name(self, stack: str) -> str:
        """The name of the database of the stack `stack`."""
        return self.name or stack.replace("-", "_")

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The address of the database, and with `connect` its master user. Passwords that RDS
        changes are not in variables, which a task gets only when it starts."""
        address = self._address(stack, env)
        variables = {"HOST": address.host, "PORT": str(address.port), "NAME": address.name}
        if address.reader_host is not None:
            variables["READER_HOST"] = address.reader_host
        connection = Connection(address.security_group, (address.port,), address.network)
        if "connect" not in access:
            return Usage(variables, connection=connection)
        if self.rotation:
            variables["SECRET_ARN"] = address.secret
            statements = tuple(_read_secret(stack, address.secret, address.kms_key))
            return Usage(variables, statements=statements, connection=connection)
        return Usage(variables, _secrets(address.secret, address.kms_key), connection=connection)

    def _address(self, stack: str, env: Environment) -> _Address:
        if found := self.existing:
            return _Address(
                host=found.host,
                reader_host=found.reader_host,
                port=found.port or self.engine_facts.port,
                name=found.name,
                secret=found.secret,
                kms_key=found.kms_key,
                security_group=found.security_group,
                network=None,
            )
        used_network = find_stack(env, network.Params, self.network)
        secret = "RotatedSecretArn" if self.rotation else "SecretArn"
        return _Address(
            host=import_value(env, stack, "Host"),
            reader_host=None if self.aurora is None else import_value(env, stack, "ReaderHost"),
            port=self.engine_facts.port,
            name=self.database_name(stack),
            secret=import_value(env, stack, secret),
            kms_key=self.kms_key,
            security_group=import_value(env, stack, "SecurityGroupId"),
            network=used_network[0] if used_network else None,
        )


@record
class _Address:
    """What connects to a database: literal values, or imports."""

    host: Any
    reader_host: Any
    port: int
    name: Any
    secret: Any
    """ARN of the secret."""
    kms_key: str | Reference | None
    """ARN of the customer managed key of the secret."""
    security_group: Any
    network: str | None
    """Name of the stack of its network; None if that is unknown."""


def _secrets(arn: Any, kms_key: str | Reference | None) -> dict[str, UsedSecret]:
    """User and password, as values of the secret's keys."""
    return {
        name: UsedSecret(arn=arn, value_from=_value_of(arn, key), kms_key=kms_key)
        for name, key in (("USER", "username"), ("PASSWORD", "password"))
    }


def _value_of(arn: Any, key: str) -> Any:
    """The ValueFrom of a key of a secret."""
    field = f":{key}::"
    return f"{arn}{field}" if isinstance(arn, str) else Join("", [arn, field])


def _read_secret(stack: str, arn: Any, kms_key: str | Reference | None) -> Iterator[Statement]:
    """The permission to read a secret, and to decrypt it with a customer managed key."""
    yield allow(logical_id(stack, "ReadSecret"), [secretsmanager.GetSecretValue], [arn])
    if kms_key:
        yield allow(logical_id(stack, "DecryptSecret"), [kms.Decrypt], [kms_key])
