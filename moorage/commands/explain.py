"""`build.py explain`."""

from __future__ import annotations

import argparse

from moorage.commands.usage import CLEAN, UsageError, similar_code


def explain(arguments: argparse.Namespace) -> int:
    """Tell what the code of a finding means."""
    from moorage.findings.explain import TITLES, listing, markdown, page
    from moorage.pipeline.check import lint_page

    if arguments.format == "markdown":
        print(markdown(), end="")
        return CLEAN
    codes = [code.upper() for code in arguments.codes]
    pages = {code: page(code) or lint_page(code) for code in codes}
    for code, known in pages.items():
        if known is None:
            raise UsageError(
                f"`{code}` is no code of Moorage's or cfn-lint's. {similar_code(code, TITLES)}"
            )
    print("\n".join(filter(None, pages.values())) if codes else listing(), end="")
    return CLEAN
