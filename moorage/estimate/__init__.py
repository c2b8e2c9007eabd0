"""Templates -> how long a release of each of their services takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfnlint.decode.decode import decode_str

from moorage.cfn import ecs
from moorage.cfn.scenarios import default_view
from moorage.cfn.template import Template
from moorage.estimate.advice import Change, Part, find_best_change, longest_part
from moorage.estimate.failure import Failure, failing_release, unhealthy_release
from moorage.estimate.release import Release, earliest_pace, simulate, usual_pace
from moorage.estimate.settings import Assumptions, Settings, read_settings
from moorage.records import record


@record
class Estimate:
    """How long a release of a service takes."""

    settings: Settings
    usual: Release
    earliest_end: int | None
    unhealthy: Failure
    """A release whose tasks fail their health checks."""
    failing: Failure
    """A release that answers users with errors."""
    longest: Part
    change: Change | None


def estimate_texts(
    texts: Mapping[str, str], assumptions: Assumptions, region: str | None = None
) -> list[Estimate]:
    """The estimates for the services in the templates, given as texts by file name. A text that is
    no template has none."""
    decoded = ((file, *decode_str(text)) for file, text in texts.items())
    templates = [
        Template(file, body, region)
        for file, body, errors in decoded
        if not errors and isinstance(body, Mapping)
    ]
    return list(_estimates(templates, assumptions))


def estimate_bodies(bodies: Mapping[str, Any], assumptions: Assumptions) -> list[Estimate]:
    """The same for templates as maps."""
    return list(_estimates([Template(*item, None) for item in bodies.items()], assumptions))


def _estimates(templates: list[Template], assumptions: Assumptions) -> Iterator[Estimate]:
    for service in ecs.services(default_view(templates)):
        yield estimate(read_settings(service, assumptions), assumptions)


def estimate(settings: Settings, assumptions: Assumptions) -> Estimate:
    """The estimate for one service."""
    pace = usual_pace(settings, assumptions)
    usual = simulate(settings, pace)
    return Estimate(
        settings,
        usual,
        simulate(settings, earliest_pace(settings, assumptions)).end,
        unhealthy_release(settings, pace, assumptions),
        failing_release(settings, pace, assumptions, usual),
        longest_part(settings, assumptions),
        find_best_change(settings, assumptions),
    )
