"""Writes tests/cdk/cdk.out from app.js: `python tests/cdk/synthesize.py`. Needs node and npm.

Keeps what `check` reads, and of the metadata only the logical IDs and where the app creates them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ASSEMBLY = HERE / "cdk.out"
KINDS = ("aws:cdk:logicalId", "aws:cdk:creationStack")
CONTEXT = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def synthesize() -> None:
    """Installs the libraries in a new folder, runs the app there, and copies the assembly."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name).resolve()
        for file in ("app.js", "package.json"):
            shutil.copy(HERE / file, home)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=home, check=True)
        settings = {"CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": json.dumps(CONTEXT)}
        subprocess.run(["node", "app.js"], cwd=home, check=True, env={**os.environ, **settings})
        shutil.rmtree(ASSEMBLY, ignore_errors=True)
        for file in sorted((home / "cdk.out").rglob("*.json")):
            _copy(file, ASSEMBLY / file.relative_to(home / "cdk.out"), home)


def _copy(file: Path, target: Path, home: Path) -> None:
    if file.name.endswith((".assets.json", "tree.json", "validation-report.json")):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text().replace(f"{home}/", "")
    if file.name.endswith(".template.json"):
        target.write_text(text.rstrip() + "\n")
        return
    value = json.loads(text)
    value = _reduce(value) if file.name.endswith(".metadata.json") else _reduce_manifest(value)
    target.write_text(json.dumps(value, indent=1) + "\n")


def _reduce(metadata: dict[str, Any]) -> dict[str, Any]:
    reduced = {
        path: [
            {key: entry[key] for key in ("type", "data")}
            for entry in entries
            if entry["type"] in KINDS
        ]
        for path, entries in metadata.items()
    }
    return {path: entries for path, entries in reduced.items() if len(entries) > 1}


def _reduce_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    kinds = ("aws:cloudformation:stack", "cdk:cloud-assembly")
    artifacts = {
        name: artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] in kinds
    }
    return {"version": manifest["version"], "artifacts": artifacts}


if __name__ == "__main__":
    synthesize()
