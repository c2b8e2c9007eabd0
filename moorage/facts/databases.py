"""Engines of Amazon RDS and Aurora, and limits of databases.

Amazon RDS API reference, CreateDBInstance, CreateDBCluster and ServerlessV2ScalingConfiguration
(botocore 1.44.8, read on 2026-11-27), where no other source is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from moorage.records import record


@record
class Engine:
    """A database engine, as RDS or Aurora has it."""

    name: str
    """The value of `Engine`."""
    port: int
    versions: tuple[str, ...]
    """Major versions, the latest one first. RDS takes them for `EngineVersion`, and chooses the
    default minor version."""
    default_version: str
    logs: tuple[str, ...]
    """The logs that are sent to CloudWatch Logs, of those that `EnableCloudwatchLogsExports` takes:
    without logs of every statement and of audits."""
    classes: Mapping[str, str]
    """Sizes by the family of instance classes, such as `t4g`."""
    tls: tuple[str, str]
    """The parameter that refuses connections without TLS, and its value."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Other parameters, which the logs need."""

    def family(self, version: str) -> str:
        """The family of parameter groups of a major version."""
        return f"{self.name}{version}"

    def has_class(self, instance_class: str) -> bool:
        """Whether a class such as `db.t4g.medium` is one of the engine's."""
        family, _, size = instance_class.removeprefix("db.").partition(".")
        return size in self.classes.get(family, "").split()

    @property
    def all_classes(self) -> list[str]:
        return [
            f"db.{family}.{size}"
            for family, sizes in self.classes.items()
            for size in sizes.split()
        ]


# Instance classes: cfn-lint 1.58.0, schema extensions of AWS::RDS::DBInstance (dbinstanceclass_enum
# and db_instance_class), compared on 2026-11-27; those of the generations 5 and later and of t3 and
# t4g, in any region. Of t3 and t4g, Aurora has two sizes for these versions (Amazon Aurora user
# guide, "Supported DB engines for DB instance classes").
_ARM = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
_UP_TO_24 = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"
_UP_TO_32 = f"{_UP_TO_24} 32xlarge"
_UP_TO_48 = f"{_UP_TO_24} 48xlarge"
_BURSTABLE = "micro small medium large xlarge 2xlarge"

_RDS_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("t3", "t4g"), _BURSTABLE),
    **dict.fromkeys(("m5", "m5d", "r5", "r5b", "r5d"), _UP_TO_24),
    **dict.fromkeys(("m6g", "m6gd", "m7g", "r6g", "r6gd", "r7g", "x2g"), _ARM),
    **dict.fromkeys(("m6i", "m6id", "m6idn", "m6in"), _UP_TO_32),
    **dict.fromkeys(("r6i", "r6id", "r6idn", "r6in"), _UP_TO_32),
    **dict.fromkeys(("m7i", "m8g", "m8gd", "m9g", "r7i", "r8a", "r8g", "r8gd"), _UP_TO_48),
    "x2iedn": "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 24xlarge 32xlarge",
}
_AURORA_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("t3", "t4g"), "medium large"),
    "r5": _UP_TO_24,
    **dict.fromkeys(("r6g", "r7g", "x2g"), _ARM),
    "r6i": _UP_TO_32,
    **dict.fromkeys(("r7i", "r8a", "r8g"), _UP_TO_48),
}

POSTGRESQL, MYSQL = "postgresql", "mysql"

_POSTGRESQL_VERSIONS = ("18", "17", "16", "15", "14")
_MYSQL_VERSIONS = ("8.4", "8.0")

# TLS: Amazon RDS user guide, "Requiring an SSL connection to a PostgreSQL DB instance" and
# "Requiring SSL/TLS for all connections to a MySQL DB instance"; Amazon Aurora user guide, "Using
# TLS with DB clusters" (MySQL) and "Securing Aurora PostgreSQL data with SSL/TLS".
_FORCE_SSL = ("rds.force_ssl", "1")

ENGINES: Mapping[tuple[str, bool], Engine] = {
    (POSTGRESQL, False): Engine(
        "postgres",
        5432,
        _POSTGRESQL_VERSIONS,
        "17",
        ("postgresql",),
        _RDS_CLASSES,
        _FORCE_SSL,
    ),
    (MYSQL, False): Engine(
        "mysql",
        3306,
        _MYSQL_VERSIONS,
        "8.4",
        ("error", "slowquery"),
        _RDS_CLASSES,
        ("require_secure_transport", "1"),
        {"log_output": "FILE", "slow_query_log": "1"},
    ),
    (POSTGRESQL, True): Engine(
        "aurora-postgresql",
        5432,
        _POSTGRESQL_VERSIONS,
        "17",
        ("postgresql",),
        _AURORA_CLASSES,
        _FORCE_SSL,
    ),
    (MYSQL, True): Engine(
        "aurora-mysql",
        3306,
        _MYSQL_VERSIONS,
        "8.0",
        ("error",),
        _AURORA_CLASSES,
        ("require_secure_transport", "ON"),
    ),
}
"""By the word of the params, and whether it is Aurora."""

SERVERLESS_CLASS = "db.serverless"
"""The class of instances whose capacity follows the load."""

MAX_IDENTIFIER = 63
"""Characters of the identifier of an instance or cluster, which is its name in the DNS."""

DATABASE_NAME = "[A-Za-z][A-Za-z0-9_]{0,62}"
"""The name of a database; MySQL has one character more."""

USER_NAME = "[A-Za-z][A-Za-z0-9_]{0,15}"
"""The name of the master user."""

_POSTGRESQL_NAMES = """
admin all analyse analyze and any array as asc asymmetric both case cast check collate column
constraint create current_catalog current_date current_role current_time current_timestamp
current_user default deferrable desc distinct do else end except false fetch for foreign from
grant group having in initially intersect into lateral leading limit localtime localtimestamp
not null offset on only or order placing primary rdsadmin references returning select
session_user some symmetric system_user table template0 template1 then to trailing true union
unique user using variadic when where window with
"""

RESERVED_NAMES: Mapping[str, frozenset[str]] = {
    # PostgreSQL documentation, Appendix C, "SQL Key Words", column PostgreSQL: reserved. `admin`:
    # cfn-lint's schema of AWS::RDS::DBCluster refuses it.
    POSTGRESQL: frozenset(re.findall(r"[a-z0-9_]+", _POSTGRESQL_NAMES)),
    # MySQL reference manual, "System schema"; `rdsadmin` is a user of RDS.
    MYSQL: frozenset(("information_schema", "mysql", "performance_schema", "rdsadmin", "sys")),
}
"""Names in lower case that a database or its master user cannot have."""

STORAGE_SIZES = (20, 65_536)
"""The least and the greatest size in GiB of gp3 storage."""

MAX_SIZE_FACTOR = 1.1
"""How much larger than the storage the limit of its growth must be. Amazon RDS user guide,
"Managing capacity automatically with Amazon RDS storage autoscaling"."""

RETENTION_DAYS = (1, 35)
"""Days for which automated backups are kept; 0 turns them off, which a cluster cannot."""

MAX_CAPACITY = 256
"""Aurora capacity units (ACUs) of an instance. The least capacity is 0: the instance pauses when it
has no connections."""

CAPACITY_STEP = 0.5

MAX_READERS = 15
"""Amazon Aurora user guide, "Replication with Amazon Aurora": replicas of a cluster."""

CLASSES_WITHOUT_INSIGHTS: Mapping[str, frozenset[str]] = {
    POSTGRESQL: frozenset(),
    MYSQL: frozenset(("db.t3.micro", "db.t3.small", "db.t4g.micro", "db.t4g.small")),
}
"""Amazon RDS user guide, "Amazon RDS DB engine, Region, and instance class support for Database
Insights"."""

PASSWORD_LENGTH = 32
"""Of a generated password: MySQL and Aurora take at most 41 characters. Without punctuation, which
RDS takes only in part, and which must be escaped in URLs."""
