"""Databases, caches, and generated secrets.

Subnet groups and parameter groups stay: moto deletes the resources of a stack in any order, and
cannot show a database whose parameter group is gone.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from moorage.deploy.rehearsal.resources import Api, Properties, Resource, check_request, without

_READER_PORT = 6380
_MANAGED_SECRET = "MasterUserSecret"
"""The property with the key of the secret that RDS manages. moto wants that key to exist."""


def secret(api: Api, name: str, request: Properties) -> Resource:
    """A secret with a generated value, under a name that no other has."""
    client = api("secretsmanager")
    generated = request["GenerateSecretString"]
    password = client.get_random_password(
        PasswordLength=generated["PasswordLength"],
        ExcludePunctuation=generated["ExcludePunctuation"],
    )["RandomPassword"]
    values = json.loads(generated["SecretStringTemplate"])
    created = client.create_secret(
        Name=f"{name}-{uuid.uuid4().hex[:12]}",
        SecretString=json.dumps(values | {generated["GenerateStringKey"]: password}),
        **without(request, "GenerateSecretString"),
    )
    return Resource(created["ARN"], Id=created["ARN"])


def subnet_group(api: Api, name: str, request: Properties) -> Resource:
    name = _unique(name)
    api("rds").create_db_subnet_group(DBSubnetGroupName=name, **request)
    return Resource(name)


def parameter_group(api: Api, name: str, request: Properties) -> Resource:
    name, rds = _unique(name), api("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName=name,
        DBParameterGroupFamily=request["Family"],
        Description=request["Description"],
    )
    parameters = _parameters(request)
    rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=parameters)
    return Resource(name)


def cluster_parameter_group(api: Api, name: str, request: Properties) -> Resource:
    name, rds = _unique(name), api("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name,
        DBParameterGroupFamily=request["Family"],
        Description=request["Description"],
    )
    parameters = _parameters(request)
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=parameters)
    return Resource(name)


def _parameters(request: Properties) -> list[dict[str, str]]:
    return [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        for name, value in request["Parameters"].items()
    ]


def instance(api: Api, name: str, request: Properties) -> Resource:
    identity = request.get("DBInstanceIdentifier") or _unique(name)
    changed: dict[str, Any] = {"DBInstanceIdentifier": identity}
    if "AllocatedStorage" in request:
        changed["AllocatedStorage"] = int(request["AllocatedStorage"])
    if "VPCSecurityGroups" in request:
        changed["VpcSecurityGroupIds"] = request["VPCSecurityGroups"]
    unchanged = without(
        request, "AllowMajorVersionUpgrade", "MasterUserSecret", "VPCSecurityGroups"
    )
    created = api("rds").create_db_instance(**unchanged | changed)["DBInstance"]
    endpoint = {"Endpoint.Address": created.get("Endpoint", {}).get("Address")}
    return Resource(identity, **endpoint, **_managed(created))


def remove_instance(api: Api, resource: Resource) -> None:
    identity = resource.physical_resource_id
    api("rds").delete_db_instance(DBInstanceIdentifier=identity, **_final_snapshot(resource))


def cluster(api: Api, name: str, request: Properties) -> Resource:
    created = api("rds").create_db_cluster(**without(request, _MANAGED_SECRET))["DBCluster"]
    addresses = {
        "Endpoint.Address": created["Endpoint"],
        "ReadEndpoint.Address": created["ReaderEndpoint"],
    }
    return Resource(created["DBClusterIdentifier"], **addresses, **_managed(created))


def remove_cluster(api: Api, resource: Resource) -> None:
    identity = resource.physical_resource_id
    api("rds").delete_db_cluster(DBClusterIdentifier=identity, **_final_snapshot(resource))


def _final_snapshot(resource: Resource) -> dict[str, Any]:
    """The parameters of a deletion that keeps a snapshot, if the template says so."""
    if resource.deletion_policy != "Snapshot":
        return {"SkipFinalSnapshot": True}
    return {"FinalDBSnapshotIdentifier": f"{resource.physical_resource_id}-snapshot"}


def _managed(created: Properties) -> dict[str, Any]:
    """The attribute with the ARN of the secret that RDS manages."""
    managed = created.get("MasterUserSecret", {})
    return {"MasterUserSecret.SecretArn": managed.get("SecretArn")}


def cache_subnet_group(api: Api, name: str, request: Properties) -> Resource:
    name = _unique(name)
    api("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=name,
        CacheSubnetGroupDescription=request["Description"],
        SubnetIds=request["SubnetIds"],
    )
    return Resource(name)


def replication_group(api: Api, name: str, request: Properties) -> Resource:
    created = api("elasticache").create_replication_group(**request)["ReplicationGroup"]
    nodes = created["NodeGroups"][0]
    reader = nodes.get("ReaderEndpoint", nodes["PrimaryEndpoint"])
    return Resource(
        created["ReplicationGroupId"],
        **{
            "PrimaryEndPoint.Address": nodes["PrimaryEndpoint"]["Address"],
            "PrimaryEndPoint.Port": nodes["PrimaryEndpoint"]["Port"],
            "ReaderEndPoint.Address": reader["Address"],
            "ReaderEndPoint.Port": reader["Port"],
        },
    )


def serverless_cache(api: Api, name: str, request: Properties) -> Resource:
    """moto has none, so only the request is checked."""
    check_request(api("elasticache"), "CreateServerlessCache", request)
    identity = request["ServerlessCacheName"]
    address = f"{identity}.serverless.cache.amazonaws.com"
    return Resource(
        identity,
        **{
            "Endpoint.Address": address,
            "Endpoint.Port": 6379,
            "ReaderEndpoint.Address": address,
            "ReaderEndpoint.Port": _READER_PORT,
        },
    )


def _unique(name: str) -> str:
    """A name that no other resource has, in lower case."""
    return f"{name}-{uuid.uuid4().hex[:12]}".lower()
