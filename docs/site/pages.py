"""Writes the pages of the documentation site into a folder: those of docs/, those from the root of
the repository, and a list of the decisions. `make site` runs it.

Links from page to page stay in the site; links to other files lead to the repository.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REPOSITORY = "https://github.com/moorage/moorage"
FROM_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files in the root of the repository, and the pages that they become."""

DECISIONS = "docs/decisions"
LINK = re.compile(r"(?<=\]\()([^)#\s]+)(#[^)\s]*)?(?=\))")
CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def write_pages(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site"))
    for path in sorted(DOCS.rglob("*.md")):
        source = path.relative_to(ROOT).as_posix()
        write_page(folder, source, page_of(source), path.read_text(encoding="utf-8"))
    for source, page in FROM_ROOT.items():
        write_page(folder, source, page, (ROOT / source).read_text(encoding="utf-8"))
    write_page(folder, f"{DECISIONS}/", page_of(DECISIONS), decision_list())


def write_page(folder: Path, source: str, page: str, text: str) -> None:
    parts = CODE.split(text)
    replaced = [
        part if index % 2 else replace_links(part, source, page) for index, part in enumerate(parts)
    ]
    (folder / page).write_text("".join(replaced), encoding="utf-8")


def replace_links(text: str, source: str, page: str) -> str:
    def replace(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if not (ROOT / path).exists():
            sys.exit(f"{source}: `{target}` does not exist")
        if path in FROM_ROOT or path.startswith("docs/"):
            return posixpath.relpath(page_of(path), posixpath.dirname(page) or ".") + anchor
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{path}{anchor}"

    return LINK.sub(replace, text)


def page_of(path: str) -> str:
    """What a path in the repository becomes in the site."""
    page = FROM_ROOT.get(path, path.removeprefix("docs/"))
    return f"{page}/index.md" if path == DECISIONS else page


def decision_list() -> str:
    items = []
    for path in sorted((ROOT / DECISIONS).glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        items.append(f"- [{title}]({path.name})")
    return "\n".join(["# Decisions", "", *items, ""])


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
