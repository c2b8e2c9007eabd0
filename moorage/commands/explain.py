"""`build.py explain`: the pages of codes and rules."""

from __future__ import annotations

import argparse
import re

from moorage.commands.usage import CLEAN, UsageError, similar_code

_LISTS = ("findings", "diagnoses")
_ID = re.compile(r"[EFW][0-9]{4}")
"""The id of a rule of AWS's engine that is reported."""


def add_arguments(explaining: argparse.ArgumentParser) -> None:
    """Adds the arguments of `explain`."""
    explaining.add_argument(
        "codes",
        nargs="*",
        metavar="CODE|findings|diagnoses",
        help="codes; `findings` or `diagnoses` for a list of these; default: all codes and rules",
    )
    explaining.add_argument("--format", choices=("text", "markdown"), default="text")


def explain(arguments: argparse.Namespace) -> int:
    """Print what a code means, why it is wrong, and what to write instead."""
    names = arguments.codes
    if arguments.format == "markdown":
        print(_document(names), end="")
    elif not names or names[0] in _LISTS:
        print(_list(names), end="")
    else:
        print("\n".join(_page(name) for name in names), end="")
    return CLEAN


def _document(names: list[str]) -> str:
    from moorage.deploy.diagnosis.document import diagnoses_document
    from moorage.findings.pages import findings_document

    documents = {"findings": findings_document, "diagnoses": diagnoses_document}
    if len(names) != 1 or names[0] not in documents:
        raise UsageError(
            "--format markdown prints a whole document: `findings` or `diagnoses`. "
            "For rules, write `python build.py rules --format markdown`."
        )
    return documents[names[0]]()


def _list(names: list[str]) -> str:
    from moorage.deploy.diagnosis.known import KNOWN
    from moorage.findings.codes import CODES
    from moorage.findings.explain import TITLES, list_titles

    if names == ["diagnoses"]:
        return list_titles({known.id: known.title for known in KNOWN})
    return list_titles(
        {code: title for code, title in TITLES.items() if not names or code in CODES}
    )


def _page(name: str) -> str:
    from moorage.findings.explain import TITLES, page

    code = name.upper()
    if code in ("RULES", "TOPICS"):
        option = " --topics" if code == "TOPICS" else ""
        raise UsageError(f"`python build.py rules{option}` lists the {name.lower()}.")
    text = page(code) or _page_of_others(name, code)
    if text is None:
        similar = _name_cfn_lint_rule(code) or similar_code(code, TITLES)
        owners = "Moorage, cfn-lint or cloudformation-validate"
        raise UsageError(f"`{code}` is not a code of {owners}. {similar}")
    return text


def _name_cfn_lint_rule(code: str) -> str:
    """A hint with cfn-lint's rule of the same digits: E1029 for F1029. Empty if it has none."""
    from moorage.lint.cfn_lint import lint_page
    from moorage.lint.engine_rules import same_rules

    same = [rule for rule in sorted(same_rules(code)) if _ID.fullmatch(code) and lint_page(rule)]
    return f"Did you mean `{same[0]}`?" if same else ""


def _page_of_others(name: str, code: str) -> str | None:
    """The page of a diagnosis, or of a rule of cfn-lint, which is slow to import, or of AWS's
    engine."""
    from moorage.deploy.diagnosis.document import terminal_page

    diagnosis = terminal_page(name)
    if diagnosis is not None:
        return diagnosis
    from moorage.lint.cfn_lint import lint_page

    return lint_page(code) or _page_of_engine(code)


def _page_of_engine(code: str) -> str | None:
    """The page of a rule of AWS's engine, with the rules of cfn-lint and the codes for the same
    mistakes. Raises UsageError if the engine does not run here, so that its rules are not known."""
    from moorage.findings.codes import CODES
    from moorage.findings.pages import join_words
    from moorage.lint.aws_engine import engine_page, has_engine
    from moorage.lint.cfn_lint import lint_page
    from moorage.lint.engine_rules import same_rules

    level = "W" if code.startswith("W") else "E"
    rules = [rule for rule in sorted(same_rules(code)) if rule[0] == level and lint_page(rule)]
    page = engine_page(code)
    if page is None:
        if _ID.fullmatch(code) and not has_engine():
            raise UsageError(_explain_missing_engine(code, rules))
        return None
    codes = [each.id for each in CODES.values() if not {*rules}.isdisjoint(each.rules)]
    same = (("The same in cfn-lint", rules), ("The same in params", codes))
    lines = [join_words(title, ids) for title, ids in same if ids]
    return "\n".join([page, *lines, ""]) if lines else page


def _explain_missing_engine(code: str, rules: list[str]) -> str:
    text = (
        f"`{code}` {'is' if code.startswith('F') else 'may be'} a rule of AWS's engine, "
        "cloudformation-validate, which is not installed here or cannot run."
    )
    similar = f" For cfn-lint's about the same, write `python build.py explain {' '.join(rules)}`."
    return text + (similar if rules else "")
