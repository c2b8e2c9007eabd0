"""Facts about databases and caches are those of cfn-lint and botocore."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import pytest
from test_facts import documentation

from moorage.facts import caches, databases
from moorage.facts.databases import ENGINES, Engine

ALL = [pytest.param(engine, id=engine.name) for engine in ENGINES.values()]


@cache
def extension(kind: str, name: str) -> Any:
    """A schema extension of cfn-lint."""
    folder = resources.files(f"cfnlint.data.schemas.extensions.{kind}")
    return json.loads((folder / name).read_text())


def of_engine(schemas: Any, engine: Engine) -> list[Any]:
    """The parts of a schema that apply to an engine."""
    return [
        part
        for part in schemas
        if part["if"]["properties"]["Engine"].get("const") == engine.name
        or engine.name in part["if"]["properties"]["Engine"].get("enum", ())
    ]


@pytest.mark.parametrize("engine", ALL)
def test_each_major_version_has_a_minor_version(engine: Engine) -> None:
    kind = "aws_rds_dbcluster" if engine.name.startswith("aurora") else "aws_rds_dbinstance"
    parts = of_engine(extension(kind, "engine_version.json")["allOf"], engine)
    known = [
        version
        for part in parts
        for version in part["then"]["properties"].get("EngineVersion", {}).get("enum", ())
    ]
    for version in engine.versions:
        assert any(item.startswith(f"{version}.") for item in known), version


@pytest.mark.parametrize("engine", ALL)
def test_instance_classes_exist_in_a_region_and_for_every_version(engine: Engine) -> None:
    regions = extension("aws_rds_dbinstance", "dbinstanceclass_enum.json").values()
    anywhere = {
        name
        for region in regions
        for part in of_engine(region["allOf"], engine)
        for name in part["then"]["properties"]["DBInstanceClass"]["enum"]
    }
    assert set(engine.all_classes) <= anywhere
    for part in of_engine(
        extension("aws_rds_dbinstance", "db_instance_class.json")["allOf"], engine
    ):
        pattern = part["if"]["properties"]["EngineVersion"]["pattern"]
        if any(re.match(pattern, version) for version in engine.versions):
            enum = part["then"]["properties"]["DBInstanceClass"]["enum"]
            assert set(engine.all_classes) <= {*enum}, pattern


@pytest.mark.parametrize("engine", ALL)
def test_logs_and_ports_are_those_of_the_api(engine: Engine) -> None:
    aurora = engine.name.startswith("aurora")
    shape = "CreateDBClusterMessage" if aurora else "CreateDBInstanceMessage"
    product = {"aurora-mysql": "Aurora MySQL", "aurora-postgresql": "Aurora PostgreSQL"}.get(
        engine.name, "RDS for MySQL" if engine.name == "mysql" else "RDS for PostgreSQL"
    )
    text = documentation("rds", shape, "EnableCloudwatchLogsExports")
    described = re.search(
        rf"{product} - ([\w| -]+?)(?= RDS for| Aurora|For more| For more|$)", text
    )
    assert described, text
    assert set(engine.logs) <= {word.strip() for word in described[1].split("|")}
    assert str(engine.port) in documentation("rds", shape, "Port")


def test_limits_of_databases_are_those_of_the_api() -> None:
    identifier = documentation("rds", "CreateDBClusterMessage", "DBClusterIdentifier")
    assert f"1 to {databases.MAX_IDENTIFIER} (for Aurora DB clusters)" in identifier
    storage = documentation("rds", "CreateDBInstanceMessage", "AllocatedStorage")
    assert "gp3): Must be an integer from {} to {}".format(*databases.STORAGE_SIZES) in storage
    retention = documentation("rds", "CreateDBClusterMessage", "BackupRetentionPeriod")
    assert "value from {} to {}".format(*databases.RETENTION_DAYS) in retention
    capacity = documentation("rds", "ServerlessV2ScalingConfiguration", "MaxCapacity")
    assert f"use is {databases.MAX_CAPACITY} " in capacity
    password = documentation("rds", "CreateDBClusterMessage", "MasterUserPassword")
    longest = re.search(r"8 to (\d+) characters", password)
    assert longest
    assert int(longest[1]) >= databases.PASSWORD_LENGTH


def test_limits_of_caches_are_those_of_the_api() -> None:
    name = documentation("elasticache", "CreateReplicationGroupMessage", "ReplicationGroupId")
    assert f"from 1 to {caches.MAX_NAME} " in name
    replicas = documentation("elasticache", "CreateReplicationGroupMessage", "ReplicasPerNodeGroup")
    assert f"0 to {caches.MAX_REPLICAS}" in replicas
    days = documentation("elasticache", "CreateServerlessCacheRequest", "SnapshotRetentionLimit")
    assert f"{caches.MAX_SNAPSHOT_DAYS} days" in days
    types = documentation("elasticache", "CreateReplicationGroupMessage", "CacheNodeType")
    named = re.findall(r"cache\.[a-z0-9]+\.[a-z0-9]+", types)
    assert len(named) > 40
    assert [name for name in named if not re.fullmatch(caches.NODE_TYPE, name)] == []
    known = str(extension("aws_elasticache_cachecluster", "cachenodetype_enum.json"))
    for name in set(re.findall(r"cache\.[a-z0-9]+\.[a-z0-9]+", known)):
        assert re.fullmatch(caches.NODE_TYPE, name), name
