"""Resources of a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from troposphere import AWSObject, GetAtt, Ref, Sub, Template, ec2, logs, rds, secretsmanager

from moorage.facts.databases import PASSWORD_LENGTH
from moorage.model import Environment, logical_id

from .. import network
from ..common.days import DAY
from ..common.exports import export_output
from ..common.security_groups import no_egress_rule
from ..common.used_stacks import resolve_stack
from .params import Aurora, Params


class _ScalingConfiguration(rds.ServerlessV2ScalingConfiguration):  # type: ignore[misc]
    """With the capacities that AWS has added: troposphere refuses 0, and more than 128."""

    props: ClassVar[dict[str, Any]] = {
        "MinCapacity": ((int, float), True),
        "MaxCapacity": ((int, float), True),
    }


INSTANCE_LETTERS = "ABCDEFGHIJKLMNOP"
"""The letter of each instance of a cluster in logical IDs."""


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The instance or the cluster, with subnet group, security group, parameter group, secret and
    log groups; None for an existing database."""
    if params.existing:
        return None
    net = resolve_stack(env, network.Params, params.network, network.handle)
    assert net is not None, "problems has reported it"
    title = f"{env.app} {env.name}: the database `{name}`"
    identifier = env.stack_name(name)
    template = Template(title)
    template.set_version()
    template.add_resource(
        [
            ec2.SecurityGroup(
                "SecurityGroup",
                GroupDescription=f"Database {name}: those that use it add a rule",
                VpcId=net.handle.vpc_id,
                SecurityGroupEgress=[no_egress_rule("No egress: it opens no connections")],
            ),
            rds.DBSubnetGroup(
                "SubnetGroup",
                DBSubnetGroupDescription=f"Private subnets of the database {name}",
                SubnetIds=list(net.handle.private_subnets),
            ),
        ]
    )
    if not params.rotation:
        template.add_resource(_secret(title, params))
    template.add_resource(list(_log_groups(identifier, params)))
    if params.aurora is None:
        template.add_resource(list(_instance(name, identifier, params)))
    else:
        template.add_resource(list(_cluster(name, identifier, params, params.aurora)))
    template.add_output([export_output(env, name, *output) for output in _outputs(name, params)])
    return template


def _main_resource(params: Params) -> str:
    """Logical ID of the resource that has the data."""
    return "Database" if params.aurora is None else "Cluster"


def _outputs(name: str, params: Params) -> Iterator[tuple[str, Any, str]]:
    """Name, value and description of each output."""
    main = _main_resource(params)
    yield "Host", GetAtt(main, "Endpoint.Address"), "DNS name of the database"
    if params.aurora is not None:
        yield "ReaderHost", GetAtt(main, "ReadEndpoint.Address"), "DNS name for reads"
    yield "Port", str(params.engine_facts.port), "Port of the database"
    yield "Name", params.database_name(name), "Name of the database"
    if params.rotation:
        secret = GetAtt(main, "MasterUserSecret.SecretArn")
        yield "RotatedSecretArn", secret, "ARN of the secret, whose password RDS changes"
    else:
        yield "SecretArn", Ref(_secret_id(params)), "ARN of the secret with username and password"
    yield "SecurityGroupId", GetAtt("SecurityGroup", "GroupId"), "Security group of the database"


def _secret_id(params: Params) -> str:
    """Logical ID of the secret. Secrets Manager generates another password when the name in
    `SecretStringTemplate` changes, and once more when CloudFormation rolls that back. With the name
    in the ID, another user means another secret, and the first one keeps its password."""
    return logical_id(params.user, "Secret")


def _secret(title: str, params: Params) -> secretsmanager.Secret:
    """The generated password of the master user."""
    optional = {"KmsKeyId": params.kms_key} if params.kms_key else {}
    return secretsmanager.Secret(
        _secret_id(params),
        Description=f"Master user of {title}",
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=json.dumps({"username": params.user}),
            GenerateStringKey="password",
            PasswordLength=PASSWORD_LENGTH,
            ExcludePunctuation=True,
        ),
        **optional,
    )


def _credentials(params: Params) -> dict[str, Any]:
    """The properties for the master user, with the password that the stack or RDS generates."""
    if not params.rotation:
        secret = f"${{{_secret_id(params)}}}"
        password = Sub(f"{{{{resolve:secretsmanager:{secret}:SecretString:password}}}}")
        return {"MasterUsername": params.user, "MasterUserPassword": password}
    managed = {"MasterUsername": params.user, "ManageMasterUserPassword": True}
    if params.kms_key is None:
        return managed
    return managed | {"MasterUserSecret": rds.MasterUserSecret(KmsKeyId=params.kms_key)}


def _log_groups(identifier: str, params: Params) -> Iterator[logs.LogGroup]:
    """The log groups that RDS would create without a retention. RDS has their names."""
    if params.logs is None:
        return
    kind = "instance" if params.aurora is None else "cluster"
    optional = {"KmsKeyId": params.logs.kms_key} if params.logs.kms_key else {}
    for log in params.engine_facts.logs:
        yield logs.LogGroup(
            _log_group_id(log),
            LogGroupName=f"/aws/rds/{kind}/{identifier}/{log}",
            RetentionInDays=params.logs.retention,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
            **optional,
        )


def _log_group_id(log: str) -> str:
    return f"{log.capitalize()}LogGroup"


def _common_properties(params: Params) -> dict[str, Any]:
    """The properties that an instance of RDS and a cluster of Aurora share."""
    engine = params.engine_facts
    policy = "Snapshot" if params.final_snapshot else "Delete"
    optional: dict[str, Any] = {"KmsKeyId": params.kms_key} if params.kms_key else {}
    if params.logs:
        optional["EnableCloudwatchLogsExports"] = list(engine.logs)
        optional["DependsOn"] = [_log_group_id(log) for log in engine.logs]
    return {
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Engine": engine.name,
        "EngineVersion": params.major_version,
        "DBSubnetGroupName": Ref("SubnetGroup"),
        "StorageEncrypted": True,
        "BackupRetentionPeriod": params.backups // DAY,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": params.deletion_protection,
        **_credentials(params),
        **optional,
    }


def _ignored(*checks: str) -> dict[str, Any]:
    """Metadata for checks of cfn-lint that expect the minor version too. Of major versions without
    it, cfn-lint does not know some, and takes others for deprecated."""
    return {"cfn-lint": {"config": {"ignore_checks": list(checks)}}}


def _parameters(params: Params) -> dict[str, Any]:
    """Properties of a parameter group for the major version. When that changes, CloudFormation
    creates another group, and the database changes to it during the upgrade."""
    engine = params.engine_facts
    return {
        "Description": f"TLS only, for {engine.name} {params.major_version}",
        "Family": engine.family(params.major_version),
        "Parameters": dict([engine.tls, *engine.parameters.items()]),
    }


def _instance(name: str, identifier: str, params: Params) -> Iterator[AWSObject]:
    yield rds.DBParameterGroup("ParameterGroup", **_parameters(params))
    optional: dict[str, Any] = {}
    if params.max_storage:
        optional["MaxAllocatedStorage"] = params.max_storage
    yield rds.DBInstance(
        "Database",
        Metadata=_ignored("E3691", "W3691"),
        DBInstanceIdentifier=identifier,
        DBInstanceClass=params.database_class,
        DBName=params.database_name(name),
        AllocatedStorage=str(params.storage.size),
        StorageType="gp3",
        MultiAZ=params.multi_az,
        VPCSecurityGroups=[GetAtt("SecurityGroup", "GroupId")],
        DBParameterGroupName=Ref("ParameterGroup"),
        AllowMajorVersionUpgrade=True,
        **_instance_properties(params),
        **_common_properties(params),
        **optional,
    )


def _shortest(number: float) -> int | float:
    """A number that is written without `.0`."""
    return number if number % 1 else int(number)


def _instance_properties(params: Params) -> dict[str, Any]:
    """The properties of every instance, in a cluster or not."""
    return {
        "AutoMinorVersionUpgrade": True,
        "EnablePerformanceInsights": params.collects_insights,
        "PubliclyAccessible": False,
    }


def _cluster(name: str, identifier: str, params: Params, aurora: Aurora) -> Iterator[AWSObject]:
    yield rds.DBClusterParameterGroup("ParameterGroup", **_parameters(params))
    optional: dict[str, Any] = {}
    if capacity := params.capacity:
        optional["ServerlessV2ScalingConfiguration"] = _ScalingConfiguration(
            MinCapacity=_shortest(capacity.min), MaxCapacity=_shortest(capacity.max)
        )
    yield rds.DBCluster(
        "Cluster",
        Metadata=_ignored("E3690", "W3690"),
        DBClusterIdentifier=identifier,
        DatabaseName=params.database_name(name),
        DBClusterParameterGroupName=Ref("ParameterGroup"),
        VpcSecurityGroupIds=[GetAtt("SecurityGroup", "GroupId")],
        **_common_properties(params),
        **optional,
    )
    for letter in INSTANCE_LETTERS[: 1 + aurora.readers]:
        yield rds.DBInstance(
            f"Instance{letter}",
            DBClusterIdentifier=Ref("Cluster"),
            DBInstanceClass=params.database_class,
            Engine=params.engine_facts.name,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
            **_instance_properties(params),
        )
