"""Params of a pipeline."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from moorage.facts.codepipeline import (
    APPROVAL_MINUTES,
    DEFAULT_APPROVAL_MINUTES,
    MAX_BUILD_MINUTES,
    ExecutionMode,
)
from moorage.findings.wording import shown
from moorage.model import NAME, Base, wrong

from ..builds.filters import Patterns, PushTrigger
from ..builds.params import BuildParams
from ..builds.source import Source
from ..common.fields import (
    KeyArn,
    OneOrMany,
    RoleArn,
    StackName,
    Switch,
    UniqueList,
    duration,
    reject_duplicates,
    text,
)
from ..common.references import External
from ..ecr.repositories import RepositoryName

_MINUTE = 60
_DAY = 86_400


def _check_environment(name: str) -> str:
    if not NAME.fullmatch(name):
        hint = "Write the name of a params file without `.yaml`, such as `dev`."
        raise wrong("M1503", f"{shown(name)} is not the name of an environment", hint)
    return name


EnvironmentName = Annotated[str, AfterValidator(_check_environment)]
Folder = Annotated[
    str, text(r"(?!/)(?!.*\.\.)[A-Za-z0-9._/@+-]{1,200}", "a folder of the repository", "infra")
]
Tag = Annotated[str, text(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "a tag", "release")]
ImageTarget = Annotated[
    str, text(r"[a-z0-9-]+(/[A-Za-z0-9_-]+)?", "a stack, or a stack and its container", "web")
]
Command = Annotated[str, Field(min_length=1, max_length=4000)]
Commands = OneOrMany[Command]


class Build(Base):
    """Images that the pipeline builds and pushes with `moorage image push`, as `build:` of their
    containers says."""

    environment: EnvironmentName = Field(
        description="The environment whose params say how images are built."
    )
    stacks: UniqueList[StackName] = Field(
        min_length=1, description="Its stacks whose images are built."
    )
    repositories: UniqueList[RepositoryName] = Field(
        min_length=1,
        description="The ECR repositories that they are pushed to, in the account and region of "
        "the pipeline.",
    )
    project: Folder | None = Field(
        None,
        description="The folder of the repository that the paths in `build:` are relative to. "
        "Default: the one that contains the folder of the params.",
    )
    role: RoleArn | None = Field(
        None,
        description="ARN of the role that may push, if the params of the environment have `role`, "
        "which `moorage image push` assumes. Default: the role of the build.",
    )


class PushedImage(Base):
    """An image that another build pushes to ECR, which starts the pipeline."""

    repository: RepositoryName = Field(
        description="Its ECR repository, in the account and region of the pipeline."
    )
    tag: Tag = Field("latest", description="The tag whose images are deployed, by their digest.")


class Approval(Base):
    """A person who sees the preview and approves it before the environment is deployed."""

    timeout: Annotated[
        int, duration(APPROVAL_MINUTES[0] * _MINUTE, APPROVAL_MINUTES[1] * _MINUTE)
    ] = Field(
        DEFAULT_APPROVAL_MINUTES * _MINUTE,
        description="Time after which it counts as rejected, in whole minutes.",
    )


class DeployedEnvironment(Base):
    """An environment that the pipeline deploys."""

    name: EnvironmentName = Field(description="Name of the environment: that of its params file.")
    role: RoleArn = Field(
        description="ARN of the role that deploys it, perhaps in another account. It must trust "
        "the role of the step that deploys, which is an output of the stack."
    )
    preview_role: RoleArn | None = Field(
        None,
        description="ARN of the role for the preview, which runs before the approval: one that may "
        "create change sets, and not execute them. Default: `role`.",
    )
    approval: Switch[Approval] = Field(
        None, description="Wait for the approval of a person, who sees what would change."
    )
    stacks: UniqueList[StackName] = Field(
        [], description="The stacks that are deployed. Default: all stacks of the environment."
    )
    rollback: bool = Field(
        True,
        description="If its deployment fails, deploy again what was deployed successfully before.",
    )


def _reject_same_names(environments: list[DeployedEnvironment]) -> list[DeployedEnvironment]:
    reject_duplicates([environment.name for environment in environments])
    return environments


class PullRequests(Base):
    """Checks of pull requests, whose result the provider shows. They have no permissions in AWS,
    and none of the secrets."""

    branches: Patterns = Field(
        [], description="Patterns of their target branches. Default: the branch of the source."
    )
    paths: Patterns = Field([], description="Patterns of the files that have changed.")


Event = Literal["failed", "succeeded", "approval"]


class Notify(Base):
    """Messages about the pipeline to a topic."""

    to: StackName | None = Field(
        None, description="Stack of the notifications; by default the only one."
    )
    on: UniqueList[Event] = Field(
        ["failed", "succeeded", "approval"],
        description="When: an execution has failed or succeeded, or waits for an approval.",
    )


class Params(BuildParams):
    """A pipeline from a push to running services."""

    source: Source = Field(description="The repository with the params, and what images need.")
    triggers: list[PushTrigger] = Field(
        [],
        examples=[[{"branches": ["main"], "paths": ["app/**", "params/**"]}]],
        description="The pushes that start the pipeline. Default: every push to the branch of the "
        "source.",
    )
    execution_mode: ExecutionMode = Field(
        "SUPERSEDED",
        description="What happens if an execution starts while another one is under way. "
        "`SUPERSEDED`: a newer one overtakes those that wait for a stage. `QUEUED`: one after the "
        "other. `PARALLEL` is refused, because two executions would deploy at once.",
    )
    directory: Folder = Field(
        ".", description="The folder of the repository in which all commands run."
    )
    params: Folder = Field("params", description="The folder of the params, from `directory`.")
    install: Commands = Field(
        ["python3 -m pip install --quiet ."],
        description="Commands that install Moorage. The default installs what `setup.cfg` of a "
        "project of `moorage init` lists, with its version.",
    )
    test: Commands = Field(
        [], examples=[["make test"]], description="Commands that test; they run before all others."
    )
    check: Commands = Field(
        ["python3 -m moorage check"],
        description="Commands that check the params, after the tests and for pull requests. "
        "`check` also fails if `out/` in the repository is not what they build; write "
        "`python3 -m moorage build` if the repository has no `out/`.",
    )
    docker: bool = Field(
        False, description="Whether tests run docker, for which they need the privileged mode."
    )
    build: Build | None = Field(None, description="Images that the pipeline builds and pushes.")
    pushed_images: dict[ImageTarget, PushedImage] = Field(
        {},
        examples=[{"web": {"repository": "shop/web", "tag": "release"}}],
        description="Images that other builds push, by the stack (or stack/container) that runs "
        "them. A push of the tag starts the pipeline, which deploys its digest.",
    )
    environments: Annotated[list[DeployedEnvironment], AfterValidator(_reject_same_names)] = Field(
        min_length=1,
        max_length=10,
        description="The environments that are deployed, one after the other in this order.",
    )
    pull_requests: Switch[PullRequests] = Field(
        None, description="Test and check pull requests. They deploy nothing."
    )
    notify: Switch[Notify] = Field(
        None, description="Messages to a stack of template `notifications`."
    )
    artifact_key: External[KeyArn] | None = Field(
        None,
        description="ARN of the KMS key that encrypts the artifacts. Default: a key that the stack "
        "creates.",
    )
    expire_artifacts_after: Annotated[int, duration(_DAY, 3650 * _DAY)] = Field(
        30 * _DAY,
        description="Age in whole days at which artifacts are deleted. An execution cannot be "
        "repeated, and not be rolled back to, without them.",
    )
    timeout: Annotated[int, duration(5 * _MINUTE, MAX_BUILD_MINUTES * _MINUTE)] = Field(
        3600, description="Time after which each of its builds is stopped, in whole minutes."
    )

    @property
    def deployed(self) -> dict[str, DeployedEnvironment]:
        """The environments by their names, in the order of their deployment."""
        return {environment.name: environment for environment in self.environments}
