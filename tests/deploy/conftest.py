from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from cloud import Cloud
from fast_aws import write_client
from faster_clock import FASTER, FASTER_CLOCK

from moorage.deploy.clock import CLOCK

_SERVER = Path(__file__).with_name("server.py")
_AWS = Path(__file__).with_name("fast_aws.py")


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> None:
    """boto3 reads the models of AWS's services for each session, of which tests have hundreds."""
    read = JSONFileLoader.load_file
    load = cache(lambda path: read(JSONFileLoader(), path))
    JSONFileLoader.load_file = staticmethod(load)  # type: ignore[method-assign,assignment]


@pytest.fixture(autouse=True)
def _commands_have_a_faster_clock() -> Iterator[None]:
    real = CLOCK.set(FASTER_CLOCK)
    yield
    CLOCK.reset(real)


def _write_sleep(folder: Path) -> None:
    """Writes a program `sleep` for scripts, whose pauses are three and five seconds."""
    sleep = folder / "sleep"
    sleep.write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} {4 / FASTER}\n")
    sleep.chmod(0o755)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The server and the AWS CLI, in separate processes, for as long as the tests run."""
    path = os.pathsep.join([str(_SERVER.parents[2]), os.environ.get("PYTHONPATH", "")])
    log = tmp_path_factory.mktemp("server") / "log"
    programs = tmp_path_factory.mktemp("bin")
    write_client(programs, programs / "socket")
    _write_sleep(programs)
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, str(_SERVER)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
        subprocess.Popen(
            [sys.executable, str(_AWS), str(programs / "socket")], stdout=subprocess.PIPE
        ) as aws,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, log.read_text()
        assert aws.stdout is not None
        assert aws.stdout.readline() == b"ready\n"
        cloud = Cloud(url, programs)
        # Without it, every deployment of a first cluster has a warning.
        iam = cloud.client("iam", "us-east-1")
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
        yield cloud
        aws.terminate()
        process.terminate()
