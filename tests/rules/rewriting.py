"""Rewrites of templates that do not change what is deployed.

A rewrite takes the body of a template and returns another one; `chosen` decides for each place
whether it is rewritten. The result deploys the same resources, so the rules must find the same
problems in it, or fewer if a value is no longer in view.
"""

from __future__ import annotations

import json

from cfnlint.decode.cfn_json import CfnJSONDecoder
from resource_rewrites import (
    in_reverse_order,
    policies_as_managed_policies,
    separate_policies,
    separate_security_group_rules,
    with_meaningless_names,
)
from stack_splits import (
    split_off_listeners,
    split_off_roles,
    split_off_services,
    split_off_shared_resources,
)
from template_parts import Body, Chosen, Rewrite, Split
from value_rewrites import (
    attributes_as_text,
    if_around_items,
    if_around_literals,
    if_around_properties,
    join_as_sub,
    literals_as_join,
    literals_as_mappings,
    literals_as_parameters,
    literals_as_select,
    literals_as_sub,
    numbers_as_text,
    references_as_sub,
    sub_as_join,
)


def as_json(body: Body, chosen: Chosen) -> Body:
    """The template as cfn-lint reads it from a JSON file, with its marks."""
    read: Body = json.loads(json.dumps(body), cls=CfnJSONDecoder) if chosen() else body
    return read


REWRITES: tuple[Rewrite, ...] = (
    as_json,
    numbers_as_text,
    attributes_as_text,
    literals_as_parameters,
    literals_as_mappings,
    literals_as_sub,
    literals_as_join,
    literals_as_select,
    references_as_sub,
    sub_as_join,
    join_as_sub,
    if_around_literals,
    if_around_items,
    if_around_properties,
    separate_security_group_rules,
    separate_policies,
    policies_as_managed_policies,
    with_meaningless_names,
    in_reverse_order,
)

SPLITS: tuple[Split, ...] = (
    split_off_shared_resources,
    split_off_listeners,
    split_off_roles,
    split_off_services,
)
