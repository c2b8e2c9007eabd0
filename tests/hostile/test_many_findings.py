"""Findings about a template share one view of it, which is slow to create."""

from __future__ import annotations

import cProfile
import json
import pstats

from moorage.pipeline.check import check_texts

_TASK = {
    "Type": "AWS::ECS::TaskDefinition",
    "Properties": {
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": "256",
        "Memory": "512",
        "ContainerDefinitions": [
            {"Name": "web", "Image": "public.ecr.aws/a/b:1", "Links": ["x"], "Privileged": True}
        ],
    },
}


def test_many_findings_need_one_view() -> None:
    text = json.dumps({"Resources": {f"Task{number}": _TASK for number in range(30)}})
    profile = cProfile.Profile()
    findings = profile.runcall(check_texts, {"t.json": text})
    assert len([finding for finding in findings if finding.code[:2] in ("E9", "W9")]) >= 30
    calls = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    views = [
        count[0]
        for (file, _, name), (*_, callers) in calls.items()
        if file.endswith("cfnlint/template/template.py") and name == "__init__"
        for (caller, _, _), count in callers.items()
        if caller.endswith("moorage/lint/cfn_lint.py")
    ]
    assert views == [1]
