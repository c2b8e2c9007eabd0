"""Every golden case, from nothing to nothing: deployed, updated, shown and deleted against moto.

Each rehearsal runs in the process of the test, which loads moto and the checks once.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import main

GOLDEN = Path("tests/golden")
CASES = [
    pytest.param(file.parent, file.stem, id=f"{file.parents[1].name}-{file.stem}")
    for file in sorted(GOLDEN.glob("*/params/*.yaml"))
    if file.stem != "base"
]

LAST_LINES = {
    "alarms-prod": "AWS::CloudWatch::CompositeAlarm.",
    "caches-dev": "AWS::ElastiCache::ServerlessCache.",
    "code-deploy-dev": "AWS::CodeDeploy::DeploymentConfig.",
}
"""What a rehearsal names that moto does not have, of three cases."""


@pytest.mark.parametrize(("params", "env"), CASES)
def test_a_golden_case_can_be_rehearsed(
    params: Path,
    env: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["rehearse", env, "--params", str(params)])
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
