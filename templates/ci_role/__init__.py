"""Roles that jobs of GitHub Actions or GitLab CI assume with the CI's own tokens, without keys.

ci:
  template: ci_role
  github: {repository: octo-org/shop}

There are up to four roles, so that no job has more permissions than it needs:

- `PushRole` pushes images to the environment's repositories, from jobs of the branches.
- `DeployRole` assumes the role that deploys, from jobs of the GitHub environment, or of the
  branches with GitLab.
- `PullRequestRole` creates and reads change sets, from pull requests.
- `PreviewRole` assumes the roles in `preview_roles`, from pull requests.

`moorage ci github` and `moorage ci gitlab` write the files of the CI that use them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from awacs.aws import Statement
from troposphere import GetAtt, Sub, Template, iam

from moorage.findings.finding import Problem
from moorage.model import Environment

from .. import ecr
from ..common.exports import export_output
from ..common.iam import policy
from ..common.policy_statements import policy_statement, statement_problems
from ..deployment_role import Params as DeploymentRoleParams
from ..deployment_role import deploy_role_name, service_role_name
from .params import Params
from .permissions import assume_statements, preview_statements, push_statements
from .trust import Trust, find_jobs, issuer, trust_statement

__all__ = ["Params", "compose", "problems"]


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of the trust, and roles without permissions."""
    yield from statement_problems(params.statements, ("statements",))
    source = params.github or params.gitlab
    if source is None or not params.is_of_one_ci:
        which = "neither `github` nor `gitlab`" if source is None else "both `github` and `gitlab`"
        yield Problem("M3800", (), f"The stack has {which}", "Write one of the two.")
        return
    if not source.branches and not source.tags:
        key = "github" if params.github else "gitlab"
        message = "Neither a branch nor a tag may deploy"
        hint, because = "Write for example `branches: [main]`.", [(key, "tags")]
        yield Problem("M3805", (key, "branches"), message, hint, because=because)
    if env.targets is not None:
        message = "StackSets would create these roles in every target, where no job needs them"
        hint = "Move the stack to a params file without `targets`."
        yield Problem("M3808", (), message, hint)
    if params.provider == "create":
        yield from _provider_problems(name, params, env)
    if not (_repositories(params, env) or _deploys(params, env)):
        message = "The stack has no repositories to push to and no role that deploys"
        hint = "Add a stack with `template: deployment_role`, or write `deploy_roles`."
        yield Problem("M3807", (), message, hint)


def _provider_problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    for other, other_params in env.of(Params):
        creates = other_params.provider == "create" and other_params.is_of_one_ci
        if other < name and creates and issuer(other_params) == issuer(params):
            message = f"`stacks.{other}` also creates the provider of {issuer(params)}"
            hint = "Write `provider: existing` here."
            yield Problem("M3806", ("provider",), message, hint)
            return


def _repositories(params: Params, env: Environment) -> list[str]:
    """The names of the repositories that jobs push to."""
    return sorted({*params.repositories, *ecr.repository_uris(env)})


def _deploy_roles(params: Params, env: Environment) -> list[Any]:
    """The ARNs of the roles that the deployment job assumes, without duplicates."""
    arns = [*dict.fromkeys([*([env.role] if env.role else []), *params.deploy_roles])]
    own = f":role/{deploy_role_name(env)}"
    if _has_deployment_roles(env) and not any(arn.endswith(own) for arn in arns):
        return [_role_arn(deploy_role_name(env)), *arns]
    return arns


def _has_deployment_roles(env: Environment) -> bool:
    return any(env.of(DeploymentRoleParams))


def _role_arn(name: str) -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}")


def _deploys(params: Params, env: Environment) -> bool:
    """Whether the role of the deployment job may do something."""
    return bool(_deploy_roles(params, env) or params.statements or params.managed_policies)


def compose(name: str, params: Params, env: Environment) -> Template:
    """The identity provider, the roles, and outputs with their ARNs."""
    template = Template(f"{env.app} {env.name}: the roles `{name}` of CI")
    template.set_version()
    if params.provider == "create":
        template.add_resource(
            iam.OIDCProvider("Provider", Url=issuer(params), ClientIdList=[params.audience])
        )
    for role, purpose in _roles(params, env):
        template.add_resource(role)
        arn = GetAtt(role, "Arn")
        template.add_output(export_output(env, name, f"{role.title}Arn", arn, purpose))
    return template


def _roles(params: Params, env: Environment) -> Iterator[tuple[iam.Role, str]]:
    """The roles, with what they are for."""
    jobs = find_jobs(params, env)
    repositories = _repositories(params, env)
    if repositories:
        policies: dict[str, Iterable[Any]] = {"Push": push_statements(repositories)}
        yield _role("PushRole", params, env, jobs.push, policies), "Role of jobs that push images"
    if _deploys(params, env):
        policies = {
            "Deploy": assume_statements(_deploy_roles(params, env)),
            "More": map(policy_statement, params.statements),
        }
        more: dict[str, Any] = {"MaxSessionDuration": params.session_duration}
        if params.managed_policies:
            more["ManagedPolicyArns"] = params.managed_policies
        deploying = _role("DeployRole", params, env, jobs.deploy, policies, **more)
        yield deploying, "Role of jobs that deploy"
    if params.pull_requests:
        service_role = _role_arn(service_role_name(env)) if _has_deployment_roles(env) else None
        policies = {"Preview": preview_statements(repositories, env, service_role)}
        checking = _role("PullRequestRole", params, env, jobs.pull_request, policies)
        yield checking, "Role of jobs of pull requests"
    if params.preview_roles:
        policies = {"Deploy": assume_statements(params.preview_roles)}
        previewing = _role("PreviewRole", params, env, jobs.pull_request, policies)
        yield previewing, "Role of jobs that deploy the environment of a pull request"


def _role(
    title: str,
    params: Params,
    env: Environment,
    trust: Trust,
    policies: Mapping[str, Iterable[Statement | Mapping[str, Any]]],
    **more: Any,
) -> iam.Role:
    listed = {name: list(statements) for name, statements in policies.items()}
    inline = [
        iam.Policy(PolicyName=name, PolicyDocument=policy(statements))
        for name, statements in listed.items()
        if statements
    ]
    boundary = params.permissions_boundary or env.permissions_boundary
    optional = {"Policies": inline, "PermissionsBoundary": boundary, **more}
    return iam.Role(
        title,
        AssumeRolePolicyDocument=policy([trust_statement(params, trust)]),
        **{key: value for key, value in optional.items() if value},
    )
