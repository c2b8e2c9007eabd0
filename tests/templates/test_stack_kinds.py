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
SERVICE = (
    PARAMS
    + """
  public: {template: alb, certificate: []}
  web:
    template: service
    containers: {web: {image: "ecr:web:1.0", ports: [8080]}}
    expose: [{via: public, hosts: [www.example.com]}]
"""
)
PROXIED = (
    SERVICE
    + """
    proxy: {port: 8081, routes: [{path: /, to: web}]}
    scaling: {min: 1, max: 3, cpu: 60}
"""
)
LATE = {
    "crossplane",
    "moorage.pipeline.pydantic_errors",
    "moorage.pipeline.unknown_keys",
    "templates.cluster.capacity.auto_scaling_group",
    "templates.cluster.capacity.managed_instances",
    "templates.exposure.code_deploy",
    "templates.proxy.nginx_config",
    "templates.proxy.nginx_server",
    "templates.proxy.nginx_syntax",
    "templates.proxy.proxy_problems",
    "templates.proxy.real_nginx",
    "templates.tasks.code_deploy_resources",
    "templates.tasks.scaling",
    "troposphere.applicationautoscaling",
    "troposphere.codedeploy",
}
"""What is imported only for parts that few services have, and for mistakes in params."""
LIST = """
import sys
from pathlib import Path
from moorage.pipeline.build import build
from templates import TEMPLATES
built = build(Path(sys.argv[1]), "dev", TEMPLATES)
print(len(built.plan.stacks), *sys.modules)
"""
VALIDATORS = """
from templates.bucket import Params
print(Params.__pydantic_complete__)
Params.model_validate({})
print(Params.__pydantic_complete__)
"""
WITH_VALIDATORS = """
from moorage.model import Base
from moorage.pipeline.header import Header
from templates import TEMPLATES

def list_models(model):
    return [model, *(inner for each in model.__subclasses__() for inner in list_models(each))]

kinds = [*TEMPLATES.values()]
models = list_models(Base)
print(len(models), *(each.__name__ for each in models if each.__pydantic_complete__))
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


def test_a_build_of_a_service_imports_no_parts_that_it_does_not_have(tmp_path: Path) -> None:
    assert list_modules(tmp_path, SERVICE).isdisjoint(LATE)
    imported = list_modules(tmp_path, PROXIED)
    assert {"templates.proxy.nginx_config", "templates.tasks.scaling"} <= imported
    assert "templates.tasks.code_deploy_resources" not in imported


def list_modules(folder: Path, params: str) -> set[str]:
    """The modules that a process has imported after it has built an environment of four stacks."""
    (folder / "dev.yaml").write_text(params)
    command = [sys.executable, "-c", LIST, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    stacks, *imported = done.stdout.split()
    assert stacks == "4"
    return {*imported}


def test_a_model_has_no_validator_before_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", VALIDATORS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_no_validator_is_made_by_an_import() -> None:
    """A default that is made by calling its model would need one (`model_construct` does not)."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_VALIDATORS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    count, *complete = done.stdout.split()
    assert int(count) > 200
    assert complete == []


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
