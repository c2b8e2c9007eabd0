"""Templates with other resources in front of their own.

A rule that looks only at the first resource of a type, or stops at the first that is correct,
finds nothing in them.
"""

from __future__ import annotations

from resource_rewrites import rename_resources
from template_parts import Body

_MERGED = ("Conditions", "Mappings", "Parameters", "Resources")


def put_in_front(body: Body, *others: Body) -> Body:
    """The template with the resources of others in front of its own, under other names. Where two
    have a parameter, mapping or condition of the same name, its own is taken."""
    renamed = [_rename(other, f"Other{index}") for index, other in enumerate(others)]
    merged = {
        section: {
            name: value
            for template in (*renamed, body)
            for name, value in template.get(section, {}).items()
        }
        for section in _MERGED
        if any(section in template for template in (*renamed, body))
    }
    return {**body, **merged}


def _rename(body: Body, prefix: str) -> Body:
    """A template with a prefix before the names of its parameters and resources."""
    parameters = body.get("Parameters", {})
    names = {name: prefix + name for name in (*parameters, *body["Resources"])}
    renamed = {names[name]: parameter for name, parameter in parameters.items()}
    return rename_resources({**body, "Parameters": renamed}, names)
