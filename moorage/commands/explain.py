"""`build.py explain`: the pages of codes and rules."""

from __future__ import annotations

import argparse

from moorage.commands.usage import CLEAN, UsageError, similar_code

_DOCUMENTS = ("findings", "rules", "topics", "diagnoses")


def add_arguments(explaining: argparse.ArgumentParser) -> None:
    """Adds the arguments of `explain`."""
    explaining.add_argument(
        "codes",
        nargs="*",
        metavar="CODE|findings|rules|diagnoses",
        help="codes; `findings`, `rules` or `diagnoses` for a list of these; default: all codes",
    )
    explaining.add_argument("--format", choices=("text", "markdown"), default="text")


def explain(arguments: argparse.Namespace) -> int:
    """Print what a code means, why it is wrong, and what to write instead."""
    names = arguments.codes
    if arguments.format == "markdown":
        print(_document(names), end="")
    elif not names or names[0] in _DOCUMENTS:
        print(_list(names), end="")
    else:
        print("\n".join(_page(name) for name in names), end="")
    return CLEAN


def _document(names: list[str]) -> str:
    from moorage.deploy.diagnosis.document import diagnoses_document
    from moorage.findings.explain import rules_document, topic_document, topic_pages
    from moorage.findings.pages import findings_document
    from moorage.findings.wording import join_or

    documents = {
        "findings": findings_document,
        "rules": rules_document,
        "diagnoses": diagnoses_document,
    }
    if len(names) == 2 and names[0] == "rules":
        text = topic_document(names[1])
        if text is None:
            raise UsageError(f"There is no topic `{names[1]}`. Write {join_or(topic_pages())}.")
        return text
    if len(names) > 1 or not {*names} <= documents.keys():
        raise UsageError(
            "--format markdown prints a whole document: `findings`, `rules` or `diagnoses`, or the "
            "rules of one topic, such as `rules target-groups`."
        )
    return documents[names[0] if names else "rules"]()


def _list(names: list[str]) -> str:
    from moorage.deploy.diagnosis.known import KNOWN
    from moorage.findings.codes import CODES
    from moorage.findings.explain import TITLES, list_titles, topic_pages

    if names == ["topics"]:
        return "".join(f"{page}\n" for page in topic_pages())
    if names == ["diagnoses"]:
        return list_titles({known.id: known.title for known in KNOWN})
    chosen = {"findings": lambda code: code in CODES, "rules": lambda code: code not in CODES}
    keep = chosen.get(names[0]) if names else None
    return list_titles({code: t for code, t in TITLES.items() if keep is None or keep(code)})


def _page(name: str) -> str:
    from moorage.deploy.diagnosis.document import terminal_page
    from moorage.findings.explain import TITLES, page
    from moorage.pipeline.check import lint_page

    code = name.upper()
    text = page(code) or terminal_page(name) or lint_page(code)
    if text is None:
        similar = similar_code(code, TITLES)
        raise UsageError(f"`{code}` is not a code of Moorage or cfn-lint. {similar}")
    return text
