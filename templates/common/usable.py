"""Stacks that tasks can use by `uses:`: the interface between their kinds and the tasks.

A stack kind that tasks can use has params of the class `Usable`. Its method `usage` says what the
tasks get: variables and secrets with the address, permissions, and a connection that the security
groups must allow. The stack of the tasks makes variables, statements and security group rules of
it, so a kind knows nothing about tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from awacs.aws import Statement

from moorage.model import Base, Environment
from moorage.records import frozen_record


@frozen_record
class Connection:
    """What the tasks connect to through the network of the VPC."""

    security_group: Any
    """ID of the security group of the resource, as the stack of the tasks refers to it. That stack
    adds a rule that lets the tasks in, and with `egress:` a rule that lets them out."""
    ports: tuple[int, ...]
    """TCP ports."""
    network: str | None = None
    """Name of the stack of the network that the resource is in; None if it is unknown."""


@frozen_record
class UsedSecret:
    """A secret of Secrets Manager, or a parameter of Parameter Store, as a value of a container."""

    arn: Any
    """Complete ARN, for the policy of the execution role."""
    value_from: Any
    """ValueFrom of the container's secret: the ARN, perhaps with `:<json-key>::`."""
    service: str = "secretsmanager"
    """`secretsmanager` or `ssm`."""
    kms_key: Any = None
    """ARN of the customer managed key that encrypts the secret; None without one."""


@frozen_record
class Usage:
    """What tasks get by using a stack.

    Names are in upper case with underscores, without the name of the stack: `BUCKET` becomes the
    variable `UPLOADS_BUCKET` for the stack `uploads`. Their order is that of the reference.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    """Values of environment variables."""
    secrets: Mapping[str, UsedSecret] = field(default_factory=dict)
    """Environment variables whose values ECS reads when it starts a container."""
    statements: tuple[Statement, ...] = ()
    """For a policy of the task role that has only these."""
    connection: Connection | None = None


class Usable(Base):
    """Params of a stack kind that `uses:` can name."""

    accesses: ClassVar[tuple[str, ...]] = ()
    """The accesses that the kind has, such as `read` and `write`."""
    endpoints: ClassVar[tuple[str, ...]] = ()
    """VPC endpoints, as in `endpoints:` of a network, through which tasks without a route to the
    internet reach the resource. Empty for a resource in the VPC."""

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """What the tasks of the stack `user` get by using the stack `stack`, which has these
        params. `access` has one or more of `accesses`.

        Values are imports of what the stack exports, or those of an existing resource. They are
        references of the stack itself only if `user` is `stack`.
        """
        raise NotImplementedError
