"""Drawn params -> plans and findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import assume
from strategy_parts import Params

from moorage.findings.finding import Finding
from moorage.pipeline.build import build
from moorage.pipeline.compose import compose
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.plan import Plan
from templates import TEMPLATES


def plan(params: Params) -> Plan:
    """All stacks of an environment, not linted. Rejects a draw with conflicting routes,
    or with a template that is too large."""
    result, findings = _linked(written(params))
    reported = [finding for finding in findings if not _is_expected(finding)]
    codes = {finding.code for finding in reported}
    assume(not codes or not codes <= {"M1303", "M2430"})
    assert result is not None, findings
    assert reported == []
    return result


_ADVICE = {"M2331", "M2332", "M2333", "M2521", "M2415", "M2713"}
"""Warnings about aliases, clients, paths and subnets that are valid, but seldom meant."""


def _is_expected(finding: Finding) -> bool:
    """Whether it is advice, or about access logs of a load balancer without TLS listeners."""
    is_about_logs = finding.path[-2:] == ("edge", "access_logs")
    return finding.level == "warning" and (finding.code in _ADVICE or is_about_logs)


def plan_of(text: str) -> Plan:
    """All stacks of a params file without conflicts."""
    result, findings = _linked(text)
    assert result is not None, findings
    return result


def linted(params: Params) -> tuple[Finding, ...]:
    """All findings of a whole build, cfn-lint's among them."""
    with _folder(written(params)) as folder:
        return tuple(
            finding
            for finding in build(folder, "dev", TEMPLATES).findings
            if not _is_expected(finding)
        )


def written(params: Params) -> str:
    """A params file with the keys in the order of the map. All texts are quoted, because YAML 1.1,
    which is written here, and 1.2, which is read, differ in which unquoted values are texts."""
    return yaml.dump(params, Dumper=_Quoting, sort_keys=False, allow_unicode=True)


class _Quoting(yaml.SafeDumper):
    """A writer of YAML with all texts in quotes, and without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')


_Quoting.add_representer(str, _Quoting.represent_str)


@contextmanager
def _folder(text: str) -> Iterator[Path]:
    """A folder with `dev.yaml`. Its name never varies: templates contain it in their first line."""
    with TemporaryDirectory() as above:
        folder = Path(above, "params")
        folder.mkdir()
        Path(folder, "dev.yaml").write_text(text)
        yield folder


def _linked(text: str) -> tuple[Plan | None, list[Finding]]:
    with _folder(text) as folder:
        document, findings = load(folder, "dev")
    assert document is not None, findings
    env, invalid = validate(document, TEMPLATES)
    if env is None:
        return None, [*findings, *invalid]
    rendered = [render(stack, document, "yaml") for stack in compose(env, TEMPLATES)]
    renderings = tuple(rendering for rendering, _ in rendered if rendering is not None)
    result, unlinked = link(renderings, env, document)
    unrendered = (finding for _, faults in rendered for finding in faults)
    return result, [*findings, *invalid, *unrendered, *unlinked]
