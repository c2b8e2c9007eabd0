"""A CodeBuild project with its role, and what the projects of a stack share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from awacs import ec2 as ec2_actions
from awacs import logs as log_actions
from awacs.aws import Condition, Statement, StringEquals
from troposphere import AWSObject, GetAtt, Join, Ref, Sub, codebuild, ec2
from troposphere.iam import ManagedPolicy, Role

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6
from moorage.facts.codebuild import COMPUTE_TYPES, ENVIRONMENT_TYPES, IMAGES
from moorage.model import Environment
from moorage.records import record
from moorage.references import Reference

from .. import network
from ..common.iam import allow, from_source, policy, role
from ..common.logs import log_group
from ..common.policy_statements import policy_statement
from ..common.used_stacks import UsedStack, resolve_stack
from ..ecr import repository_uris
from ..tasks.images import image_uri, parse_repository, pull_statements
from ..tasks.secrets import read_statements
from .params import BuildParams

UsedNetwork = UsedStack[network.Params, network.Handle]


@record
class Project:
    """A project, and what its role may do besides what every build needs."""

    title: str
    """Its logical ID."""
    name: str
    description: str
    params: BuildParams
    source: codebuild.Source
    statements: Mapping[str, Sequence[Statement]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    docker: bool = False
    """Whether builds run docker, for which they need the privileged mode."""
    trusted: bool = True
    """Whether only people who can write to the repository decide what it runs. If not, it has
    neither the secrets nor the statements of the params."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    shares_vpc_policy: bool = False
    """Whether the permissions for the VPC are those of `vpc_policy`, so that a template with many
    projects has them once."""


def project_resources(project: Project, env: Environment) -> Iterator[AWSObject]:
    """The project and its role."""
    yield _role(project, env)
    used = resolve_vpc(project.params, env)
    optional = {"VpcConfig": _vpc_config(project.params, used)} if used else {}
    yield codebuild.Project(
        project.title,
        Name=project.name,
        Description=project.description,
        ServiceRole=GetAtt(f"{project.title}Role", "Arn"),
        Source=project.source,
        Environment=_environment(project, env),
        TimeoutInMinutes=project.params.timeout // 60,
        LogsConfig=codebuild.LogsConfig(
            CloudWatchLogs=codebuild.CloudWatchLogs(GroupName=Ref("LogGroup"), Status="ENABLED")
        ),
        **{"Artifacts": codebuild.Artifacts(Type="NO_ARTIFACTS"), **optional, **project.properties},
    )


def shared_resources(params: BuildParams, env: Environment) -> Iterator[AWSObject]:
    """The log group of all projects of a stack, and in a VPC their security group."""
    yield log_group("LogGroup", params.logs)
    if used := resolve_vpc(params, env):
        anywhere = [{"CidrIp": ANY_IPV4}, *([{"CidrIpv6": ANY_IPV6}] if used.handle.ipv6 else [])]
        yield ec2.SecurityGroup(
            "SecurityGroup",
            GroupDescription=Sub("Builds of ${AWS::StackName}"),
            VpcId=used.handle.vpc_id,
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(
                    Description="Source code, packages and images", IpProtocol="-1", **block
                )
                for block in anywhere
            ],
        )


def vpc_policy(params: BuildParams, env: Environment) -> Iterator[AWSObject]:
    """The policy for builds in a VPC that several projects share."""
    if used := resolve_vpc(params, env):
        yield ManagedPolicy(
            _VPC_POLICY,
            Description=Sub("Builds of ${AWS::StackName} in their VPC"),
            PolicyDocument=policy(_vpc_statements(params, used)),
        )


_VPC_POLICY = "VpcPolicy"


def resolve_vpc(params: BuildParams, env: Environment) -> UsedNetwork | None:
    """The network that builds run in; None without one."""
    if params.vpc is None:
        return None
    return resolve_stack(env, network.Params, params.vpc.network, network.handle)


def _environment(project: Project, env: Environment) -> codebuild.Environment:
    params = project.params
    image, credentials = IMAGES[params.cpu_architecture], "CODEBUILD"
    if params.environment_image:
        image = image_uri(params.environment_image, repository_uris(env))
        credentials = "SERVICE_ROLE"
    plain = {**params.environment, **project.variables}
    variables = [codebuild.EnvironmentVariable(Name=key, Value=plain[key]) for key in plain]
    secrets = params.secrets if project.trusted else {}
    optional = {"EnvironmentVariables": [*variables, *map(_secret, secrets.items())]}
    return codebuild.Environment(
        Type=ENVIRONMENT_TYPES[params.cpu_architecture],
        ComputeType=COMPUTE_TYPES[params.compute],
        Image=image,
        ImagePullCredentialsType=credentials,
        PrivilegedMode=project.docker,
        **{key: value for key, value in optional.items() if value},
    )


def _secret(item: tuple[str, str | Reference]) -> codebuild.EnvironmentVariable:
    """A secret as CodeBuild names it: AWS CodeBuild API reference, EnvironmentVariable, and its
    user guide, "Buildspec syntax", env. A parameter has no ARN there, but a name."""
    name, reference = item
    if not isinstance(reference, str):
        value = Join(":", [reference, reference.key]) if reference.key else reference
        return codebuild.EnvironmentVariable(Name=name, Type="SECRETS_MANAGER", Value=value)
    service, _, identity = reference.partition(":")
    if service == "secretsmanager":
        kind = "SECRETS_MANAGER"
    else:
        kind = "PARAMETER_STORE"
        identity = identity.partition(":parameter")[2] or identity
    return codebuild.EnvironmentVariable(Name=name, Type=kind, Value=identity)


# Permissions ---------------------------------------------------------------------------------


def _role(project: Project, env: Environment) -> Role:
    """The role of a project. AWS CodeBuild user guide, "Allow CodeBuild to interact with other AWS
    services": CodeBuild sends the ARN of the project, and its account."""
    params = project.params
    place = "codebuild:${AWS::Region}:${AWS::AccountId}:project/"
    policies: dict[str, Iterable[Any]] = {"Logs": [_log_statement()]}
    if params.environment_image and parse_repository(params.environment_image):
        policies["EnvironmentImage"] = pull_statements([params.environment_image])
    if project.trusted:
        policies["Secrets"] = read_statements(params.secrets.values(), params.kms_keys)
        policies["Params"] = [policy_statement(item) for item in params.statements]
    managed = []
    if used := resolve_vpc(params, env):
        if project.shares_vpc_policy:
            managed = [Ref(_VPC_POLICY)]
        else:
            policies["Vpc"] = _vpc_statements(params, used)
    return role(
        f"{project.title}Role",
        "codebuild.amazonaws.com",
        {**policies, **project.statements},
        env,
        managed=managed,
        permissions_boundary=params.permissions_boundary,
        Condition=from_source(f"{place}{project.name}"),
    )


def _log_statement() -> Statement:
    return allow(
        "WriteLogs",
        [log_actions.CreateLogStream, log_actions.PutLogEvents],
        [GetAtt("LogGroup", "Arn")],
    )


def _vpc_config(params: BuildParams, used: UsedNetwork) -> codebuild.VpcConfig:
    return codebuild.VpcConfig(
        VpcId=used.handle.vpc_id,
        Subnets=list(used.handle.private_subnets),
        SecurityGroupIds=[GetAtt("SecurityGroup", "GroupId"), *_more_groups(params)],
    )


def _more_groups(params: BuildParams) -> list[str | Reference]:
    return params.vpc.security_groups if params.vpc else []


def _ec2_arn(kind: str, identity: Any = "*") -> Sub:
    arn = f"arn:${{AWS::Partition}}:ec2:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/"
    if isinstance(identity, str):
        return Sub(f"{arn}{identity}")
    return Sub(f"{arn}${{Id}}", Id=identity)


def _vpc_statements(params: BuildParams, used: UsedNetwork) -> Iterator[Statement]:
    """The permissions that CodeBuild needs for network interfaces: AWS CodeBuild user guide, "Allow
    CodeBuild access to AWS services required to create a VPC network interface". The actions that
    describe resources have no resource types (Service Authorization Reference, Amazon EC2)."""
    subnets = [_ec2_arn("subnet", subnet) for subnet in used.handle.private_subnets]
    groups = [GetAtt("SecurityGroup", "GroupId"), *_more_groups(params)]
    interfaces = _ec2_arn("network-interface")
    yield allow(
        "DescribeNetwork",
        [
            ec2_actions.DescribeDhcpOptions,
            ec2_actions.DescribeNetworkInterfaces,
            ec2_actions.DescribeSecurityGroups,
            ec2_actions.DescribeSubnets,
            ec2_actions.DescribeVpcs,
        ],
        ["*"],
    )
    yield allow(
        "CreateInterfaces",
        [ec2_actions.CreateNetworkInterface],
        [interfaces, *subnets, *(_ec2_arn("security-group", group) for group in groups)],
    )
    yield allow("DeleteInterfaces", [ec2_actions.DeleteNetworkInterface], [interfaces])
    use = {"ec2:AuthorizedService": "codebuild.amazonaws.com", "ec2:Subnet": subnets}
    yield allow(
        "UseInterfaces",
        [ec2_actions.CreateNetworkInterfacePermission],
        [interfaces],
        Condition=Condition(StringEquals(use)),
    )
