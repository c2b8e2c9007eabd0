"""What tasks use: `uses:`, the stacks whose buckets, tables, topics, queues and other resources the
containers get the addresses of and the permissions for.

The stack that is used says what its users get (`templates/common/usable.py`). Variables,
permissions and security group rules are in the stack of the tasks, so that a new user changes no
other stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from awacs import kms, secretsmanager, ssm
from awacs.aws import Statement
from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from troposphere import AWSHelperFn, ec2

from moorage.model import Base, Environment, logical_id
from moorage.records import record

from ..common.fields import OneOrMany, StackName, UniqueList, reject_duplicates
from ..common.iam import allow
from ..common.usable import Connection, Usable, Usage, UsedSecret
from .containers import ContainerName
from .egress import EgressParams, group_rule
from .variables import VariableName

_Access = Annotated[str, Field(min_length=1)]


class Use(Base):
    """How the tasks use a stack."""

    access: Annotated[
        OneOrMany[_Access], Field(min_length=1), AfterValidator(reject_duplicates)
    ] = Field(
        examples=["read", ["read", "write"]],
        description="What the tasks may do: `read` and `write` for a bucket or a table, `send` "
        "for a topic, `send` and `consume` for the queue of a worker, `connect` for a cache, "
        "`connect` or `reach` (without user and password) for a database.",
    )
    variables: dict[str, VariableName] = Field(
        {},
        examples=[{"bucket": "S3_BUCKET"}],
        description="Other names for the environment variables, by what they are: `bucket` is by "
        "default `UPLOADS_BUCKET` for a stack `uploads`.",
    )
    containers: UniqueList[ContainerName] | None = Field(
        None,
        min_length=1,
        description="The containers that get the variables; by default all below `containers:`.",
    )


def _parse_use(value: Any) -> Any:
    return {"access": value} if isinstance(value, str | list) else value


class _AccessSchema:
    """JSON Schema of a use, which may be written as its access alone."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        text = {"type": "string"}
        return {"anyOf": [text, {"type": "array", "items": text}, handler(core)]}


UseField = Annotated[Use, BeforeValidator(_parse_use), _AccessSchema()]
"""An access or a list of accesses, or a map with them and other settings."""


class UsesParams(EgressParams):
    """What a stack's tasks use."""

    uses: dict[StackName, UseField] = Field(
        {},
        examples=[{"uploads": "read"}],
        description="Stacks that the tasks use, with the access: `read` or `write` a `bucket` or "
        "`table`, `send` to a `topic` or to the queue of a `worker`, or `consume` from it, "
        "`connect` to a `database` or `cache`. The "
        "containers get environment variables with the address, and the task role exactly the "
        "permissions. Existing roles must have them already.",
    )


@record
class ResolvedUse:
    """A stack that the tasks use, and what they get by that."""

    stack: str
    params: Use
    usage: Usage

    def variable(self, suffix: str) -> str:
        """The environment variable for the value of that name in the usage."""
        default = f"{self.stack}_{suffix}".upper().replace("-", "_")
        return self.params.variables.get(suffix.lower(), default)

    @property
    def environment(self) -> dict[str, Any]:
        """The environment variables with their values."""
        return {self.variable(suffix): value for suffix, value in self.usage.variables.items()}

    @property
    def secrets(self) -> dict[str, UsedSecret]:
        """The environment variables whose values are secrets."""
        return {self.variable(suffix): secret for suffix, secret in self.usage.secrets.items()}

    def is_for(self, container: str) -> bool:
        """Whether a container below `containers:` gets the variables."""
        return self.params.containers is None or container in self.params.containers


def resolve_uses(stack: str, params: UsesParams, env: Environment) -> tuple[ResolvedUse, ...]:
    """What the tasks of a stack use, without what `uses_problems` reports as wrong."""
    found = []
    for name, use in sorted(params.uses.items()):
        used = env.params_of(name, Usable)
        access = frozenset(use.access) & frozenset(used.accesses if used else ())
        if used and access:
            found.append(ResolvedUse(name, use, used.usage(name, env, access, stack)))
    return tuple(found)


def environment_of(container: str, uses: Sequence[ResolvedUse]) -> dict[str, Any]:
    """The environment variables that a declared container gets."""
    used = [use.environment for use in uses if use.is_for(container)]
    return {name: value for variables in used for name, value in variables.items()}


def secrets_of(container: str, uses: Sequence[ResolvedUse]) -> dict[str, Any]:
    """The environment variables of a declared container with the ValueFrom of their secrets."""
    used = [use.secrets for use in uses if use.is_for(container)]
    return {name: secret.value_from for secrets in used for name, secret in secrets.items()}


# Permissions ---------------------------------------------------------------------------------


def use_policies(uses: Sequence[ResolvedUse]) -> dict[str, list[Statement]]:
    """Inline policies of the task role by their names: one for each stack, because Sids are unique
    in a policy only."""
    return {f"Uses-{use.stack}": list(use.usage.statements) for use in uses}


def secret_statements(uses: Sequence[ResolvedUse]) -> Iterator[Statement]:
    """The permissions of the execution role to read the secrets of the stacks that are used."""
    secrets = [secret for use in uses for secret in use.usage.secrets.values()]
    reads = {"ssm": ssm.GetParameters, "secretsmanager": secretsmanager.GetSecretValue}
    for sid, service in (("ReadUsedParameters", "ssm"), ("ReadUsedSecrets", "secretsmanager")):
        arns = _distinct(secret.arn for secret in secrets if secret.service == service)
        if arns:
            yield allow(sid, [reads[service]], arns)
    if keys := _distinct(secret.kms_key for secret in secrets if secret.kms_key is not None):
        yield allow("DecryptUsedSecrets", [kms.Decrypt], keys)


def _distinct(values: Iterator[Any]) -> list[Any]:
    """The values without duplicates; intrinsic functions are compared as they are rendered."""
    return list({repr(_rendered(value)): value for value in values}.values())


def _rendered(value: Any) -> Any:
    return value.to_dict() if isinstance(value, AWSHelperFn) else value


# Security group rules ------------------------------------------------------------------------


def connection_ingress(
    uses: Sequence[ResolvedUse], tasks: Any
) -> Iterator[ec2.SecurityGroupIngress]:
    """Rules that let the tasks in at what they connect to; `tasks` is their security group."""
    for use, connection, port in _connections(uses):
        yield ec2.SecurityGroupIngress(
            logical_id("to", use.stack, "tcp", str(port), "Ingress"),
            Description=f"To {use.stack}",
            GroupId=connection.security_group,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            SourceSecurityGroupId=tasks,
        )


def connection_egress(
    uses: Sequence[ResolvedUse], params: EgressParams
) -> Iterator[ec2.SecurityGroupEgress]:
    """Rules that let the tasks out to what they connect to; none without `egress:`, which allows
    everything."""
    if params.egress is None:
        return
    for use, connection, port in _connections(uses):
        title = logical_id("to", use.stack, "tcp", str(port), "Egress")
        yield group_rule(title, connection.security_group, "tcp", port, f"To {use.stack}")


def _connections(uses: Sequence[ResolvedUse]) -> Iterator[tuple[ResolvedUse, Connection, int]]:
    for use in uses:
        connection = use.usage.connection
        for port in connection.ports if connection else ():
            assert connection is not None
            yield use, connection, port
