"""How tests are shared among the workers of pytest-xdist, how often garbage is collected, and where
the cache of findings is."""

from __future__ import annotations

import gc
import os
import resource
import sys
import tempfile
from collections.abc import Generator

import pytest
import warm_process
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling
from xdist.workermanage import WorkerController

# The schemas of cfn-lint are many objects that live as long as the process. With the usual
# thresholds, the search for garbage among them takes a fifth of the time of all tests.
gc.freeze()
gc.set_threshold(200_000, 20, 100)

# Without bytecode, each of the hundred processes that tests start compiles Moorage again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Not the user's own, and new for each run; its workers share it. It hides no failure: what is found
# again was found by the same code, whose text is a part of the key.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="moorage-tests-")
    os.environ["XDG_CACHE_HOME"] = _CACHE.name


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One worker more than cores: tests wait for other processes a fifth of the time."""
    count = yield
    return count if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else count + 1


_GROWTH = 600 * 2 ** (20 if sys.platform == "darwin" else 10)
"""How much more memory than after the last search this process may take without another one, in
the unit of `ru_maxrss`."""
_searched_at = 0


def pytest_collection_finish() -> None:
    """Leaves ten thousand tests out of each search for garbage."""
    gc.freeze()


def pytest_runtest_logfinish() -> None:
    """Searches for garbage between tests. Rules of cfn-lint and clients of boto3 refer to each
    other, and the tests make gigabytes of them."""
    global _searched_at
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if peak > _searched_at + _GROWTH:
        gc.collect()
        _searched_at = peak


_SHARING = {
    "tests/hostile/test_inputs.py",
    "tests/last_run/test_changed_inputs.py",
    "tests/last_run/test_repeat.py",
    "tests/rules/test_export.py",
    "tests/templates/test_problems.py",
    "tests/test_layers.py",
}
"""Files whose tests read the same large inputs."""


class _ByFixture(LoadScopeScheduling):
    """Sends tests that share a costly fixture to one worker, and any other test on its own.

    The mark `xdist_group` would say the same, but has no effect with pytest 9.2
    (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Also forgets what is complete: all of it would be counted after each test."""
        super().mark_test_complete(node, item_index, duration)
        units = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(units[scope].values()):
            del units[scope]

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/package/"):
            return "tests/package"
        if file in _SHARING:
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
