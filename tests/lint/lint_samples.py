"""Templates with mistakes, as texts, and how their findings are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from sample_template import FORWARDS_NOWHERE

from moorage.findings.finding import Finding
from moorage.lint.decoding import decode_template
from moorage.lint.linter import Linter
from moorage.lint.settings import LintSettings, find_settings

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
MISTAKES = yaml.safe_load((ROOT / "tests/moorage/cfn_lint_mistakes.yaml").read_text())

QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {FifoQueue: many}}}\n"
"""A template with one finding, which is made quickly."""

UNUSUAL = (
    "Resources: {A: {Type: AWS::SQS::Queue}, A: {Type: AWS::SNS::Topic}}\n",
    "Resources: [\n",
    "just a text\n",
    "Resources: {80: {Type: AWS::SQS::Queue}, true: {Type: AWS::SNS::Topic, Nothing: 1.5}}\n",
    'Resources: {Ä: {Type: "AWS::SQS::Queue\\ud800", Properties: {QueueName: "☃ *"}}}\n',
    "Resources: {Bucket: {Type: AWS::S3::Bucket, Metadata: {cfn-lint: {config: {ignore_checks: "
    "[E3002]}}}, Properties: {No: 1}}}\n",
    FORWARDS_NOWHERE,
)


def sample() -> list[str]:
    """Templates with mistakes of many kinds, some of which cannot be read."""
    templates = [
        json.dumps({"Resources": {name: mistake["resource"]}}, indent=1)
        for name, mistake in MISTAKES.items()
    ]
    return [*templates, *UNUSUAL]


def lint(
    linter: Linter, texts: list[str], settings: LintSettings | None = None
) -> list[tuple[Finding, ...]]:
    """The findings about each text in one region."""
    linting = linter.begin(texts, REGION, settings or find_settings(), decode_template)
    return linting.result()


class Reader:
    """`decode_template`, and the texts that it was called with: those that no cache knows."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> tuple[Any, Any]:
        self.texts.append(text)
        return decode_template(text)
