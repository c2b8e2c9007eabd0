"""What is built from an environment: its stacks, from what a stack kind composes to the plan.

All values are frozen: a step of a build returns a new one and never changes what it received.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from moorage.cfn.deployment_permissions import DeploymentNeeds as DeploymentNeeds
from moorage.cfn.deployment_permissions import Permission as Permission
from moorage.cfn.raw_references import imports
from moorage.model import Environment, RulePriority
from moorage.records import frozen_record


@frozen_record
class Run:
    """A task that `deploy.sh` runs after it has deployed the stack, and that must succeed.

    The output `RunTask` of the stack is the name of an SSM parameter, whose value is the input of
    `aws ecs run-task --cli-input-json`.
    """

    container: str
    """The container whose exit code must be 0."""
    timeout: int
    """Seconds after which the task is stopped and has failed."""


@frozen_record
class TrafficPair:
    """Two target groups between which deployments of a stack's service shift traffic."""

    parameter: str
    """The parameter of the stack that says which of them is in production."""
    forwarder: str
    """Logical ID of the listener rule, or of the listener of a Network Load Balancer."""
    primary: str
    """Logical ID of the group that is in production if the parameter is `primary`."""
    alternate: str


@frozen_record
class ImageBuild:
    """How the image of a container is built, and the ECR repository that it is pushed to. Paths are
    relative to the folder of the project."""

    container: str
    repository: str
    account: str | None
    """Account of the repository; None if it is the stack's."""
    region: str | None
    """Region of the repository; None if it is the stack's."""
    context: str
    dockerfile: str
    target: str | None
    args: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    """By id: `env:NAME` or `file:PATH`."""
    platforms: tuple[str, ...]
    """Such as `linux/arm64`."""
    cache_from: tuple[str, ...]
    """Images, where `ecr:` is the registry of the stack, and caches such as `type=gha`."""
    cache_to: tuple[str, ...]

    @property
    def pushed_to(self) -> tuple[str | None, ...]:
        """The repository: its account, region and name."""
        return self.account, self.region, self.repository

    @property
    def source(self) -> tuple[Any, ...]:
        """What the content of the image depends on, apart from the platform."""
        return self.context, self.dockerfile, self.target, self.args, self.secrets


@frozen_record
class ServiceRole:
    """The role with which CloudFormation deploys the other stacks of the environment."""

    logical_id: str
    deploy_role: str
    """The name of the role that may start CloudFormation, but not change the stack with the
    roles."""


@frozen_record
class Deployment:
    """What a stack's deployment needs in addition to its template. `deploy.sh` does what is to be
    done before and after it."""

    after: tuple[str, ...] = ()
    """Stacks that are deployed first, in addition to those that the stack imports from."""
    run: Run | None = None
    pairs: tuple[TrafficPair, ...] = ()
    """Pairs of target groups whose weights must survive the deployment of the stack."""
    code_deploy: int | None = None
    """Seconds that CodeDeploy has to deploy the service of the stack; None without CodeDeploy.

    The output `CodeDeployRequest` of the stack is the name of an SSM parameter, whose value is the
    input of `aws deploy create-deployment --cli-input-json`.
    """
    builds: tuple[ImageBuild, ...] = ()
    """The images that `moorage image push` builds for the stack."""
    service_role: ServiceRole | None = None
    """The role in the stack with which the other stacks are deployed. They come after it."""
    priorities: Mapping[str, RulePriority] = field(default_factory=dict)
    """Those of the stack's listener rules by logical ID, which the next build keeps."""


@frozen_record
class Stack:
    """A stack as its template module composed it, with the user's merge patch (`overrides:`)."""

    name: str
    body: Mapping[str, Any]
    """The template as plain data, which takes a fraction of troposphere's memory."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    deployment: Deployment = Deployment()


@frozen_record
class Rendering:
    """A stack's template as CloudFormation receives it."""

    stack: str
    body: Mapping[str, Any]
    text: str
    file: str
    """The name of the file below out/<env>/."""
    deployment: Deployment = Deployment()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    composed: Mapping[str, Any] = field(default_factory=dict)
    """The template without its overrides; empty if there are none."""

    @cached_property
    def imports(self) -> frozenset[str]:
        """The literal names of all `Fn::ImportValue`."""
        return frozenset(name for name in imports(self.body) if isinstance(name, str))


@frozen_record
class Import:
    """A value that a stack imports: the name of the export, and the stack that exports it."""

    name: str
    stack: str


@frozen_record
class PlannedStack:
    """A rendered stack, with what its deployment needs."""

    name: str
    stack_name: str
    rendering: Rendering
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    imports: tuple[Import, ...]
    exports: Mapping[str, str]
    deployment: Deployment = Deployment()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The stacks that must be deployed before this one."""
        return tuple(sorted({*self.deployment.after, *(used.stack for used in self.imports)}))


@frozen_record
class Plan:
    """All stacks of an environment in the order of their deployment."""

    environment: Environment
    stacks: tuple[PlannedStack, ...]

    @property
    def service_role_stack(self) -> PlannedStack | None:
        """The stack with the role with which the others are deployed."""
        return next((stack for stack in self.stacks if stack.deployment.service_role), None)

    @property
    def assumes_deploy_role(self) -> bool:
        """Whether `role:` is the role that deploys, which the environment itself contains."""
        owner, role = self.service_role_stack, self.environment.role
        service_role = owner.deployment.service_role if owner is not None else None
        return (
            service_role is not None
            and role is not None
            and role.rpartition("/")[2] == service_role.deploy_role
        )
