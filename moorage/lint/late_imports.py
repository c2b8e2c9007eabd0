"""cfn-lint without what it seldom needs of other packages."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from moorage.lint import late_networkx, late_sympy

_AFFECTED = (late_networkx.PACKAGE, late_sympy.PACKAGE, "cfnlint", "moorage")


def import_late(name: str) -> ModuleType:
    """Imports a module that imports cfn-lint, without sympy and most of networkx if that is
    possible."""
    before = {*sys.modules}
    late_networkx.postpone_networkx()
    late_sympy.postpone_sympy()
    try:
        module = import_module(name)
        late_networkx.try_networkx()
        return module
    except Exception:  # this version of cfn-lint uses them in another way
        for loaded in [*sys.modules]:
            if loaded not in before and loaded.partition(".")[0] in _AFFECTED:
                del sys.modules[loaded]
        return import_module(name)
