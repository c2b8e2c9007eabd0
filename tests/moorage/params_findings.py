"""Findings about params that have one mistake."""

from __future__ import annotations

from pathlib import Path

from moorage.findings.finding import Finding
from moorage.pipeline.load import load
from moorage.pipeline.validate import validate
from templates import TEMPLATES

HEADER = "app: shop\nregion: eu-central-1\n"
OTHERS = "  network: {}\n  cluster: {}\n  public: {template: alb, certificate: []}\n"
CONTAINERS = 'containers: {web: {image: "nginx:1.27", ports: [8080]}}'


def findings(folder: Path, text: str, base: str | None = None) -> list[Finding]:
    if base is not None:
        (folder / "base.yaml").write_text(base)
    (folder / "dev.yaml").write_text(text)
    document, load_findings = load(folder, "dev")
    return load_findings if document is None else load_findings + validate(document, TEMPLATES)[1]


def service_finding(folder: Path, line: str) -> Finding:
    """The only finding about a service with this line."""
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n    {CONTAINERS}\n    {line}\n"
    (finding,) = findings(folder, text)
    return finding


def container_finding(folder: Path, line: str) -> Finding:
    """The only finding about a container with this line."""
    container = f"containers:\n      web:\n        image: nginx:1.27\n        {line}\n"
    text = f"{HEADER}stacks:\n{OTHERS}  web:\n    template: service\n    {container}"
    (finding,) = findings(folder, text)
    return finding
