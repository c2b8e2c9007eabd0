"""What is deployed: an environment's stacks, made from the plan of a build."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from typing import Any

from moorage.model import Targets
from moorage.pipeline.document import Document
from moorage.pipeline.pushes import Push, find_pushes, find_repositories
from moorage.plan import ImageBuild, Plan, Run, TrafficPair
from moorage.records import record
from moorage.references import references_of


@record
class DeployStack:
    """A stack as it is deployed."""

    name: str
    """Its name in the params."""
    stack_name: str
    """Its name in CloudFormation."""
    text: str
    """The template."""
    body: Mapping[str, Any]
    file: str
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    depends_on: tuple[str, ...]
    """The names of the stacks that are deployed before it."""
    imports: frozenset[str]
    """The names of the exports that it imports."""
    run: Run | None = None
    pairs: tuple[TrafficPair, ...] = ()
    """Target groups between which the stack's service shifts traffic."""
    code_deploy: int | None = None
    """Seconds that CodeDeploy has to deploy the service; None without CodeDeploy."""
    images: tuple[Push, ...] = ()
    """Images from repositories of this environment, which must be pushed before it is deployed."""
    builds: tuple[ImageBuild, ...] = ()
    """The images that are built for it."""
    repositories: frozenset[str] = frozenset()
    """The names of the ECR repositories that it creates."""
    service_role: str | None = None
    """ARN of the role with which CloudFormation deploys it; None for the caller's credentials."""
    for_administrators: bool = False
    """Whether it has the roles for deployments, which these roles may not change."""
    express: bool = False
    """Whether CloudFormation does not wait until its resources work."""
    document: Document | None = None
    """The params of the environment; None where they are not known."""


@record
class Target:
    """The stacks of an environment in the order of their deployment, and where they belong."""

    app: str
    env: str
    region: str
    account: str | None
    stacks: tuple[DeployStack, ...]
    role: str | None = None
    """ARN of the role to assume."""
    targets: Targets | None = None
    """Accounts and regions that StackSets deploys to; None without StackSets."""
    roles_stack: str | None = None
    """The name in CloudFormation of the stack with the service role."""
    assumes_deploy_role: bool = False
    """Whether `role` is the role that deploys, which is in that stack."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """Values of the kind that an export or a parameter from outside must have, by its name."""
    shares: str | None = None
    """The environment whose stacks it shares."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stack.name for stack in self.stacks)

    def role_for(self, names: Collection[str]) -> str | None:
        """ARN of the role to assume for a command about these stacks. An administrator deploys the
        stack with the role that deploys, with other credentials."""
        selected = self.select(names).stacks
        is_own = bool(names) and all(stack.for_administrators for stack in selected)
        return None if is_own and self.assumes_deploy_role else self.role

    def select(self, names: Collection[str]) -> Target:
        """The target with these stacks only; with all if there are no names."""
        if not names:
            return self
        return replace(self, stacks=tuple(stack for stack in self.stacks if stack.name in names))


def make_target(plan: Plan, document: Document | None = None) -> Target:
    """The target of a built environment."""
    env = plan.environment
    images = find_pushes(plan.stacks)
    stacks = tuple(
        DeployStack(
            name=stack.name,
            stack_name=stack.stack_name,
            text=stack.rendering.text,
            body=stack.rendering.body,
            file=stack.rendering.file,
            capabilities=stack.capabilities,
            tags=stack.tags,
            depends_on=stack.depends_on,
            imports=frozenset(used.name for used in stack.imports),
            run=stack.deployment.run,
            pairs=stack.deployment.pairs,
            code_deploy=stack.deployment.code_deploy,
            images=tuple(images[stack.name]),
            builds=stack.deployment.builds,
            repositories=frozenset(name for _, name in find_repositories(stack)),
            for_administrators=stack.deployment.service_role is not None,
            document=document,
        )
        for stack in plan.stacks
    )
    owner = plan.service_role_stack
    examples = {
        name: reference.example
        for references in references_of(env).values()
        for _, reference in references
        if (name := reference.export or reference.parameter)
    }
    return Target(
        app=env.app,
        env=env.name,
        region=env.region,
        account=env.account,
        stacks=stacks,
        role=env.role,
        targets=env.targets,
        roles_stack=owner.stack_name if owner is not None else None,
        assumes_deploy_role=plan.assumes_deploy_role,
        examples=examples,
        shares=next(iter(env.shared.values()), None),
    )
