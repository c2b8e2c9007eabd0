"""Which environments and which code a changed file concerns."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.pipeline.build import build
from moorage.watch.concerns import find_code, find_code_folders, find_concerned
from moorage.watch.reads import record_reads
from templates import TEMPLATES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("changed", "concerned"),
    [
        ("params/dev.yaml", ["dev"]),
        ("params/base.yaml", ["dev", "prod"]),
        ("params/nginx/web.conf", ["prod"]),
        ("params/nginx", ["prod"]),
        ("params/nginx/other.conf", []),
        ("params/nginx/web.conf~", []),
        ("params", ["dev", "prod"]),
        (".cfnlintrc", ["dev", "prod"]),
        (".cfnlintrc.yml", ["dev", "prod"]),
        ("out/dev/web.yaml", []),
        ("params/stage.yaml", []),
    ],
)
def test_a_changed_path_concerns_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, concerned: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    reads = {"dev": set[str](), "prod": {str(tmp_path / "params/nginx/web.conf")}}
    path = str(tmp_path / changed)
    assert find_concerned([path], Path("params"), reads) == concerned


def test_a_link_and_what_it_leads_to_concern_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params/common").mkdir(parents=True)
    target, link = tmp_path / "params/common/web.conf", tmp_path / "params/web.conf"
    target.write_text("x")
    link.symlink_to(target)
    with record_reads() as reads:
        link.read_text()
    for changed in (target, link):
        assert find_concerned([str(changed)], Path("params"), {"dev": reads}) == ["dev"]


def test_a_build_records_what_it_reads_and_what_it_misses(tmp_path: Path) -> None:
    params = tmp_path / "params"
    params.mkdir()
    (params / "prod.yaml").write_text("app: x\nregion: eu-central-1\nstacks: {network: {}}\n")
    (params / "dev.yaml").write_text(
        "app: shop\nregion: eu-central-1\nstacks:\n  web:\n    template: service\n"
        "    containers: {web: {image: x, ports: [80]}}\n    proxy: {config: nginx/none.conf}\n"
    )
    with record_reads() as reads:
        build(params, "dev", TEMPLATES)
    assert {str(params / "dev.yaml"), str(params / "nginx/none.conf")} <= reads
    assert str(params / "prod.yaml") not in reads
    with record_reads() as none:
        pass
    (params / "prod.yaml").read_text()
    assert none == set(), "nothing is recorded afterwards"


def test_the_code_of_the_project_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    folders = find_code_folders("templates")
    assert {ROOT / "templates", ROOT / "moorage"} <= {*folders}
    assert not any("site-packages" in folder.parts for folder in folders)
    code = str(ROOT / "templates/service.py")
    assert find_code([code, str(ROOT / "templates/new.py")], folders) == [
        str(ROOT / "templates/new.py"),
        code,
    ]
    others = [ROOT / "templates/notes.md", ROOT / "params/dev.yaml", ROOT / "out/x.py"]
    assert find_code([str(path) for path in others], folders) == []


def test_installed_code_is_not_that_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_code_folders("pydantic") == []
