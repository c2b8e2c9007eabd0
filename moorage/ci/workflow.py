"""The file of a CI as text. Its parts are kept under files/; `@name@` in them is replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from moorage import __version__
from moorage.ci.environments import Ci, CiEnvironment
from moorage.ci.written_file import add_checksum, checksum_line
from moorage.facts.ci_tokens import MIN_SESSION, github_ref

PATHS: Mapping[Ci, str] = {
    "github": ".github/workflows/moorage.yml",
    "gitlab": ".gitlab-ci.yml",
}

_RUNNERS: Mapping[Ci, tuple[str, str]] = {
    "github": ("ubuntu-latest", "ubuntu-24.04-arm"),
    "gitlab": ("", "  tags: [saas-linux-small-arm64]"),
}
"""Runners for images of x86 and ARM: a label of GitHub, and lines with tags of GitLab.com."""

_DOCKER = {
    "services": "  services:\n    - docker:28-dind\n",
    "variables": """\
    DOCKER_HOST: tcp://docker:2376
    DOCKER_TLS_CERTDIR: /certs
    DOCKER_TLS_VERIFY: "1"
    DOCKER_CERT_PATH: /certs/client
""",
    "docker": "    - apt-get update -qq && apt-get install -qq docker-cli docker-buildx\n",
}
"""What a job of GitLab that builds images needs."""


def build_workflow(
    ci: Ci,
    environments: Sequence[CiEnvironment],
    install: str,
    previews: CiEnvironment | None = None,
) -> str:
    """The whole file: environments are deployed in this order, each after the one before.
    `install` is the shell command that installs Moorage. `previews` is the environment whose params
    all pull requests have, if each gets an environment of its own."""
    return add_checksum("".join(_parts(ci, environments, install, previews)))


def _parts(
    ci: Ci, environments: Sequence[CiEnvironment], install: str, previews: CiEnvironment | None
) -> Iterator[str]:
    names = " ".join(environment.name for environment in environments)
    option = " --previews" if previews else ""
    command = f"moorage ci {ci} {names}{option}"
    head = checksum_line(f"Written by `{command}` of Moorage {__version__}.")
    checked = f"{names} {previews.name}" if previews else names
    common = {"install": install, "names": checked}
    setup = _fill(ci, "setup", common) if ci == "github" else ""
    yield _fill(
        ci,
        "workflow" if ci == "github" else "pipeline",
        {
            **common,
            "head": head,
            "setup": setup,
            "variables": _variables(environments, previews),
            "triggers": _triggers(ci, environments),
            "types": _TYPES if previews else "",
            "open": _OPEN if previews else "",
            "stages": _lines(f"  - {_quoted(environment.name)}" for environment in environments),
        },
    )
    for environment in environments:
        # Images are built after the merge only.
        options = " --deployed-images" if environment.has_builds else ""
        values = _values(ci, environment, "PULL_REQUEST", setup)
        yield _fill(ci, "preview", {**values, "options": options})
    if previews:
        yield _fill(ci, "previews", _preview_values(ci, previews, setup))
    yield from _deployments(ci, environments, setup)


_TYPES = "    types: [opened, synchronize, reopened, closed]\n"
_OPEN = "    if: github.event.action != 'closed'\n"
"""A pull request that is closed needs no checks: its environment is deleted."""


def _deployments(ci: Ci, environments: Sequence[CiEnvironment], setup: str) -> Iterator[str]:
    """The jobs that build, push and deploy, in the order of the environments."""
    before = "check"
    differ = len({_refs(environment) for environment in environments}) > 1
    for index, environment in enumerate(environments):
        only = f" && ({_only(ci, environment)})" if differ else ""
        # A job is skipped by default if one before it was, here for another branch.
        skipped = " && !failure() && !cancelled()" if differ and index else ""
        if environment.has_builds:
            values = _values(ci, environment, "PUSH", setup)
            values |= {"runner": _RUNNERS[ci][environment.builds_for_arm], **_DOCKER}
            condition = only + (skipped if ci == "github" else "")
            yield _fill(ci, "push", {**values, **_needs(before), "condition": condition})
            before = f"push-{environment.name}"
        values = _values(ci, environment, "DEPLOY", setup)
        manual = ["      when: manual"] if index else []
        values |= {"manual": _lines(manual), **_needs(before), **_deploy(ci, environment)}
        condition = only
        if ci == "gitlab" and environment.has_builds:  # without its images, nothing is deployed
            condition = f" && ${environment.variable}_PUSH_ROLE_ARN{only}"
        elif ci == "github" and skipped:
            pushed = f" && needs.{before}.result == 'success'" if environment.has_builds else ""
            condition = f"{only}{skipped}{pushed}"
        yield _fill(ci, "deploy", {**values, "condition": condition})
        before = f"deploy-{environment.name}"


def _needs(before: str) -> dict[str, str]:
    """The job before; for GitLab, where that may be left out, also the check before all jobs."""
    optional = "" if before == "check" else f"    - job: {before}\n      optional: true\n"
    return {"needs": before, "optional": optional}


def _preview_values(ci: Ci, previews: CiEnvironment, setup: str) -> dict[str, str]:
    number = "$PULL_REQUEST" if ci == "github" else "$CI_MERGE_REQUEST_IID"
    up = f'moorage preview up "{number}" --yes'
    if previews.has_builds:
        push = f'images=$(moorage image push "{previews.name}-{number}" --format options)'
        up = f"{push}\n@# shellcheck disable=SC2086 # several options\n@{up} $images"
    indent = 10 if ci == "github" else 6
    arm = previews.builds_for_arm
    # What the pull request has may be broken when it is closed. `down` needs little of it.
    base = "          ref: ${{ github.event.pull_request.base.ref }}\n"
    kept = "          persist-credentials: false\n"
    return {
        **_values(ci, previews, "DEPLOY", setup),
        "basesetup": setup.replace(kept, kept + base),
        "up": up.replace("\n@", "\n" + " " * indent),
        "down": f'moorage preview down "{number}" --yes',
        "runner": _RUNNERS[ci][arm],
        **(_DOCKER if previews.has_builds else dict.fromkeys(_DOCKER, "")),
    }


def _values(ci: Ci, environment: CiEnvironment, role: str, setup: str) -> dict[str, str]:
    values = {
        "env": environment.name,
        "name": _quoted(environment.name),
        "VARIABLE": environment.variable,
        "region": environment.region,
        "environment": _quoted(environment.environment),
        "audience": _quoted(environment.audience),
        "setup": setup,
    }
    if ci == "github":
        role_variable = f"{environment.variable}_{role}_ROLE_ARN"
        credentials = _fill(ci, "credentials", {**values, "role": role_variable})
        if role == "DEPLOY" and environment.session > MIN_SESSION:
            credentials += f"          role-duration-seconds: {environment.session}\n"
        values["credentials"] = credentials
    return values


def _deploy(ci: Ci, environment: CiEnvironment) -> dict[str, str]:
    """The command that deploys, with the options that the job before has made."""
    command = f"moorage deploy {environment.name} --yes"
    if not environment.has_builds:
        return {"deploy": command, "images": ""}
    if ci == "gitlab":
        return {"deploy": f"{command} ${environment.variable}_IMAGES", "images": ""}
    images = f"${{{{ needs.push-{environment.name}.outputs.images }}}}"
    # Without quotes: IMAGES is several words.
    note = "# shellcheck disable=SC2086 # several options\n          "
    return {
        "deploy": f"{note}{command} $IMAGES",
        "images": f"        env:\n          IMAGES: {images}\n",
    }


def _variables(environments: Sequence[CiEnvironment], previews: CiEnvironment | None) -> str:
    names = []
    for environment in environments:
        roles = ["PULL_REQUEST", *(["PUSH"] if environment.has_builds else []), "DEPLOY"]
        names += [f"{environment.variable}_{role}_ROLE_ARN" for role in roles]
    names += [f"{previews.variable}_DEPLOY_ROLE_ARN"] if previews else []
    return ",\n# ".join(names)


def _triggers(ci: Ci, environments: Sequence[CiEnvironment]) -> str:
    branches = sorted({name for each in environments for name in each.branches})
    tags = sorted({name for each in environments for name in each.tags})
    if ci == "github":
        refs = (("branches", branches), ("tags", tags))
        lines = [f"    {key}: [{', '.join(map(_quoted, names))}]" for key, names in refs if names]
        return _lines(lines)
    rules = [_gitlab_rule("$CI_COMMIT_BRANCH", name) for name in branches]
    rules += [_gitlab_rule("$CI_COMMIT_TAG", name) for name in tags]
    return _lines(f"    - if: {rule}" for rule in rules)


def _refs(environment: CiEnvironment) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(environment.branches), frozenset(environment.tags)


def _only(ci: Ci, environment: CiEnvironment) -> str:
    """A condition for pushes to the branches and tags of one environment."""
    if ci == "github":
        refs = [github_ref("branch", name) for name in environment.branches]
        refs += [github_ref("tag", name) for name in environment.tags]
        return " || ".join(map(_github_condition, refs))
    rules = [_gitlab_rule("$CI_COMMIT_BRANCH", name) for name in environment.branches]
    rules += [_gitlab_rule("$CI_COMMIT_TAG", name) for name in environment.tags]
    return " || ".join(rules)


def _github_condition(ref: str) -> str:
    """A condition of GitHub, which has no patterns: what is before and after the wildcards. Where
    that is wider than the pattern, the role still refuses the job.

    >>> _github_condition("refs/heads/main")
    "github.ref == 'refs/heads/main'"
    >>> _github_condition("refs/tags/v*-eu")
    "startsWith(github.ref, 'refs/tags/v') && endsWith(github.ref, '-eu')"
    """
    first, *others = re.split("[*?]+", ref)
    if not others:
        return f"github.ref == '{ref}'"
    after = f" && endsWith(github.ref, '{others[-1]}')" if others[-1] else ""
    return f"startsWith(github.ref, '{first}'){after}"


def _gitlab_rule(variable: str, name: str) -> str:
    """A condition of GitLab: equal, or a regular expression of RE2 for a pattern.

    >>> _gitlab_rule("$CI_COMMIT_BRANCH", "release/*")
    '$CI_COMMIT_BRANCH =~ /^release\\\\/.*$/'
    """
    if not re.search("[*?]", name):
        return f'{variable} == "{name}"'
    wildcards = {"*": ".*", "?": "."}
    parts = [wildcards.get(c) or re.sub(r"([./+])", r"\\\1", c) for c in name]
    return f"{variable} =~ /^{''.join(parts)}$/"


def _quoted(name: str) -> str:
    """A text in YAML, in quotes where it could be read as something else.

    >>> _quoted("prod-eu"), _quoted("no"), _quoted("a: b")
    ('prod-eu', '"no"', '"a: b"')
    """
    plain = re.fullmatch("[A-Za-z][A-Za-z0-9_./-]*", name) and name.lower() not in _YAML_WORDS
    return name if plain else json.dumps(name, ensure_ascii=False)


_YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
"""Plain scalars that YAML 1.1 does not read as texts: yaml.org/type/bool.html and null.html."""


def _lines(lines: Iterator[str] | Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fill(ci: Ci, part: str, values: Mapping[str, str]) -> str:
    """A part with its values. A line that only names a value is replaced by the value's lines."""
    text = (files(__package__) / "files" / ci / f"{part}.yml.in").read_text(encoding="utf-8")
    # One pass: a value, such as the user's command, can have text that looks like a name.
    return re.sub(
        r"^@([a-z]+)@\n|@([A-Za-z]+)@",
        lambda match: _lines_of(values[match[1]]) if match[1] else values[match[2]],
        text,
        flags=re.MULTILINE,
    )


def _lines_of(value: str) -> str:
    return value and value.rstrip("\n") + "\n"
