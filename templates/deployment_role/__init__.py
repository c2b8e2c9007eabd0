"""Two roles that deploy the other stacks of the environment, and nothing else.

    deployment:
      template: deployment_role
      trusted: {roles: ["arn:aws:iam::123456789012:role/pipeline"]}

CloudFormation deploys with the service role. Its permissions are derived from the resources in
the templates of the other stacks: the actions of their types, on these resources where their names
are known. The role that people and pipelines assume can do little more than start CloudFormation.
It can preview a change of this stack, but only an administrator can deploy it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from awacs import aws as awacs
from awacs.aws import Allow, ArnLike, Condition, Principal
from awacs.sts import AssumeRole
from troposphere import GetAtt, Ref, Sub, Template, iam

from moorage.facts.quotas import MANAGED_POLICIES_PER_ROLE, MAX_ROLE_NAME, MAX_TEMPLATE_BYTES
from moorage.facts.resource_arns import ROOT
from moorage.findings.finding import Problem
from moorage.findings.wording import join_and
from moorage.model import PREVIEW, Environment
from moorage.plan import Deployment, DeploymentNeeds, Permission, ServiceRole

from .. import one_off
from ..common.exports import export_output
from ..common.iam import policy
from .deployer import stack_statements, task_statements
from .params import Params as Params
from .params import Trusted as Trusted
from .statements import Statement, build_policies, split_statements, statement, written_size

_SERVICE_ROLE, _DEPLOY_ROLE = "ServiceRole", "DeployRole"
_FIXED_NAME = {"cfn-lint": {"config": {"ignore_checks": ["W9961"]}}}
"""The names of the roles are fixed, so that pipelines, `role:` and `deploy.sh` know them."""


def deploy_role_name(env: Environment) -> str:
    """The name of the role that people and pipelines assume."""
    return f"{env.app}-{env.name}-deploy"


def service_role_name(env: Environment) -> str:
    """The name of the role that CloudFormation assumes."""
    return f"{env.app}-{env.name}-cloudformation"


def deployment(name: str, params: Params, env: Environment) -> Deployment:
    return Deployment(service_role=ServiceRole(_SERVICE_ROLE, deploy_role_name(env)))


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems that the params and the other stacks' params show."""
    first = next(stack for stack, _ in env.of(Params))
    if name != first:
        message = f"The environment has its roles for deployments already, in the stack `{first}`"
        yield Problem("M3901", (), message, "Remove one of the two stacks.")
        return
    if env.targets is not None:
        message = "StackSets deploys this environment, with roles of its own"
        hint = "Remove the stack, or remove `targets`."
        yield Problem("M3902", (), message, hint)
    if env.shared and f"{env.name}-".startswith(f"{PREVIEW}-"):
        message = "Each preview would need an administrator, who deploys its roles first"
        hint = f"Write `{name}: null` below `stacks` in {PREVIEW}.yaml, and in `role` a role that "
        hint += "may deploy all previews."
        yield Problem("M3907", (), message, hint)
    longest = service_role_name(env)
    if len(longest) > MAX_ROLE_NAME:
        message = f"The name of the role has {len(longest)} characters: {longest}"
        hint = f"IAM accepts {MAX_ROLE_NAME}. Shorten `app` or the name of the environment."
        yield Problem("M3903", (), message, hint)


def last_problems(
    name: str, params: Params, env: Environment, needs: DeploymentNeeds
) -> Iterator[Problem]:
    """Problems that the templates of the other stacks show."""
    unknown: dict[str, list[str]] = {}
    for item in needs.unknown:
        if item.type not in params.actions:
            unknown.setdefault(item.type, []).append(f"`{item.logical_id}` in `{item.stack}`")
    for kind, places in sorted(unknown.items()):
        message = (
            f"Moorage does not know which actions CloudFormation needs for {kind}: "
            f"{join_and(places)}"
        )
        hint = f"Write them: `actions: {{{kind}: [service:Action]}}`."
        yield Problem("M3904", ("actions",), message, hint)
    service = _service_policies(params, env, needs)
    deploy = _deploy_policies(name, params, env, needs)
    size = sum(map(written_size, (*service.values(), *deploy.values())))
    most = max(len(service), len(deploy))
    if size > MAX_TEMPLATE_BYTES or most > MANAGED_POLICIES_PER_ROLE:
        message = (
            f"The permissions take {size:,} bytes and up to {most} policies for a role. "
            f"CloudFormation accepts templates with {MAX_TEMPLATE_BYTES:,} bytes, and IAM "
            f"{MANAGED_POLICIES_PER_ROLE} policies"
        )
        hint = "Write `new_stacks: true`, which needs fewer ARNs, or divide the environment."
        yield Problem("M3905", (), message, hint)


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> None:
    """The template depends on those of the other stacks: see `compose_last`."""


def compose_last(name: str, params: Params, env: Environment, needs: DeploymentNeeds) -> Template:
    """The two roles and their policies."""
    template = Template(f"{env.app} {env.name}: the roles that deploy the other stacks")
    template.set_version()
    description = f"What CloudFormation needs for the stacks of {env.app} {env.name}"
    policies = _managed_policies(_service_policies(params, env, needs), description)
    protection = _protect_roles(name, env)
    service_role = iam.Role(
        _SERVICE_ROLE,
        RoleName=service_role_name(env),
        Metadata=_FIXED_NAME,
        AssumeRolePolicyDocument=policy(
            [
                awacs.Statement(
                    Effect=Allow,
                    Principal=Principal("Service", "cloudformation.amazonaws.com"),
                    Action=[AssumeRole],
                )
            ]
        ),
        ManagedPolicyArns=[Ref(item) for item in policies],
        Policies=[iam.Policy(PolicyName="ProtectRoles", PolicyDocument=policy([protection]))],
        **_boundary(params, env),
    )
    template.add_resource([service_role, *policies, *_deploy_role(name, params, env, needs)])
    for key, role in (("DeployRoleArn", _DEPLOY_ROLE), ("ServiceRoleArn", _SERVICE_ROLE)):
        what = "deploys the stacks" if role == _DEPLOY_ROLE else "CloudFormation deploys them with"
        description = f"ARN of the role that {what}"
        template.add_output(export_output(env, name, key, GetAtt(role, "Arn"), description))
    return template


def _protect_roles(name: str, env: Environment) -> Statement:
    """Nobody changes these roles with the service role."""
    names = [f"role/{deploy_role_name(env)}", f"role/{service_role_name(env)}"]
    names.append(f"policy/{env.stack_name(name)}-*")
    arns = [f"{ROOT}:iam::${{AWS::AccountId}}:{rest}" for rest in names]
    return statement(["iam:*"], arns, effect="Deny")


def _service_policies(
    params: Params, env: Environment, needs: DeploymentNeeds
) -> dict[str, list[Statement]]:
    """The statements of the service role's policies, by the name of the policy."""
    more = [Permission(action, "*") for actions in params.actions.values() for action in actions]
    permissions = {*_reachable(params, env, needs).permissions, *more}
    return build_policies(sorted(permissions), needs.boundaries, env.region)


def _reachable(params: Params, env: Environment, needs: DeploymentNeeds) -> DeploymentNeeds:
    """The needs of the stacks; with `new_stacks`, those of any stack of the environment."""
    if not params.new_stacks:
        return needs
    beginning = f"{env.app}-{env.name}-"
    name = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(beginning)}[a-z0-9-]*\*?")
    permissions = {
        replace(item, resource=name.sub(f"{beginning}*", item.resource))
        for item in needs.permissions
    }
    return replace(needs, permissions=tuple(sorted(permissions)))


def _deploy_policies(
    name: str, params: Params, env: Environment, needs: DeploymentNeeds
) -> dict[str, list[Statement]]:
    """The statements of the policies of the role that people and pipelines assume."""
    own = [stack for stack in env.stacks if stack not in env.shared]
    others = [env.stack_name(stack) for stack in own if stack != name]
    stacks = [f"{env.app}-{env.name}-*"] if params.new_stacks else others
    service_role = f"{ROOT}:iam::${{AWS::AccountId}}:role/{service_role_name(env)}"
    tasks = [env.stack_name(stack) for stack, _ in env.of(one_off.Params) if stack in own]
    statements = [
        *stack_statements(stacks, env.stack_name(name), service_role),
        *task_statements(_reachable(params, env, needs), tasks),
    ]
    return dict(split_statements("Deploy", statements, env.region))


def _deploy_role(
    name: str, params: Params, env: Environment, needs: DeploymentNeeds
) -> Iterator[iam.Role | iam.ManagedPolicy]:
    """The role that people and pipelines assume, and its policies."""
    policies = _managed_policies(
        _deploy_policies(name, params, env, needs),
        f"What deploys the stacks of {env.app} {env.name}",
    )
    yield iam.Role(
        _DEPLOY_ROLE,
        RoleName=deploy_role_name(env),
        Metadata=_FIXED_NAME,
        AssumeRolePolicyDocument=policy(_trust(params.trusted)),
        ManagedPolicyArns=[Ref(item) for item in policies],
        **_boundary(params, env),
    )
    yield from policies


def _managed_policies(
    statements: Mapping[str, list[Statement]], description: str
) -> list[iam.ManagedPolicy]:
    return [
        iam.ManagedPolicy(f"{key}Policy", Description=description, PolicyDocument=policy(part))
        for key, part in statements.items()
    ]


def _boundary(params: Params, env: Environment) -> dict[str, str]:
    boundary = params.permissions_boundary or env.permissions_boundary
    return {"PermissionsBoundary": boundary} if boundary else {}


def _trust(trusted: Trusted) -> Iterator[awacs.Statement]:
    """The accounts, whose own policies decide. The roles are in a condition, since IAM refuses a
    principal that does not exist yet, and forgets a role that is created again."""
    if trusted.accounts or not trusted.roles:
        accounts = [_root(account) for account in trusted.accounts] or [_root("${AWS::AccountId}")]
        yield _assume(accounts)
    if trusted.roles:
        accounts = [
            _root(account) for account in sorted({arn.split(":")[4] for arn in trusted.roles})
        ]
        yield _assume(
            accounts, Condition=Condition(ArnLike({"aws:PrincipalArn": list(trusted.roles)}))
        )


def _root(account: str) -> Sub:
    return Sub(f"{ROOT}:iam::{account}:root")


def _assume(accounts: list[Sub], **more: Any) -> awacs.Statement:
    return awacs.Statement(
        Effect=Allow, Principal=Principal("AWS", accounts), Action=[AssumeRole], **more
    )
