"""Reading the text of a template, with lines, also where keys are written twice."""

from __future__ import annotations

from typing import Any

import yaml
from cfnlint.decode import cfn_yaml
from cfnlint.decode.decode import decode_str
from cfnlint.match import Match

_DUPLICATE = "Duplicate found"


class _LenientLoader(cfn_yaml.CfnFullLoader):  # type: ignore[misc]
    """cfn-lint's loader, but of two equal keys the last one counts, and all are reported."""

    def __init__(self, text: str) -> None:
        super().__init__(text, None)
        self.duplicates: list[Match] = []

    def construct_yaml_map(self, node: yaml.MappingNode) -> Any:
        try:
            return super().construct_yaml_map(node)
        except cfn_yaml.CfnParseError as error:
            if not _are_duplicates(error.matches):
                raise
            self.duplicates += error.matches
            node.value = list({key.value: (key, value) for key, value in node.value}.values())
            return super().construct_yaml_map(node)


_LenientLoader.add_constructor("tag:yaml.org,2002:map", _LenientLoader.construct_yaml_map)
_LenientLoader.add_multi_constructor("!", cfn_yaml.multi_constructor)


def decode_template(text: str) -> tuple[Any, list[Match]]:
    """The body of a template, or None if it cannot be read, and the errors of reading it."""
    body, errors = decode_str(text)
    if not errors or not _are_duplicates(errors) or _has_aliases(text):
        return (None if errors else body), errors
    loader = _LenientLoader(text)
    try:
        return loader.get_single_data(), loader.duplicates
    except (yaml.YAMLError, ValueError):
        return None, errors


def _are_duplicates(errors: list[Match]) -> bool:
    return all(error.message.startswith(_DUPLICATE) for error in errors)


def _has_aliases(text: str) -> bool:
    """Whether a few lines can stand for very many, which cfn-lint checks in what it reads."""
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))
