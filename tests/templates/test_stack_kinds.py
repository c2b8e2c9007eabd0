"""The stack kinds, which are imported when params name them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from moorage.late_modules import LateModules
from templates import TEMPLATES

ROOT = Path(__file__).parents[2]
PARAMS = """
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
"""
BUILD = """
import sys
from pathlib import Path
from moorage.pipeline.build import build
from templates import TEMPLATES
built = build(Path(sys.argv[1]), "dev", TEMPLATES)
print(len(built.stacks), *(kind for kind in TEMPLATES if f"templates.{kind}" in sys.modules))
"""


def test_a_build_imports_the_kinds_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(PARAMS)
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    stacks, *imported = done.stdout.split()
    assert stacks == "2"
    assert {"network", "cluster"} <= {*imported}
    assert {*imported}.isdisjoint({"pipeline", "codebuild", "service", "worker", "dashboard"})


def test_every_kind_is_a_module_whose_type_is_checked() -> None:
    module = ast.parse((ROOT / "templates/__init__.py").read_text())
    checked = next(
        {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        for block in module.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.AnnAssign)
    )
    assert checked - {"KINDS", "TemplateModule", "tuple"} == {*TEMPLATES}
    for kind in TEMPLATES:
        assert TEMPLATES[kind].__name__.split(".")[-1] == kind
        assert TEMPLATES[kind].Params.model_fields is not None


def test_a_kind_is_looked_up_like_in_a_dict() -> None:
    modules = LateModules("templates", {"alb": "load_balancers.alb"})
    assert "alb" in modules
    assert "nlb" not in modules
    assert modules.get("nlb") is None
    assert len(modules) == 1
    alb = modules["alb"]
    assert alb.__name__ == "templates.load_balancers.alb"
    assert {**modules} == {"alb": alb}
    assert {"alb": ast, "queue": sys} | modules == {"alb": alb, "queue": sys}


def test_a_project_adds_its_own_kinds_and_replaces_others() -> None:
    modules = LateModules("templates", {"alb": "load_balancers.alb", "none": "none"})
    more = modules | {"queue": ast, "none": subprocess} | {"queue": sys}
    assert [*more] == ["alb", "none", "queue"]
    assert len(more) == 3
    assert "queue" in more
    assert (more["none"], more["queue"]) == (subprocess, sys)
    assert "queue" not in modules
