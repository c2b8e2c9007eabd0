"""OpenID Connect tokens of GitHub Actions and GitLab CI, as trust policies of IAM read them."""

from __future__ import annotations

from collections.abc import Iterable

AUDIENCE = "sts.amazonaws.com"
"""What aws-actions/configure-aws-credentials asks GitHub for. GitLab's jobs name any audience."""
MAX_AUDIENCE = 255
"""IAM API reference, CreateOpenIDConnectProvider, clientIDType (botocore 1.44.5, read on
2026-11-27)."""
PROVIDER_URL = r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)*"
"""The issuer's URL without port, query or slash at the end. The same page, `Url`. IAM fetches the
thumbprint itself and uses one only if the certificate is not signed by a CA that AWS trusts, so
templates have none (the same page, `ThumbprintList`)."""

MIN_SESSION, MAX_SESSION = 3600, 43200
"""Seconds. IAM API reference, CreateRole, roleMaxSessionDurationType (botocore 1.44.5)."""

# GitHub docs, "OpenID Connect reference" (github/docs, content/actions/reference/security/oidc.md,
# read on 2026-11-27).
GITHUB_URL = "https://token.actions.githubusercontent.com"
GITHUB_IMMUTABLE_SINCE = "July 15, 2026"
"""Repositories that are created, renamed or transferred after this day have the IDs of owner and
repository in the subject: `octo-org@123456/octo-repo@456789`. Others can be changed to it."""
_OWNER = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REPOSITORY = "[A-Za-z0-9._-]+"
GITHUB_REPOSITORY = f"{_OWNER}/{_REPOSITORY}|{_OWNER}@[0-9]+/{_REPOSITORY}@[0-9]+"
"""The two forms of a repository in a subject. Names have no `@` (the same page)."""
GITHUB_PULL_REQUEST = "pull_request"
"""The subject's end for jobs of pull requests without an environment."""

# GitLab docs, "OpenID Connect (OIDC) Authentication Using ID Tokens" (read on 2026-11-27).
GITLAB_URL = "https://gitlab.com"
_GROUP = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
GITLAB_PROJECT = f"{_GROUP}(?:/{_GROUP})+"
"""The path of a project, with its groups."""

REF_NAME = r"[A-Za-z0-9._/#+@-]+"
"""The names of branches and tags that need no escape in a subject. git-check-ref-format(1) allows
more, and of wildcards neither `*` nor `?`."""

CLAIM_KEY_PARTITION = "aws"
"""STS reads GitHub's claim `ref` as a condition key in commercial regions. AWS, "AWS STS supports
validation of select identity provider specific claims" (What's New, January 2026)."""


def github_ref(kind: str, name: str) -> str:
    """The ref of a branch (`kind` is `branch`) or a tag.

    >>> github_ref("branch", "main"), github_ref("tag", "v1")
    ('refs/heads/main', 'refs/tags/v1')
    """
    return f"refs/{'heads' if kind == 'branch' else 'tags'}/{name}"


def github_subjects(repositories: Iterable[str], end: str) -> list[str]:
    """The subjects of the jobs of repositories; `end` is what follows the repository.

    >>> github_subjects(["octo/shop"], "environment:prod")
    ['repo:octo/shop:environment:prod']
    """
    return [f"repo:{repository}:{end}" for repository in repositories]


def github_environment(name: str) -> str:
    """The subject's end for the jobs of a GitHub environment. A colon is escaped.

    >>> github_environment("prod: eu")
    'environment:prod%3A eu'
    """
    return f"environment:{name.replace(':', '%3A')}"


def gitlab_subject(project: str, kind: str, name: str) -> str:
    """The subject of the jobs of a branch or a tag. Pipelines of merge requests have their source
    branch in it, and those of forks the project of the fork.

    >>> gitlab_subject("group/shop", "branch", "main")
    'project_path:group/shop:ref_type:branch:ref:main'
    """
    return f"project_path:{project}:ref_type:{kind}:ref:{name}"
