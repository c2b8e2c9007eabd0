"""Hints where there are many names to choose from, and values that are hidden in many findings."""

from __future__ import annotations

import difflib
import json
from itertools import product
from pathlib import Path

from moorage.findings.finding import Finding, Place
from moorage.findings.wording import find_closest, limit_guesses, near
from moorage.pipeline.build import build
from moorage.pipeline.secret_params import hide_secrets
from templates import TEMPLATES

NAMES = [f"service-{number}" for number in range(401)]


def test_the_closest_name_is_that_of_difflib() -> None:
    words = ["".join(letters) for length in (2, 3) for letters in product("ab1", repeat=length)]
    for word, similarity in product(words, (0.4, 0.6, 0.9)):
        expected = difflib.get_close_matches(word, words[::2], 1, similarity)
        assert find_closest(word, words[::2], similarity) == "".join(expected)


def test_among_many_names_the_first_hundred_words_have_a_similar_one() -> None:
    words = [f"servise-{number}" for number in range(102)]
    with limit_guesses():
        found = [near(word, NAMES) for word in words]
        assert found == [*NAMES[:100], "", ""]
        assert near(words[0], NAMES) == NAMES[0]  # also where it is written again
        assert near(words[101], NAMES[:102]) == NAMES[101]
    with limit_guesses():
        assert near(words[101], NAMES) == NAMES[101]
    assert all(near(word, NAMES) for word in words)


def test_a_build_looks_for_a_hundred_similar_names(tmp_path: Path) -> None:
    mounts = {f"servise-{number}": f"/{number}" for number in range(102)}
    service = {
        "template": "service",
        "containers": {"app": {"image": "ecr:app:1", "mounts": mounts}},
        "volumes": {name: {"efs": True} for name in NAMES},
    }
    stacks = {"network": {}, "cluster": {}, "web": service}
    params = {"app": "a", "region": "eu-central-1", "stacks": stacks}
    (tmp_path / "dev.yaml").write_text(json.dumps(params, indent=1))
    for _ in range(2):
        findings = build(tmp_path, "dev", TEMPLATES).findings
        hints = [finding.hint for finding in findings if finding.code == "M1221"]
        assert len(hints) == 102
        assert [hint.startswith("Did you mean `service-") for hint in hints].count(True) == 100


def hide(message: str, *path: str | int, **values: object) -> str:
    """A message about params with these values."""
    place = Place("dev.yaml", 1)
    (finding,) = hide_secrets([Finding("M1", "error", place, path, message, message)], values)
    assert finding.message == finding.hint
    return finding.message


def test_the_longest_value_is_hidden_first() -> None:
    assert hide("is hunter-22", password="hunter", token="hunter-22") == "is ***"
    assert hide("is hunter-22", password="hunter-2", token="ter-22") == "is ***2"
    assert hide("is hunter", password="hunter", token="***") == "is ***"
    same = "x" * 100
    assert hide(f"is {same}ab", password=f"{same}abc", token=f"{same}ab") == "is ***"
    assert hide("is secret1a*", password="secret1", token="***a*") == "is ***"


def test_a_value_is_hidden_as_messages_quote_it() -> None:
    value = 'it\'s "it"'
    for quoted in (value, json.dumps(value)[1:-1], repr(value)[1:-1]):
        assert hide(f"is {quoted}", password=value) == "is ***"
    assert hide(f"is {'x' * 100}...", password="x" * 200) == "is ***..."


def test_a_short_value_is_hidden_near_its_place() -> None:
    stacks = {"web": {"password": "dev"}, "api": {"count": 1}}
    assert hide("dev and devel", "stacks", "web", "count", stacks=stacks) == "*** and devel"
    assert hide("dev and devel", "stacks", stacks=stacks) == "*** and devel"
    assert hide("dev and devel", "stacks", "api", stacks=stacks) == "dev and devel"
