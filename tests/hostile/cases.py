"""Hostile inputs, with the code of the finding that each gets."""

from __future__ import annotations

from pathlib import Path

INPUTS = Path(__file__).parent / "inputs"
_HEAD = "app: x\nregion: eu-central-1\nstacks:\n"
_NETWORK = f"{_HEAD}  network: "


def _laughs(levels: int, merge: str = "") -> str:
    """YAML whose size doubles with every line."""
    lines = ["m0: &m0 {a: 1}"]
    for level in range(1, levels):
        value = f"[*m{level - 1}, *m{level - 1}]"
        lines.append(f"m{level}: &m{level} {{{merge}: {value}}}")
    return "\n".join(lines)


TOO_LARGE = {
    "laughs": _laughs(60, "list"),
    "merges": _laughs(60, '"<<"'),
    "merge-chain": "m0: &m0 {a: 1}\n"
    + "".join(f"m{n}: &m{n} {{<<: *m{n - 1}, k{n}: 1}}\n" for n in range(1, 3000)),
    "keys": "".join(f"k{number}: v\n" for number in range(400_000)),
    "comments": "# abc def ghi\n" * 3_500_000,
    "list": "[" + "[]," * 300_000 + "]",
    "brackets": "[" * 100_000,
    "brackets-on-lines": "[\n" * 100_000,
    "braces": "{a: " * 50_000,
    "closed-brackets": "[" * 5_000 + "]" * 5_000,
    "indented": "".join(f"{' ' * level}a:\n" for level in range(500)),
    "dashes": "- " * 5_000,
    "question-marks": "? " * 5_000,
    "long-text": f"a: {'b ' * 300_000}",
    "long-key": f'? "{"k" * 2_000}"\n: 1\n',
    "deep-aliases": "m0: &m0 [a]\n" + "".join(f"m{n}: &m{n} [*m{n - 1}]\n" for n in range(1, 100)),
    "many-aliases": "a: &a 1\nb: [" + "*a, " * 10_000 + "]",
}
"""Texts that both params and templates are refused for."""

TOO_LARGE_JSON = {
    "json-brackets": "\t" + "[" * 100_000,
    "json-objects": "\t" + '{"a":' * 100_000,
    "json-keys": "{\t" + ",".join(f'"k{number}": 1' for number in range(5_000)) + "}",
    "json-text": '{\t"a": "' + "b" * 600_000 + '"}',
}
"""Templates that are indented with tabs, which YAML does not allow."""

PARAMS = {
    **{path.stem: (path.read_text(), code) for path, code in (
        (INPUTS / "merge-bomb.yaml", "M1021"),
        (INPUTS / "control-chars.yaml", "M1022"),
        (INPUTS / "env-control-chars.yaml", "M1022"),
        (INPUTS / "surrogate-build.yaml", "M1022"),
        (INPUTS / "surrogate-check-stdout.yaml", "M1022"),
        (INPUTS / "surrogate-env.yaml", "M1022"),
        (INPUTS / "surrogate-key.yaml", "M1022"),
        (INPUTS / "surrogate-tag.yaml", "M1022"),
        (INPUTS / "tag-bool-maybe.yaml", "M1006"),
        (INPUTS / "tag-float-empty.yaml", "M1006"),
        (INPUTS / "tag-int-empty.yaml", "M1006"),
    )},
    **{name: (text, "M1021") for name, text in TOO_LARGE.items()},
    **{
        f"tag-{number}": (f"{_NETWORK}{{cidr: {value}}}\n", "M1006")
        for number, value in enumerate((
            '!!null x', '!!binary "%"', "!!set {a}", "!!omap [a: 1]",
            "!!pairs [a: 1]", "!!python/object:os.system x", "!!merge x", '!!value ""',
            "!!map x", "!!seq x", "!!int 1_0_x", "!!float 1.2.3",
            "!!float .", "!!int -", "!!int 0x", "!!bool 1", "!!int 1e5",
        ))
    },
    "many-maps": ("".join(
        f"- {{{', '.join(f'k{key}: 1' for key in range(1000))}}}\n" for _ in range(30)
    ), "M1021"),
    "many-lists": ("[" + "[]," * 100_000 + "]", "M1021"),
    "text": (f"a: {'b ' * 100_000}", "M1021"),
    "empty-timestamp": (f'{_NETWORK}{{cidr: !!timestamp ""}}\n', "M1504"),
    "text-that-is-a-list": (f"{_NETWORK}{{cidr: !!str [a]}}\n", "M1103"),
    "tag-prefix": (f"{_NETWORK}{{cidr: !x!y z}}\n", "M1002"),
    "long-integer": (f"{_NETWORK}{{availability_zones: {'9' * 10_000}}}\n", "M1021"),
    "long-hexadecimal": (f"{_NETWORK}{{availability_zones: 0x{'f' * 60_000}}}\n", "M1021"),
    "huge-exponent": (f"{_NETWORK}{{availability_zones: 1e999999999}}\n", "M1103"),
    "infinity": (f"{_NETWORK}{{availability_zones: .inf}}\n", "M1103"),
    "sexagesimal": (f"{_NETWORK}{{availability_zones: {'1:' * 200}0}}\n", "M1103"),
    "anchor-in-itself": (f"{_NETWORK}&a {{cidr: *a, tags: [*a], b: &b [*a, *b]}}\n", "M1006"),
    "same-keys": (_NETWORK + "{" + "cidr: 1, " * 1_900 + "}\n", "M1003"),
    "unknown-keys": (
        _NETWORK + "{" + ", ".join(f"key_{number}: 1" for number in range(1_900)) + "}\n", "M1101"
    ),
    "unknown-keys-of-many-stacks": (
        _HEAD + "".join(
            f"  n{stack}: {{template: network, "
            + ", ".join(f"key_{number}: 1" for number in range(150)) + "}\n"
            for stack in range(75)
        ), "M1101"
    ),
    "wrong-references": (f'{_NETWORK}{{cidr: "{"${x}" * 10_000}"}}\n', "M1005"),
    "open-references": (f'{_NETWORK}{{cidr: "{"${" * 30_000}"}}\n', ""),
    "bidi-comment": (f"# \u202e\n{_NETWORK}{{}}\n", "M1022"),
    "c1-in-key": (f'{_HEAD}  "a\\x9b31m": {{}}\n', "M1022"),
    "tab-in-key": (f'{_HEAD}  "a\\tb": {{}}\n', "M1022"),
    "bidi-isolate": (f'{_NETWORK}{{cidr: "\\u2066"}}\n', "M1022"),
}  # fmt: skip
"""Params and the code of one of the findings; "" for any."""
