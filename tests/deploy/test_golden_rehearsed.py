"""Every golden case: its params build the expected files, to the byte, which are deployed, updated,
shown and deleted against moto.

Each rehearsal runs in the process of the test, which loads moto and the checks once.
`make golden` rewrites the expected output; read the diff before you commit it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from golden_cases import CASES, build_expected_files

from moorage.cli import build_parser
from moorage.commands.rehearse import rehearse_target
from moorage.deploy.target import make_target
from moorage.pipeline.build import build
from moorage.pipeline.environments import list_environments
from templates import TEMPLATES

ENVIRONMENTS = [
    pytest.param(folder, env, id=f"{folder.name}-{env}")
    for folder in CASES
    for env in list_environments(folder / "params")
]

LAST_LINES = {
    "alarms-prod": "AWS::CloudWatch::CompositeAlarm.",
    "caches-dev": "AWS::ElastiCache::ServerlessCache.",
    "code-deploy-dev": "AWS::CodeDeploy::DeploymentConfig.",
}
"""What a rehearsal names that moto does not have, of three cases."""


@pytest.mark.parametrize(("folder", "env"), ENVIRONMENTS)
def test_a_golden_case_is_built_as_expected_and_can_be_rehearsed(
    folder: Path,
    env: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    built = build_expected_files(folder, env)
    assert built.plan is not None
    arguments = build_parser().parse_args(["rehearse", env])
    target, shared = make_target(built.plan, built.document), None
    if target.shares is not None:
        plan = build(folder / "params", target.shares, TEMPLATES).plan
        assert plan is not None
        shared = make_target(plan)
    code = rehearse_target(arguments, target, shared)
    printed = capsys.readouterr()
    assert code == 0, printed.out[-3000:] + printed.err
    titles = re.findall(r"^# moorage (\w+)", printed.out, re.MULTILINE)
    assert titles in (
        ["deploy", "diff", "deploy", "deploy", "status", "destroy"],
        ["deploy", "deploy", "status", "destroy"],  # no image of a service to change
    )
    assert f"# moorage deploy {env}, again\nNothing to change: " in printed.out
    last = printed.out.splitlines()[-1]
    assert last.endswith(LAST_LINES.get(request.node.callspec.id, ""))
