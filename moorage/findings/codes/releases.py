"""M3210 to M3249: how a deployment replaces the tasks of a service (`release:`)."""

from __future__ import annotations

from moorage.findings.codes.code import Code

RELEASES = (
    Code(
        "M3212",
        "A setting of `release:` belongs to another strategy.",
        "Each strategy has its own settings: `step_percent` and `step_bake_time` are of `linear`, "
        "`canary_percent` and `canary_bake_time` of `canary`, `early_success` of `rolling`. A "
        "`circuit_breaker` works with `rolling` only: the others roll back by themselves if the "
        "new tasks do not become healthy.",
        "Remove the setting, or write another `strategy:`.",
        """\
release: {strategy: linear, step_percent: 20, step_bake_time: 5m}
""",
        ("Amazon ECS API reference, DeploymentConfiguration",),
    ),
    Code(
        "M3214",
        "A time or a percentage of a release has more digits than ECS takes.",
        "ECS takes times in whole minutes, and percentages of traffic in steps of 0.1.",
        "Round it.",
        """\
release: {strategy: canary, canary_percent: 2.5, canary_bake_time: 2m}  # not 2.55, not 90s
""",
        ("Amazon ECS API reference, CanaryConfiguration and LinearConfiguration",),
    ),
)
