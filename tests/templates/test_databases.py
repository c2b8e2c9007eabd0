"""Databases and caches: what they create, what their users get, and what an update may not do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stack_bodies import build_bodies, properties, service

from moorage.facts.databases import ENGINES, Engine
from moorage.pipeline.defaults import apply_kms_keys
from templates import TEMPLATES

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def build_database(**params: Any) -> Any:
    """The resources of a database `db` with PostgreSQL, or with the engine of the params."""
    database = {"template": "database", "engine": "postgresql", **params}
    return build_bodies(db=database)["db"]["Resources"]


def build_user(used: dict[str, Any], access: Any = "connect", **params: Any) -> Any:
    """The resources of a service that uses a stack `store`."""
    web = service(uses={"store": access}, **params)
    return build_bodies(store=used, web=web)["web"]["Resources"]


def container(resources: Any) -> Any:
    (web,) = properties(resources, "TaskDefinition")["ContainerDefinitions"]
    return web


def imported(output: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"shop-dev-store-{output}"}


# Databases -----------------------------------------------------------------------------------


def test_a_database_is_encrypted_private_protected_and_backed_up() -> None:
    resources = build_database()
    database = properties(resources, "Database")
    assert database["StorageEncrypted"] is True
    assert database["PubliclyAccessible"] is False
    assert database["DeletionProtection"] is True
    assert database["BackupRetentionPeriod"] == 7
    assert resources["Database"]["DeletionPolicy"] == "Snapshot"
    assert resources["Database"]["UpdateReplacePolicy"] == "Snapshot"
    assert properties(resources, "SubnetGroup")["SubnetIds"] == [
        {"Fn::ImportValue": f"shop-dev-network-PrivateSubnet{letter}Id"} for letter in "AB"
    ]
    group = properties(resources, "SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["127.0.0.1/32"]


@pytest.mark.parametrize("aurora", [False, True])
@pytest.mark.parametrize(
    ("engine", "parameter"),
    [("postgresql", "rds.force_ssl"), ("mysql", "require_secure_transport")],
)
def test_connections_need_tls(engine: str, parameter: str, aurora: bool) -> None:
    resources = build_database(engine=engine, aurora=aurora)
    group = properties(resources, "ParameterGroup")
    assert group["Parameters"][parameter] in ("1", "ON")
    main = properties(resources, "Cluster" if aurora else "Database")
    kind = "DBClusterParameterGroupName" if aurora else "DBParameterGroupName"
    assert main[kind] == {"Ref": "ParameterGroup"}
    assert group["Family"] == main["Engine"] + main["EngineVersion"]


def test_an_update_cannot_replace_a_database() -> None:
    """With a fixed identifier, CloudFormation refuses an update that replaces it."""
    assert properties(build_database(), "Database")["DBInstanceIdentifier"] == "shop-dev-db"
    cluster = properties(build_database(aurora=True), "Cluster")
    assert cluster["DBClusterIdentifier"] == "shop-dev-db"


def test_an_instance_cannot_become_a_cluster() -> None:
    """CloudFormation refuses to change the type of a resource, and so deletes no instance."""
    kinds = {build_database(aurora=aurora)["ParameterGroup"]["Type"] for aurora in (True, False)}
    assert len(kinds) == 2


def test_the_password_is_generated_again_only_for_another_user() -> None:
    """Secrets Manager generates a password whenever `GenerateSecretString` changes, but the
    database keeps its own."""
    everything = build_database(
        engine="mysql",
        version="8.0",
        instance_class="db.m8g.large",
        storage={"size": 50},
        multi_az=True,
        name="other",
        backups="30d",
        deletion_protection=False,
        final_snapshot=False,
        logs=False,
        kms_key=KEY,
    )
    first, second = (
        properties(resources, "DbadminSecret")["GenerateSecretString"]
        for resources in (build_database(), everything)
    )
    assert first == second
    assert json.loads(first["SecretStringTemplate"]) == {"username": "dbadmin"}
    other = build_database(user="owner")
    assert "DbadminSecret" not in other
    assert "${OwnerSecret}" in properties(other, "Database")["MasterUserPassword"]["Fn::Sub"]


def test_with_rotation_rds_has_the_password() -> None:
    database = properties(resources := build_database(rotation=True, kms_key=KEY), "Database")
    assert database["ManageMasterUserPassword"] is True
    assert database["MasterUserSecret"] == {"KmsKeyId": KEY}
    assert "MasterUserPassword" not in database
    assert not [name for name in resources if name.endswith("Secret")]


@pytest.mark.parametrize(
    ("storage", "limit"),
    [
        ({}, 100),
        ({"size": 80}, 160),
        ({"size": 40_000}, 65_536),
        ({"size": 80, "max_size": 88}, 88),
        ({"size": 80, "max_size": 80}, None),
        ({"size": 65_536}, None),
    ],
)
def test_storage_grows_up_to_a_limit(storage: dict[str, int], limit: int | None) -> None:
    database = properties(build_database(storage=storage), "Database")
    assert database.get("MaxAllocatedStorage") == limit


def test_a_cluster_has_a_writer_and_readers() -> None:
    resources = build_database(aurora={"readers": 2})
    instances = [name for name in resources if name.startswith("Instance")]
    assert instances == ["InstanceA", "InstanceB", "InstanceC"]
    assert {properties(resources, name)["DBInstanceClass"] for name in instances} == {
        "db.serverless"
    }
    capacity = properties(resources, "Cluster")["ServerlessV2ScalingConfiguration"]
    assert capacity == {"MinCapacity": 0.5, "MaxCapacity": 4}
    fixed = build_database(aurora=True, instance_class="db.r8g.large")
    assert "ServerlessV2ScalingConfiguration" not in properties(fixed, "Cluster")


@pytest.mark.parametrize(
    ("params", "insights"),
    [
        ({}, True),
        ({"insights": False}, False),
        ({"instance_class": "db.t4g.micro"}, True),
        ({"engine": "mysql", "instance_class": "db.t4g.micro"}, False),
        ({"engine": "mysql", "instance_class": "db.t4g.medium"}, True),
    ],
)
def test_insights_are_on_where_the_class_supports_them(
    params: dict[str, Any], insights: bool
) -> None:
    database = properties(build_database(**params), "Database")
    assert database["EnablePerformanceInsights"] is insights


@pytest.mark.parametrize("aurora", [False, True])
def test_log_groups_exist_before_rds_would_create_them(aurora: bool) -> None:
    resources = build_database(engine="mysql", aurora=aurora, logs={"retention": "7d"})
    main = "Cluster" if aurora else "Database"
    exported = properties(resources, main)["EnableCloudwatchLogsExports"]
    kind = "cluster" if aurora else "instance"
    groups = resources[main]["DependsOn"]
    assert [properties(resources, name)["LogGroupName"] for name in groups] == [
        f"/aws/rds/{kind}/shop-dev-db/{log}" for log in exported
    ]
    assert {properties(resources, name)["RetentionInDays"] for name in groups} == {7}
    without = build_database(logs=False)
    assert "EnableCloudwatchLogsExports" not in properties(without, "Database")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda engine: engine.name)
def test_default_versions_and_classes_are_those_of_the_engine(engine: Engine) -> None:
    assert engine.default_version in engine.versions
    assert engine.has_class("db.t4g.medium")
    assert all(engine.has_class(name) for name in engine.all_classes)
    assert not engine.has_class("db.t4g")


# Users of databases --------------------------------------------------------------------------

POSTGRESQL = {"template": "database", "engine": "postgresql"}


def test_a_user_gets_address_and_credentials_and_no_permission_but_to_read_the_secret() -> None:
    resources = build_user(POSTGRESQL)
    web = container(resources)
    assert web["Environment"] == [
        {"Name": "STORE_HOST", "Value": imported("Host")},
        {"Name": "STORE_NAME", "Value": "store"},
        {"Name": "STORE_PORT", "Value": "5432"},
    ]
    assert {item["Name"]: item["ValueFrom"]["Fn::Join"][1] for item in web["Secrets"]} == {
        "STORE_PASSWORD": [imported("SecretArn"), ":password::"],
        "STORE_USER": [imported("SecretArn"), ":username::"],
    }
    assert "Policies" not in properties(resources, "TaskRole")
    (policy,) = properties(resources, "ExecutionRole")["Policies"]
    statements = {item["Sid"]: item for item in policy["PolicyDocument"]["Statement"]}
    assert statements["ReadUsedSecrets"]["Resource"] == [imported("SecretArn")]
    rule = properties(resources, "ToStoreTcp5432Ingress")
    assert rule["GroupId"] == imported("SecurityGroupId")
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}


def test_a_user_of_a_rotated_password_reads_the_secret_itself() -> None:
    resources = build_user({**POSTGRESQL, "rotation": True, "kms_key": KEY})
    web = container(resources)
    variables = {item["Name"]: item["Value"] for item in web["Environment"]}
    assert variables["STORE_SECRET_ARN"] == imported("RotatedSecretArn")
    assert "Secrets" not in web
    (policy,) = properties(resources, "TaskRole")["Policies"]
    read, decrypt = policy["PolicyDocument"]["Statement"]
    assert (read["Action"], read["Resource"]) == (
        ["secretsmanager:GetSecretValue"],
        [imported("RotatedSecretArn")],
    )
    assert (decrypt["Action"], decrypt["Resource"]) == (["kms:Decrypt"], [KEY])


@pytest.mark.parametrize("rotation", [False, True])
def test_with_reach_a_user_gets_no_credentials(rotation: bool) -> None:
    resources = build_user({**POSTGRESQL, "rotation": rotation}, "reach")
    web = container(resources)
    assert "Secrets" not in web
    names = [item["Name"] for item in web["Environment"]]
    assert names == ["STORE_HOST", "STORE_NAME", "STORE_PORT"]
    assert "ToStoreTcp5432Ingress" in resources


def test_a_user_of_a_cluster_gets_the_reader_endpoint_too() -> None:
    web = container(build_user({**POSTGRESQL, "aurora": True}, "reach"))
    assert {"Name": "STORE_READER_HOST", "Value": imported("ReaderHost")} in web["Environment"]


EXISTING = {
    "host": "old.example.internal",
    "name": "old",
    "secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1a2b-a1b2c3",
    "security_group": "sg-0123456789abcdef0",
}


def test_a_user_of_an_existing_database_gets_what_the_params_say() -> None:
    resources = build_user({**POSTGRESQL, "existing": EXISTING})
    web = container(resources)
    assert {item["Name"]: item["Value"] for item in web["Environment"]} == {
        "STORE_HOST": "old.example.internal",
        "STORE_NAME": "old",
        "STORE_PORT": "5432",
    }
    secrets = {item["Name"]: item["ValueFrom"] for item in web["Secrets"]}
    assert secrets["STORE_USER"] == f"{EXISTING['secret']}:username::"
    rule = properties(resources, "ToStoreTcp5432Ingress")
    assert rule["GroupId"] == EXISTING["security_group"]


def test_an_existing_database_can_have_a_rotated_password_and_a_reader() -> None:
    existing = {**EXISTING, "reader_host": "ro.example.internal", "kms_key": KEY, "port": 5433}
    resources = build_user({**POSTGRESQL, "rotation": True, "existing": existing})
    variables = {item["Name"]: item["Value"] for item in container(resources)["Environment"]}
    assert variables["STORE_SECRET_ARN"] == EXISTING["secret"]
    assert variables["STORE_READER_HOST"] == "ro.example.internal"
    assert "ToStoreTcp5433Ingress" in resources
    (policy,) = properties(resources, "TaskRole")["Policies"]
    read, decrypt = policy["PolicyDocument"]["Statement"]
    assert (read["Resource"], decrypt["Resource"]) == ([EXISTING["secret"]], [KEY])


# Caches --------------------------------------------------------------------------------------


def build_cache(**params: Any) -> Any:
    return build_bodies(store={"template": "cache", **params})["store"]["Resources"]


def test_a_serverless_cache_stays_in_its_zones_when_the_network_gets_more() -> None:
    """Its subnets cannot be changed without replacing it."""
    subnets = [
        properties(
            build_bodies(network={"availability_zones": zones}, store={"template": "cache"})[
                "store"
            ]["Resources"],
            "Cache",
        )["SubnetIds"]
        for zones in (2, 3)
    ]
    assert subnets[0] == subnets[1]
    assert len(subnets[0]) == 2


def test_nodes_have_a_standby_only_with_replicas() -> None:
    for replicas in (0, 2):
        cache = properties(build_cache(nodes={"replicas": replicas}), "Cache")
        assert cache["NumCacheClusters"] == replicas + 1
        assert cache["AutomaticFailoverEnabled"] is cache["MultiAZEnabled"] is (replicas > 0)
        assert cache["TransitEncryptionEnabled"] is cache["AtRestEncryptionEnabled"] is True


@pytest.mark.parametrize(("cache", "ports"), [({}, ["6379", "6380"]), ({"nodes": True}, ["6379"])])
def test_a_user_of_a_cache_gets_its_addresses_and_ports(
    cache: dict[str, Any], ports: list[str]
) -> None:
    resources = build_user({"template": "cache", **cache})
    variables = {item["Name"]: item["Value"] for item in container(resources)["Environment"]}
    assert variables == {
        "STORE_HOST": imported("Host"),
        "STORE_PORT": "6379",
        "STORE_READER_HOST": imported("ReaderHost"),
        "STORE_READER_PORT": ports[-1],
        "STORE_URL": {"Fn::Sub": ["rediss://${Host}:6379", {"Host": imported("Host")}]},
    }
    rules = [name for name in resources if name.endswith("Ingress")]
    assert rules == [f"ToStoreTcp{port}Ingress" for port in ports]


@pytest.mark.parametrize(
    ("more", "ports", "url"),
    [
        ({}, ["6379"], "rediss://old.example.internal:6379"),
        ({"tls": False, "port": 7000}, ["7000"], "redis://old.example.internal:7000"),
        (
            {"reader_host": "ro.example.internal", "reader_port": 6380},
            ["6379", "6380"],
            "rediss://old.example.internal:6379",
        ),
        ({"reader_host": "ro.example.internal"}, ["6379"], "rediss://old.example.internal:6379"),
    ],
)
def test_a_user_of_an_existing_cache_gets_what_the_params_say(
    more: dict[str, Any], ports: list[str], url: str
) -> None:
    group = EXISTING["security_group"]
    existing = {"host": "old.example.internal", "security_group": group, **more}
    resources = build_user({"template": "cache", "existing": existing})
    variables = {item["Name"]: item["Value"] for item in container(resources)["Environment"]}
    assert variables["STORE_URL"] == url
    assert variables.get("STORE_READER_PORT") == (ports[-1] if "reader_host" in more else None)
    rules = [name for name in resources if name.endswith("Ingress")]
    assert rules == [f"ToStoreTcp{port}Ingress" for port in ports]


# Keys ----------------------------------------------------------------------------------------


def test_default_keys_encrypt_databases_and_caches() -> None:
    for template, use in (("database", "databases"), ("cache", "caches")):
        kind = TEMPLATES[template].Params
        params = kind.model_validate({"engine": "mysql"} if template == "database" else {})
        assert apply_kms_keys(params, {use: KEY}).kms_key == KEY
