"""The kind of a stack: the value of `template:`, and the likely kind if there is no such kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moorage.findings.finding import Path
from moorage.findings.wording import capitalize, near, shown
from moorage.pipeline.foreign_words import WORDS
from moorage.pipeline.params_models import Catalog

_SIMILARITY = 0.8
_MAX_CANDIDATES = 4


def read_foreign_kind(
    name: str, entry: dict[str, Any], catalog: Catalog
) -> tuple[dict[str, Any], tuple[str, str, str] | None]:
    """The entry with `template:` in place of a key of another tool, and the finding about that key:
    key, message and hint."""
    words = [key for key in entry if key in WORDS and WORDS[key].keys == ("template",)]
    if not words or "template" in entry or name in catalog.kinds:
        return entry, None
    key = words[0]
    value = str(entry[key])
    kind = value if value in catalog.kinds else _find_kind(value, catalog)
    rest = {other: item for other, item in entry.items() if other != key}
    kind = kind or _kind_with(rest, catalog)
    message = f"{shown(key)} is a key of {WORDS[key].tool}, not of Moorage"
    choice = f"`template: {kind}`" if kind else f"`template:` with {_all_kinds(catalog)}"
    return {**rest, "template": kind or value}, (key, message, f"Write {choice}.")


def _all_kinds(catalog: Catalog) -> str:
    return f"one of {', '.join(sorted(catalog.kinds))}"


def explain_unknown_kind(
    path: Path, kind: Any, entry: Mapping[str, Any], catalog: Catalog
) -> tuple[str, Path, str, str]:
    """Code, path, message and hint where no stack kind has that name."""
    kinds = _all_kinds(catalog)
    if not isinstance(kind, str):
        message = f"{capitalize(shown(kind))} is written where a name belongs"
        return "M1103", path, message, f"Write {kinds}."
    foreign, similar = _find_kind(kind, catalog), near(kind, catalog.kinds, _SIMILARITY)
    guess = foreign or similar or near(kind, catalog.kinds) or _kind_with(entry, catalog)
    candidates = _kinds_with(entry, catalog)
    message = f"There is no stack kind {shown(kind)}"
    if 1 < len(candidates) <= _MAX_CANDIDATES:
        kinds = f"one of {', '.join(candidates)}"
    named = path[-1] == "template"
    if not guess and kind.lower() in NO_KINDS and (named or not candidates):
        hint = "Moorage does not create such resources: write a stack kind of your own, as the "
        return "M1106", path, message, f"{hint}README of Moorage shows, or remove the stack."
    if named:
        hint = f"Did you mean `{guess}`?" if guess else f"Write {kinds}."
    elif similar and not foreign:
        hint = f"Name the stack `{similar}`, or add `template: {similar}`."
    else:
        hint = f"Add `template: {guess}`." if guess else f"Add `template:` with {kinds}."
    return "M1106", path, message, hint


def _kind_with(entry: Mapping[str, Any], catalog: Catalog) -> str:
    """The stack kind that has all keys of an entry; empty if several or none have them."""
    kinds = _kinds_with(entry, catalog)
    return kinds[0] if len(kinds) == 1 else ""


def _kinds_with(entry: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """The stack kinds that have all keys of an entry."""
    keys = entry.keys() - {"template", "overrides"}
    kinds = catalog.kinds.items()
    return [kind for kind, model in kinds if keys and keys <= model.model_fields.keys()]


# Kinds of other tools -----------------------------------------------------------------------

KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("web", "app", "api", "backend", "frontend", "fargate", "deployment", "statefulset",
         "replicaset", "daemonset", "server", "loadbalancedwebservice", "requestdrivenwebservice",
         "backendservice", "webservice", "fargateservice", "ecsservice", "ecs", "container"),
        "service",
    ),
    **dict.fromkeys(("cron", "cronjob", "scheduledjob", "schedule", "scheduled", "timer"),
                    "scheduled_task"),
    **dict.fromkeys(("job", "task", "migration", "migrate", "run", "batch", "oneshot"), "one_off"),
    **dict.fromkeys(("queue", "sqs", "consumer", "workerservice", "subscriber"), "worker"),
    **dict.fromkeys(("vpc", "subnets", "networking"), "network"),
    **dict.fromkeys(("lb", "elb", "loadbalancer", "ingress", "applicationloadbalancer"), "alb"),
    **dict.fromkeys(("networkloadbalancer",), "nlb"),
    **dict.fromkeys(("registry", "repository", "repositories"), "ecr"),
    **dict.fromkeys(("ecscluster", "namespace"), "cluster"),
    **dict.fromkeys(("alarms", "alerts"), "notifications"),
    **dict.fromkeys(("sns", "snstopic"), "topic"),
    **dict.fromkeys(("s3", "s3bucket"), "bucket"),
    **dict.fromkeys(("dynamodb", "dynamodbtable"), "table"),
    **dict.fromkeys(("dashboards", "cloudwatchdashboard"), "dashboard"),
}  # fmt: skip
"""Kinds of other tools in lower-case letters, and the stack kinds with the same meaning."""

NO_KINDS = frozenset(
    ("lambda", "function", "staticsite", "rds", "aurora", "database", "db", "postgres", "mysql",
     "redis", "elasticache", "cloudfront", "ec2")
)  # fmt: skip
"""Kinds of resources that other tools create and Moorage does not."""


def _find_kind(word: str, catalog: Catalog) -> str:
    """The stack kind that corresponds to a kind of another tool; empty if there is none."""
    kind = KINDS.get(re.sub(r"[-_ ]", "", word).lower(), "")
    return kind if kind in catalog.kinds else ""
