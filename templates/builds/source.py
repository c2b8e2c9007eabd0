"""The repository with the source code of a build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from awacs import codecommit, codeconnections, codestar_connections
from awacs.aws import Statement
from pydantic import Field
from troposphere import Sub, codebuild

from moorage.facts.arn_patterns import CONNECTION
from moorage.findings.finding import Path, Problem
from moorage.model import Base

from ..common.fields import text
from ..common.iam import allow

ConnectionArn = Annotated[
    str,
    text(
        CONNECTION,
        "the ARN of a connection",
        "arn:aws:codeconnections:eu-central-1:123456789012:connection/"
        "1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]
_NAME = "[A-Za-z0-9_.-]+"
OwnedRepository = Annotated[
    str, text(f"{_NAME}/{_NAME}", "a repository with its owner", "acme/shop")
]
GroupedRepository = Annotated[
    str, text(f"{_NAME}(/{_NAME})+", "a repository with its group", "acme/backend/shop")
]
# AWS CodeCommit API reference, RepositoryName.
CodeCommitName = Annotated[str, text(r"[\w.-]{1,100}", "the name of a repository", "shop")]
BranchName = Annotated[str, text(r"[A-Za-z0-9._/+@-]{1,255}", "the name of a branch", "main")]

_PROVIDERS = ("github", "gitlab", "bitbucket", "codecommit")
_CLONE_URLS = {
    "github": "https://github.com/{}.git",
    "gitlab": "https://gitlab.com/{}.git",
    "bitbucket": "https://bitbucket.org/{}.git",
}


class Source(Base):
    """The repository with the source code: exactly one of `github`, `gitlab`, `bitbucket` and
    `codecommit`."""

    github: OwnedRepository | None = Field(None, description="A repository on github.com.")
    gitlab: GroupedRepository | None = Field(None, description="A project on gitlab.com.")
    bitbucket: OwnedRepository | None = Field(None, description="A repository on bitbucket.org.")
    codecommit: CodeCommitName | None = Field(
        None, description="A repository in CodeCommit, in the same account and region."
    )
    connection: ConnectionArn | None = Field(
        None,
        description="ARN of the connection of CodeConnections to GitHub, GitLab or Bitbucket. "
        "Somebody must have completed it once in the console.",
    )
    branch: BranchName = Field("main", description="The branch that is built.")

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that the params name; exactly one, unless `source_problems` reports it."""
        return tuple(name for name in _PROVIDERS if getattr(self, name))

    @property
    def repository(self) -> str:
        """The repository as its provider names it."""
        name: str = getattr(self, self.providers[0])
        return name

    @property
    def type(self) -> str:
        """The type of the source in CodeBuild."""
        return self.providers[0].upper()


def source_problems(source: Source, path: Path) -> Iterator[Problem]:
    """Problems of a source: not exactly one repository, or a connection that does not fit."""
    if len(source.providers) != 1:
        named = " and ".join(f"`{name}`" for name in source.providers)
        message = f"The source has {named}" if named else "The source names no repository"
        hint = "Write exactly one of `github`, `gitlab`, `bitbucket` and `codecommit`."
        yield Problem("M3700", path, message, hint)
        return
    if source.codecommit and source.connection:
        message = "A repository in CodeCommit needs no connection"
        yield Problem("M3701", (*path, "connection"), message, "Remove `connection`.")
    if not source.codecommit and not source.connection:
        provider = source.providers[0]
        message = f"`{provider}` needs a connection of CodeConnections"
        hint = "Write its ARN as `connection:`; `aws codeconnections list-connections` shows it."
        yield Problem("M3701", path, message, hint)


def _connection_actions(connection: str) -> Any:
    """The module of the actions: their prefix is that of the ARN (AWS CodePipeline user guide, "Add
    permissions to the CodePipeline service role", on connections)."""
    service = connection.split(":")[2]
    return codeconnections if service == "codeconnections" else codestar_connections


def codecommit_arn(source: Source) -> Sub:
    """The ARN of the repository in CodeCommit."""
    place = "${AWS::Region}:${AWS::AccountId}"
    return Sub(f"arn:${{AWS::Partition}}:codecommit:{place}:{source.codecommit}")


def clone_statements(source: Source) -> Iterator[Statement]:
    """What a build needs to clone the repository: AWS CodeBuild user guide, "Access tokens" (GitHub
    App connections), and "Use CodeBuild with CodeCommit"."""
    if source.connection:
        actions = _connection_actions(source.connection)
        yield allow(
            "UseConnection",
            [actions.Action("GetConnection"), actions.Action("GetConnectionToken")],
            [source.connection],
        )
    else:
        yield allow("PullSource", [codecommit.GitPull], [codecommit_arn(source)])


def download_statements(source: Source) -> Iterator[Statement]:
    """What a pipeline needs to download the repository: AWS CodePipeline user guide, "Add
    permissions to the CodePipeline service role"."""
    if source.connection:
        actions = _connection_actions(source.connection)
        yield allow("UseConnection", [actions.Action("UseConnection")], [source.connection])
    else:
        yield allow(
            "DownloadSource",
            [
                codecommit.CancelUploadArchive,
                codecommit.GetBranch,
                codecommit.GetCommit,
                codecommit.GetUploadArchiveStatus,
                codecommit.UploadArchive,
            ],
            [codecommit_arn(source)],
        )


def project_source(source: Source | None, buildspec: str | None) -> codebuild.Source:
    """The source of a project; without one, the buildspec is all that it has."""
    optional = {"BuildSpec": buildspec} if buildspec else {}
    if source is None:
        return codebuild.Source(Type="NO_SOURCE", **optional)
    if source.codecommit:
        host = "https://git-codecommit.${AWS::Region}.${AWS::URLSuffix}"
        location: Any = Sub(f"{host}/v1/repos/{source.codecommit}")
        return codebuild.Source(Type=source.type, Location=location, GitCloneDepth=1, **optional)
    return codebuild.Source(
        Type=source.type,
        Location=_CLONE_URLS[source.providers[0]].format(source.repository),
        GitCloneDepth=1,
        Auth=_connection_auth(source),
        ReportBuildStatus=True,
        **optional,
    ).no_validation()


def _connection_auth(source: Source) -> codebuild.SourceAuth:
    """troposphere does not know this type yet, and no type for other providers than GitHub."""
    auth = codebuild.SourceAuth(Type="CODECONNECTIONS", Resource=source.connection)
    return auth.no_validation()
