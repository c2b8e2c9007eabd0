"""Routes as Hypothesis generates them."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from templates.exposure.alb.routes import Route

# The same examples in every run, so that a failure is caused by the change under test.
deterministic = partial(settings, deadline=None, derandomize=True, database=None)


def make_route(**params: Any) -> Route:
    return Route.model_validate({"via": "public", **params})


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"
WORDS = st.text(LETTERS, min_size=1, max_size=12)
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from("*?/")), max_size=6).map("".join)
PATHS = st.one_of(PATTERNS.map("/{}".format), PATTERNS.map("*{}".format), st.just("/*"))
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
TOPS = st.text("abcdefghij", min_size=2, max_size=5)
HOSTS = st.one_of(
    LABELS.map("{}.example.com".format),
    st.tuples(LABELS, TOPS).map(".".join),
    LABELS.map("*.{}.com".format),
    LABELS.map("{}*.com".format),
    LABELS.map("?.{}.com".format),
)
OTHERS: list[dict[str, Any]] = [
    {"methods": ["POST"]},
    {"headers": {"X-Canary": "yes"}},
    {"query": [{"key": "version", "value": "2"}]},
    {"source_ips": ["10.0.0.0/8"]},
]


def _few(values: SearchStrategy[str]) -> SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


@st.composite
def conditions_of_a_route(draw: st.DrawFn) -> dict[str, Any]:
    """The conditions of a route, as params: at least one."""
    params = draw(st.fixed_dictionaries({}, optional={"hosts": _few(HOSTS), "paths": _few(PATHS)}))
    for other in draw(st.lists(st.sampled_from(OTHERS), unique_by=str, max_size=4)):
        params |= other
    return params or {"paths": ["/*"]}


@st.composite
def narrower_pattern(draw: st.DrawFn, pattern: str, letters: str = LETTERS) -> str:
    """A pattern that matches less: a wildcard is replaced by letters or a narrower pattern."""
    at = draw(st.sampled_from([at for at, letter in enumerate(pattern) if letter in "*?"]))
    text = st.text(letters, min_size=1, max_size=6)
    choices = (
        [text] if pattern[at] == "?" else [text, text.map("{}*".format), text.map("*{}".format)]
    )
    narrow = draw(st.one_of(*choices)) if pattern[at] == "*" else draw(st.sampled_from(letters))
    return pattern[:at] + narrow + pattern[at + 1 :]


WILD_PATHS = PATHS.filter(lambda pattern: "*" in pattern or "?" in pattern)
WILD_HOSTS = st.one_of(
    LABELS.map("*.{}.com".format), LABELS.map("{}*.com".format), LABELS.map("*.{}*.com".format)
)


@st.composite
def nested_conditions(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Conditions, and narrower ones that match a part of the same requests."""
    wide: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"hosts": _few(WILD_HOSTS), "paths": _few(WILD_PATHS)})
    )
    wide |= draw(st.sampled_from([{}, *OTHERS]))
    free = [other for other in OTHERS if not other.keys() & wide.keys()]
    narrow = dict(wide)
    change = draw(st.sampled_from(["other", "hosts", "paths"]))
    if change == "other":
        narrow |= draw(st.sampled_from(free))
    elif change in wide:
        letters = "abcdefghij" if change == "hosts" else LETTERS
        patterns = [draw(narrower_pattern(pattern, letters)) for pattern in wide[change]]
        if change == "paths":
            patterns = [path if path[0] in "/*" else f"/{path}" for path in patterns]
        narrow[change] = list(dict.fromkeys(patterns))
    else:
        narrow[change] = draw(
            _few(LABELS.map({"hosts": "{}.a.com", "paths": "/{}/*"}[change].format))
        )
    return wide or {"paths": ["/*"]}, narrow
