"""How an error in Moorage itself, or in a project's own stack kind, is reported."""

from __future__ import annotations

import os
import sys

from moorage import __version__
from moorage.commands.terminal import print_error

ISSUES = "https://github.com/moorage/moorage/issues"
TRACEBACK = "MOORAGE_TRACEBACK"
"""The environment variable with which an internal error prints its stack trace."""


def report_internal_error(error: Exception, program: str) -> None:
    """Prints where an unexpected error happened, without its message, which can contain values.
    That of a model's code has none."""
    import traceback  # which is slow to import

    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if _is_broken_model(error):
        print_error(f"{program}: {error}")
        return
    what = f"{type(error).__name__} at {find_place(error)}, of Moorage {__version__}"
    print_error(f"{program}: internal error: {what}.")
    print_error(f"{TRACEBACK}=1 shows the whole trace, which can contain values of your params.")
    print_error(f"Unless your own stack kind raises it, please report it: {ISSUES}")


def _is_broken_model(error: Exception) -> bool:
    """Whether the code of a params model is wrong."""
    model = sys.modules.get("moorage.model")  # imports nothing after an error
    return model is not None and isinstance(error, model.BrokenModelError)


def find_place(error: BaseException) -> str:
    """The file and line of our code, or of a project's, where an error happened."""
    import traceback

    if isinstance(error, SyntaxError) and error.filename:  # of a module that is imported
        return f"{os.path.relpath(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{os.path.relpath(own[-1].filename)}:{own[-1].lineno}" if own else "an unknown place"
