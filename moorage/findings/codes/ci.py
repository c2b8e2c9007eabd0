"""M3800 to M3899: roles for CI."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_GITHUB = 'GitHub docs, "OpenID Connect reference"'
_IAM = "IAM API reference, CreateOpenIDConnectProvider"

CODES: tuple[Code, ...] = (
    Code(
        "M3800",
        "A `ci_role` stack names no repository, or one of GitHub and one of GitLab.",
        "The roles of the stack trust the CI of one repository: that of GitHub or that of GitLab. "
        "Two CIs have two identity providers, and so two stacks.",
        "Write either `github:` or `gitlab:`.",
        """\
stacks:
  ci:
    template: ci_role
    github: {repository: octo-org/shop}
""",
    ),
    Code(
        "M3801",
        "The name of a repository has a wildcard.",
        "With a wildcard in the repository, other repositories, and those that a stranger creates, "
        "could assume the roles.",
        "Write the whole name. For several repositories, write a list.",
        """\
stacks:
  ci:
    template: ci_role
    github: {repository: [octo-org/shop, octo-org/shop-api]}  # not octo-org/*
""",
        (_GITHUB,),
    ),
    Code(
        "M3802",
        "This is not the name of a repository.",
        "The roles compare the name with the subject of the CI's tokens, so it must have the same "
        "form: owner and repository of GitHub, both with their IDs or both without, or the path of "
        "a project of GitLab. Tokens of repositories that were created, renamed or transferred "
        "after July 15, 2026 have the IDs.",
        "Write `OWNER/REPOSITORY` or `OWNER@ID/REPOSITORY@ID` for GitHub, and `GROUP/PROJECT` for "
        "GitLab. `gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id'` shows the IDs.",
        """\
stacks:
  ci:
    template: ci_role
    github: {repository: octo-org@123456/shop@456789}
""",
        (_GITHUB, 'GitLab docs, "OpenID Connect (OIDC) Authentication Using ID Tokens"'),
    ),
    Code(
        "M3803",
        "The name of a branch or a tag begins with `refs/`.",
        "Branches and tags have keys of their own, so the kind of the ref is known.",
        "Write the name only.",
        """\
github:
  repository: octo-org/shop
  branches: [main]  # not refs/heads/main
""",
    ),
    Code(
        "M3804",
        "Every branch or every tag could push and deploy.",
        "Whoever may push a branch to the repository could then deploy it without a review.",
        "Name the branches or tags, or write a pattern with a beginning, such as `release/*`.",
        """\
github:
  repository: octo-org/shop
  branches: [main, "release/*"]  # not "*"
""",
    ),
    Code(
        "M3805",
        "Neither branches nor tags may deploy.",
        "The roles that push images and deploy trust the branches and tags of the stack. With "
        "none, no job could assume them.",
        "Write a branch or a tag.",
        """\
github:
  repository: octo-org/shop
  branches: [main]
""",
    ),
    Code(
        "M3806",
        "Two stacks create the same identity provider.",
        "An account has one OIDC identity provider for each URL, so the second deployment fails.",
        "Write `provider: existing` in the stack that is deployed later.",
        """\
stacks:
  ci: {template: ci_role, github: {repository: octo-org/shop}}
  ci-api: {template: ci_role, provider: existing, github: {repository: octo-org/api}}
""",
        (_IAM,),
        rules=("E9983",),
    ),
    Code(
        "M3807",
        "The roles of the stack may do nothing.",
        "Without repositories there are no images to push, and without a role that deploys, "
        "statements or policies, the role of the deployment job would have no permissions.",
        "Add a stack with `template: deployment_role`, or write `deploy_roles` with the ARN of the "
        "role that deploys, or `statements`.",
        """\
stacks:
  ci:
    template: ci_role
    github: {repository: octo-org/shop}
    deploy_roles: [arn:aws:iam::123456789012:role/deploy]
""",
    ),
    Code(
        "M3808",
        "StackSets would create the roles of CI in every target.",
        "CI deploys an environment with `targets` from the account that has the stack sets, and "
        "needs its roles only there. In the targets the roles would be unused, and in the second "
        "region of an account the stack fails, because the identity provider exists already.",
        "Write the stack into a params file of its own, without `targets`.",
        """\
# params/tools.yaml
stacks:
  ci: {template: ci_role, github: {repository: octo-org/shop}}
""",
    ),
)
