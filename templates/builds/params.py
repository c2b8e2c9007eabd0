"""Params of what builds in CodeBuild, and their problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from moorage.facts.codebuild import (
    MAX_SECURITY_GROUPS,
    MAX_SUBNETS,
    TIMEOUT_MINUTES,
    Compute,
)
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment

from .. import network
from ..common.fields import (
    KeyArn,
    PolicyArn,
    SecurityGroupId,
    StackName,
    Switch,
    UniqueList,
    duration,
)
from ..common.logs import Logs
from ..common.policy_statements import UserStatement, statement_problems
from ..common.references import External, ExternalSecret
from ..common.regions import key_region_problems
from ..common.stack_lookup import find_stack, find_stack_problems
from ..tasks.images import Image
from ..tasks.secrets import SecretRef
from ..tasks.variables import Variable, VariableName

_MINUTE = 60


class Vpc(Base):
    """Builds in private subnets of a network, for example to reach a database or a private
    registry of packages."""

    network: StackName | None = Field(
        None, description="Stack of the network; by default the only one."
    )
    security_groups: UniqueList[External[SecurityGroupId]] = Field(
        [],
        max_length=MAX_SECURITY_GROUPS - 1,
        description="Security groups of the builds in addition to that of the stack, which allows "
        "all outbound connections.",
    )


class BuildParams(Base):
    """Builds in CodeBuild."""

    compute: Compute = Field(
        "small",
        description="Size of the machine, from `small` (2 vCPUs, 4 GiB) to `2xlarge`.",
    )
    cpu_architecture: Literal["X86_64", "ARM64"] = Field(
        "X86_64",
        description="CPU architecture of the machine, and of the images that it builds.",
    )
    environment_image: Image | None = Field(
        None,
        examples=["ecr:shop/build:7"],
        description="The image that builds run in. Default: CodeBuild's of Amazon Linux 2023.",
    )
    environment: dict[VariableName, External[Variable]] = Field(
        {}, description="Environment variables of the builds."
    )
    secrets: dict[VariableName, ExternalSecret[SecretRef]] = Field(
        {},
        examples=[{"NPM_TOKEN": "secretsmanager:shop/npm:token"}],
        description="Environment variables with references to secrets, which CodeBuild reads when "
        "a build starts: `ssm:<name>` or `secretsmanager:<name>[:json-key[:stage[:version]]]`.",
    )
    not_secret: list[str] = Field(
        [],
        description="Names below `environment` that look like those of secrets and are none.",
    )
    kms_keys: list[External[KeyArn]] = Field(
        [], description="ARNs of customer managed KMS keys that encrypt the secrets."
    )
    vpc: Switch[Vpc] = Field(None, description="Run builds in private subnets of a network.")
    timeout: Annotated[
        int, duration(TIMEOUT_MINUTES[0] * _MINUTE, TIMEOUT_MINUTES[1] * _MINUTE)
    ] = Field(3600, description="Time after which a build is stopped, in whole minutes.")
    statements: list[UserStatement] = Field(
        [], description="What builds may do in addition, as statements of an IAM policy."
    )
    permissions_boundary: External[PolicyArn] | None = Field(
        None, description="ARN of the permissions boundary of the roles of the stack."
    )
    logs: Logs = Field(
        Logs.unvalidated(),
        examples=[{"retention": "14d"}],
        description="Log group of the builds.",
    )


def build_problems(params: BuildParams, env: Environment) -> Iterator[Problem]:
    """Problems of a build's settings."""
    for name in sorted(params.environment.keys() & params.secrets.keys()):
        message = f"`{name}` is an environment variable and also a secret"
        yield Problem("M3704", ("secrets", name), message, "Remove one of the two.")
    if params.timeout % _MINUTE:
        message = "CodeBuild counts the timeout in minutes"
        hint = f"Write `{params.timeout // _MINUTE + 1}m`."
        yield Problem("M3705", ("timeout",), message, hint)
    yield from key_region_problems(params.logs.kms_key, ("logs", "kms_key"), env)
    for index, key in enumerate(params.kms_keys):
        yield from key_region_problems(key, ("kms_keys", index), env)
    yield from statement_problems(params.statements, ("statements",))
    if params.vpc:
        yield from _vpc_problems(params.vpc, env)


def _vpc_problems(vpc: Vpc, env: Environment) -> Iterator[Problem]:
    """A build in a VPC never has a public IP address (AWS CodeBuild user guide, "Use AWS CodeBuild
    with Amazon Virtual Private Cloud", Best practices for VPCs)."""
    path: Path = ("vpc", "network")
    yield from find_stack_problems(env, network.Params, vpc.network, path, "network")
    if (stack := find_stack(env, network.Params, vpc.network)) is None:
        return
    name, params = stack
    used = network.handle(name, params, env)
    if not used.private_subnets:
        message = f"The network `{name}` has no private subnets, which builds need"
        yield Problem("M3706", path, message, f"Add them to `stacks.{name}`, or remove `vpc`.")
    elif len(used.private_subnets) > MAX_SUBNETS:
        message = f"CodeBuild accepts {MAX_SUBNETS} subnets, not {len(used.private_subnets)}"
        yield Problem("M3706", path, message, f"List fewer subnets in `stacks.{name}`.")
    elif used.egress in ("public", "endpoints"):
        message = f"From the private subnets of `{name}`, builds do not reach the internet: they "
        message += f"have no public IP address, and the network has `egress: {used.egress}`"
        hint = f"Write `egress: nat` in `stacks.{name}`, or remove `vpc`."
        because = [("vpc",)]
        yield Problem("M3706", path, message, hint, because=because)
