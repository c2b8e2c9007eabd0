"""Terminal sessions with an environment on this machine, as text: params/dev.yaml is deployed to
the server of rehearsals, gets a new image, then one with a migration that fails, and is deleted.

Everything that differs from run to run is replaced: IDs, dates, and seconds that passed.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from moorage import cli
from moorage.cfn.needs import Need
from moorage.deploy.aws import Access, Aws
from moorage.deploy.rehearsal.containers import EXIT_CODES
from moorage.deploy.rehearsal.environment import own_environment
from moorage.deploy.rehearsal.existing import create_what_exists, list_needs
from moorage.deploy.rehearsal.server import serve_aws
from moorage.deploy.target import make_target
from moorage.pipeline.build import build
from templates import TEMPLATES

PARAMS = Path(__file__).parents[2] / "params"
ACCOUNT, REGION = "123456789012", "eu-central-1"
LINES = (
    "applying 0042_add_stock_reservations",
    'error: relation "stock" does not exist',
)
"""What the migration that fails writes."""


def record_sessions() -> dict[str, str]:
    """What commands print, by the names of the sessions. A line with a command begins with `$`."""
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with tempfile.TemporaryDirectory() as folder, serve_aws() as address:
        shutil.copytree(PARAMS, Path(folder, "params"))
        with chdir(folder), own_environment(AWS_ENDPOINT_URL=address, **credentials):
            sessions = _Sessions(Aws(Access(REGION)))
            return {name: _same_each_time(text) for name, text in sessions.record()}


class _Sessions:
    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.existing: set[Need] = set()

    def record(self) -> Iterator[tuple[str, str]]:
        """The sessions, in the order of an environment's life."""
        self._create_needs()
        _run("deploy dev --yes")
        self._write_log("nothing to do")
        self._change_params("kelp/web:2026.11.3", "kelp/web:2026.12.0")
        yield "diff", _run("diff dev")
        yield "deploy", _run("deploy dev --yes")
        yield "status", _run("status dev")
        yield "rollback", _run("rollback dev web --yes")
        ran = _run("run dev migrate")
        self._write_log("nothing to do")
        yield "run", ran
        EXIT_CODES[f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/kelp/api:2026.12.1"] = 1
        self._change_params("api_version: 2026.11.7", "api_version: 2026.12.1")
        yield "failed", _run("deploy dev --yes")
        self._write_log(*LINES)
        yield "why", _run("why dev migrate")
        yield "logs", _run("logs dev migrate")
        yield "exec", _run("exec dev web")
        yield "destroy", _run("destroy dev web --yes")

    def _change_params(self, old: str, new: str) -> None:
        file = Path("params/base.yaml")
        file.write_text(file.read_text().replace(old, new))
        self._create_needs()

    def _create_needs(self) -> None:
        """Creates the images, secrets and parameters that are not there yet."""
        plan = build(Path("params"), "dev", TEMPLATES).plan
        assert plan is not None
        needs = list_needs(make_target(plan), ACCOUNT)
        create_what_exists(self.aws, [each for each in needs if each not in self.existing], ACCOUNT)
        self.existing.update(needs)

    def _write_log(self, *lines: str) -> None:
        """Writes what the newest task of the migration writes."""
        group, cluster = self._id("migrate", "LogGroup"), self._id("cluster", "Cluster")
        tasks = self.aws.ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")
        task = tasks["taskArns"][-1].split("/")[-1]
        stream = f"migrate/migrate/{task}"
        self.aws.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        self.aws.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _id(self, stack: str, logical_id: str) -> str:
        resource = self.aws.cloudformation.describe_stack_resource(
            StackName=f"kelp-dev-{stack}", LogicalResourceId=logical_id
        )
        return resource["StackResourceDetail"]["PhysicalResourceId"]


def _run(words: str) -> str:
    """Runs a command; returns it with what it prints on a terminal's lines."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        cli.main(words.split(), "templates", "moorage")
    return f"$ moorage {words}\n{printed.getvalue()}"


_SHAPES = (
    r"[0-9A-Z]{12}",
    "[0-9a-f]{8}-[0-9a-f-]{27}",
    "[0-9a-f]{16,17}",
    "(?<=-bucket-)[0-9a-z]{12}",  # names of buckets have small letters
)
_VARYING = re.compile("|".join(rf"(?<![0-9A-Za-z])(?:{shape})(?![0-9A-Za-z])" for shape in _SHAPES))
_FIXED = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", "2026-11-27 08:33"),
    (r"(?<=2026-11-27 08:33:)[0-9]{2}", "20"),
    (r"(?<=/)[0-9a-f]{8}(?= )", "5c14a0e2"),  # the beginning of a task's ID, in logs
    (r"^[0-9]{2}:[0-9]{2}(?= [a-z]+: )", "00:00"),
    (r" (in|after) [0-9]{2}:[0-9]{2}\b", r" \1 00:00"),
    (r"http://127\.0\.0\.1:[0-9]+", f"https://sqs.{REGION}.amazonaws.com"),
)


def _same_each_time(text: str) -> str:
    """The text with other IDs, numbered by their first appearance, and with fixed times."""
    known: dict[str, str] = {ACCOUNT: ACCOUNT}

    def replaced(match: re.Match[str]) -> str:
        old = match[0]
        if old not in known:
            digits = hashlib.sha256(str(len(known)).encode()).hexdigest()
            new = iter(digits.upper() if old.isupper() else digits)
            known[old] = "".join("-" if char == "-" else next(new) for char in old)
        return known[old]

    text = _VARYING.sub(replaced, text)
    for pattern, fixed in _FIXED:
        text = re.sub(pattern, fixed, text, flags=re.MULTILINE)
    return text
