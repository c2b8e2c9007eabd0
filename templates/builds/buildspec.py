"""Buildspecs: what CodeBuild runs.

AWS CodeBuild user guide, "Buildspec syntax". Everything is in the phases `install` and `build`,
because CodeBuild also runs `post_build` after a build that has failed. References to resources are
variables of the project, so that the text has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moorage.facts.codebuild import PYTHON_RUNTIME


def buildspec_text(
    phases: Mapping[str, Sequence[str]], *, python: bool = False, exported: Sequence[str] = ()
) -> str:
    """A buildspec in YAML: the commands of each phase, the version of Python if the image of
    CodeBuild is to provide it, and the variables that a pipeline can read afterwards."""
    lines = ["version: 0.2", "env:", "  shell: bash"]
    if exported:
        lines += ["  exported-variables:", *(f"    - {name}" for name in exported)]
    lines.append("phases:")
    for phase, commands in phases.items():
        if not commands and not (python and phase == "install"):
            continue
        lines.append(f"  {phase}:")
        if python and phase == "install":
            lines += ["    runtime-versions:", f'      python: "{PYTHON_RUNTIME}"']
        if commands:
            lines.append("    commands:")
        for command in commands:
            lines.append("      - |")
            lines += [f"        {line}".rstrip() for line in command.strip().splitlines()]
    return "\n".join(lines) + "\n"
