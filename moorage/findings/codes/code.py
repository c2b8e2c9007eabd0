"""The code of a finding."""

from __future__ import annotations

from moorage.records import record


@record
class Code:
    """One kind of mistake, and its page in `explain` and docs/findings.md."""

    id: str
    """`M` and four digits. An id never changes its meaning and is never used again."""
    title: str
    """What is wrong, in one line that ends with a full stop."""
    cause: str
    """Why it is wrong: what CloudFormation, ECS or Elastic Load Balancing does with it."""
    fix: str
    """What to write instead."""
    example: str
    """Valid params in the right form, with a comment at the line that matters: those of one stack,
    or of a whole file."""
    sources: tuple[str, ...] = ()
    """Titles of the pages of AWS, or of standards, that the cause relies on."""
    rules: tuple[str, ...] = ()
    """Rules that say the same of a template: Moorage's and cfn-lint's. A build that reports the
    code about a stack leaves out what they find in the template of the stack."""
    not_in_templates: str = ""
    """Why a template cannot show the mistake, if there are no such rules. Without it, the reason of
    the topic applies."""
