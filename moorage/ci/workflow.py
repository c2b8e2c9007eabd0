"""The file of a CI as text. Its parts are kept under files/; `@name@` in them is replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from moorage import __version__
from moorage.ci.environments import Ci, CiEnvironment
from moorage.ci.written_file import add_checksum, checksum_line
from moorage.facts.ci_tokens import MIN_SESSION

PATHS: Mapping[Ci, str] = {
    "github": ".github/workflows/moorage.yml",
    "gitlab": ".gitlab-ci.yml",
}

_RUNNERS: Mapping[Ci, tuple[str, str]] = {
    "github": ("ubuntu-latest", "ubuntu-24.04-arm"),
    "gitlab": ("", "  tags: [saas-linux-small-arm64]"),
}
"""Runners for images of x86 and ARM: a label of GitHub, and lines with tags of GitLab.com."""


def build_workflow(ci: Ci, environments: Sequence[CiEnvironment], install: str) -> str:
    """The whole file: environments are deployed in this order, each after the one before.
    `install` is the shell command that installs Moorage."""
    return add_checksum("".join(_parts(ci, environments, install)))


def _parts(ci: Ci, environments: Sequence[CiEnvironment], install: str) -> Iterator[str]:
    names = " ".join(environment.name for environment in environments)
    head = checksum_line(f"Written by `moorage ci {ci} {names}` of Moorage {__version__}.")
    common = {"install": install, "names": names}
    setup = _fill(ci, "setup", common) if ci == "github" else ""
    yield _fill(
        ci,
        "workflow" if ci == "github" else "pipeline",
        {
            **common,
            "head": head,
            "setup": setup,
            "variables": _variables(environments),
            "triggers": _triggers(ci, environments),
            "stages": _lines(f"  - {environment.name}" for environment in environments),
        },
    )
    for environment in environments:
        # Images are built after the merge only.
        options = " --deployed-images" if environment.has_builds else ""
        values = _values(ci, environment, "PULL_REQUEST", setup)
        yield _fill(ci, "preview", {**values, "options": options})
    before = "check"
    for index, environment in enumerate(environments):
        if environment.has_builds:
            values = _values(ci, environment, "PUSH", setup)
            arm = environment.builds_for_arm
            yield _fill(ci, "push", {**values, "needs": before, "runner": _RUNNERS[ci][arm]})
            before = f"push-{environment.name}"
        values = _values(ci, environment, "DEPLOY", setup)
        manual = ["      when: manual"] if index else []
        values |= {"needs": before, "manual": _lines(manual), **_deploy(ci, environment)}
        yield _fill(ci, "deploy", values)
        before = f"deploy-{environment.name}"


def _values(ci: Ci, environment: CiEnvironment, role: str, setup: str) -> dict[str, str]:
    values = {
        "env": environment.name,
        "VARIABLE": environment.variable,
        "region": environment.region,
        "environment": _quoted(environment.environment),
        "audience": environment.audience,
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


def _variables(environments: Sequence[CiEnvironment]) -> str:
    names = []
    for environment in environments:
        roles = ["PULL_REQUEST", *(["PUSH"] if environment.has_builds else []), "DEPLOY"]
        names += [f"{environment.variable}_{role}_ROLE_ARN" for role in roles]
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
    return name if re.fullmatch("[A-Za-z][A-Za-z0-9_./-]*", name) else f'"{name}"'


def _lines(lines: Iterator[str] | Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fill(ci: Ci, part: str, values: Mapping[str, str]) -> str:
    """A part with its values. A line that only names a value is replaced by the value's lines."""
    text = (files(__package__) / "files" / ci / f"{part}.yml.in").read_text(encoding="utf-8")
    text = re.sub(
        r"^@([a-z]+)@\n",
        lambda match: values[match[1]] and values[match[1]].rstrip("\n") + "\n",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r"@([A-Za-z]+)@", lambda match: values[match[1]], text)
