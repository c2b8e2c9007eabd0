"""How tests are shared among the workers of pytest-xdist, how often garbage is collected, and where
the cache of findings is."""

from __future__ import annotations

import gc
import os
import tempfile

import pytest
import warm_process
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

# The schemas of cfn-lint are many objects that live as long as the process. With the usual
# thresholds, the search for garbage among them takes a fifth of the time of all tests.
gc.freeze()
gc.set_threshold(200_000, 20, 100)

# Not the user's own, and new for each process and run. It hides no failure: what is found again was
# found by the same code, whose text is a part of the key.
_CACHE = tempfile.TemporaryDirectory(prefix="moorage-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name


class _ByFixture(LoadScopeScheduling):
    """Sends tests that share a costly fixture to one worker, and any other test on its own.

    The mark `xdist_group` would say the same, but has no effect with pytest 9.2
    (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/package/"):
            return "tests/package"
        if file in (
            "tests/hostile/test_inputs.py",
            "tests/last_run/test_inputs.py",
            "tests/last_run/test_repeat.py",
            "tests/rules/test_export.py",
        ):
            return file
        if file == "tests/deploy/test_environments.py":
            environment = test.partition("[")[2].rstrip("]").split("-")[0]
            return f"{file}[{environment}]"
        if file == "tests/deploy/test_golden_rehearsed.py":
            return nodeid
        return file if file.startswith("tests/deploy/") else nodeid


def pytest_sessionfinish() -> None:
    warm_process.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return _ByFixture(config, log)
