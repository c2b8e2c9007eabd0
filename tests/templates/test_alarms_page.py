"""docs/alarms.md says what the alarms do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from moorage.facts.alarm_metrics import METRICS
from moorage.pipeline.load import Document
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.alarms.settings import (
    DEFAULTS,
    Thresholds,
    format_percentage,
    format_response_time,
)
from templates.common.fields import format_duration
from templates.load_balancers.alarms import AlbAlarms, NlbAlarms
from templates.tasks.alarm_params import JobAlarms, ServiceAlarms, WorkerAlarms
from templates.tasks.rollback_alarms import ROLLBACK_ALARMS

PAGE = Path("docs/alarms.md").read_text()
KINDS: tuple[type[BaseModel], ...] = (ServiceAlarms, WorkerAlarms, JobAlarms, AlbAlarms, NlbAlarms)
ROWS = {
    name: (default, missing)
    for name, default, missing in re.findall(
        r"^\| `(\w+)` \| .* \| (.*?) \| (OK|ALARM) \|$", PAGE, re.MULTILINE
    )
}
METRIC_OF = {
    "no_healthy_host": "alb_healthy_hosts",
    "unhealthy_hosts": "alb_unhealthy_hosts",
    "tasks_missing": "desired_tasks",
}


def default_of(name: str) -> str:
    """The default of an alarm, as params would have it."""
    threshold = DEFAULTS[name]
    time = f"for {format_duration(threshold.minutes * 60)}"
    kind = str(Thresholds.model_fields[name].annotation)
    if "PercentageAlarm" in kind:
        return f"above {format_percentage(threshold.above)} {time}"
    if "LatencyAlarm" in kind:
        return f"above {format_response_time(threshold.above)} {time}"
    if "AgeAlarm" in kind:
        return f"above {format_duration(int(threshold.above))} {time}"
    return f"above {threshold.above:g} {time}" if "CountAlarm" in kind else time


def test_the_page_has_every_alarm() -> None:
    assert ROWS.keys() == DEFAULTS.keys() == Thresholds.model_fields.keys()
    keys = {key for kind in KINDS for key in kind.model_fields}
    assert keys - {"to", "recovery", "page"} == {
        *DEFAULTS,
        *re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE, re.MULTILINE),
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_page_and_reference_have_the_default(name: str) -> None:
    default, missing = ROWS[name]
    assert default == default_of(name)
    written = METRICS[METRIC_OF.get(name, name)].missing
    assert missing == {"breaching": "ALARM", "notBreaching": "OK"}[written]
    fields = [kind.model_fields[name] for kind in KINDS if name in kind.model_fields]
    descriptions = [field.description or "" for field in fields]
    assert descriptions
    assert all(default in description for description in descriptions)


def test_the_page_names_the_alarms_that_can_roll_back() -> None:
    section = PAGE.split("Of the stack's alarms, ")[1].split(". ")[0]
    assert re.findall(r"`(\w+)`", section) == list(ROLLBACK_ALARMS)


def test_the_parts_of_the_page_are_valid_together_with_its_example() -> None:
    yaml = YAML(typ="safe", pure=True)
    blocks = [yaml.load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    example: dict[str, Any] = blocks[0]
    parts = [block for block in blocks if "app" not in block]
    assert len(parts) == 4
    for part in parts:
        stacks = {**example["stacks"]}
        if "notifications" in part:
            stacks["notifications"] = {**stacks["notifications"], **part["notifications"]}
        else:
            stacks["web"] = {**stacks["web"], **part}
        existing = {"arn": "arn:aws:sns:eu-central-1:123456789012:pager"}
        if "pager" in str(part):
            stacks["pager"] = {"template": "notifications", "existing": existing}
            stacks["report"] = {**stacks["report"], "alarms": False}
            stacks["mailer"] = {**stacks["mailer"], "alarms": False}
            stacks["public"] = {"template": "alb", "certificate": []}
        document = Document("prod", "params/prod.yaml", {**example, "stacks": stacks}, {})
        env, findings = validate(document, TEMPLATES)
        assert findings == []
        assert env is not None
