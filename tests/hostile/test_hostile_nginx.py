"""What a hostile nginx configuration can do during `build` and `check`: nothing.

The installed nginx is the real one. That it would do harm without protection is tested too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from nginx_cases import CASES, configuration

from templates.proxy.nginx_allowed import ALLOWED
from templates.proxy.nginx_check import find_mistakes
from templates.proxy.nginx_harmless import make_harmless, quote_word
from templates.proxy.nginx_run import find_nginx, find_temporary_kinds, run_nginx
from templates.proxy.nginx_syntax import parse_configuration
from templates.proxy.nginx_targets import Task
from templates.proxy.real_nginx import find_refusal, try_configuration

ROOT = Path(__file__).parents[2]
NGINX = find_nginx() or ""
COMPILER = shutil.which("cc")
needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")
MODULE = """
#include <stdio.h>
__attribute__((constructor)) static void load(void) {
    FILE *file = fopen(MARKER, "w");
    if (file) fclose(file);
}
"""
UNFINISHED = "nginx does not finish the test of this configuration in the time and memory it has"
SECRET = "AKIAIOSFODNN7EXAMPLE"


@dataclass(frozen=True)
class Trap:
    """A folder in which nothing may change, with files that hostile configurations name."""

    folder: Path

    @property
    def paths(self) -> dict[str, str]:
        names = {"so": "module.so", "file": "created", "secret": "secret", "conf": "more.conf"}
        return {key: str(self.folder / name) for key, name in names.items()}

    def changes(self) -> list[str]:
        """What was created; it is removed again."""
        created = [
            path
            for path in self.folder.iterdir()
            if path.name not in ("module.so", "secret", "more.conf")
        ]
        for path in created:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return sorted(path.name for path in created)


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Trap:
    found = Trap(tmp_path_factory.mktemp("trap"))
    paths = found.paths
    Path(paths["secret"]).write_text(SECRET)
    if COMPILER:
        source = tmp_path_factory.mktemp("source") / "module.c"
        source.write_text(MODULE)
        marker = f'-DMARKER="{found.folder / "loaded"}"'
        command = [COMPILER, "-shared", "-fPIC", marker, "-o", paths["so"], str(source)]
        subprocess.run(command, check=True)
    Path(paths["conf"]).write_text(f"load_module {paths['so']};\nerror_log {paths['file']};\n")
    return found


def text_of(case: str, trap: Trap) -> str:
    return configuration(*CASES[case], trap.paths)


# The real nginx ------------------------------------------------------------------------------


@needs_nginx
@pytest.mark.parametrize("case", CASES)
def test_hostile_configurations_run_and_create_nothing(case: str, trap: Trap) -> None:
    began = time.monotonic()
    outcome = try_configuration(NGINX, text_of(case, trap))
    assert time.monotonic() - began < 5
    assert trap.changes() == []
    assert SECRET not in str(outcome)
    if outcome.refusal:
        assert str(trap.folder) not in outcome.refusal.message


@needs_nginx
@pytest.mark.skipif(not COMPILER, reason="there is no C compiler")
@pytest.mark.parametrize(
    ("case", "created"),
    [
        ("load_module in quotes", "loaded"),
        ("include in quotes", "loaded"),
        ("error_log in quotes", "created"),
        ("access_log through /dev", "created"),
        ("temporary folders of a server", "created"),
    ],
)
def test_without_protection_hostile_configurations_do_harm(
    case: str, created: str, trap: Trap, tmp_path: Path
) -> None:
    run_nginx(NGINX, text_of(case, trap), tmp_path)
    assert created in trap.changes()


@needs_nginx
def test_what_nginx_did_not_test_is_reported() -> None:
    def untested(case: str) -> tuple[str, int]:
        outcome = try_configuration(NGINX, configuration(*CASES[case], {}))
        return outcome.untested, outcome.untested_line

    assert untested("load_module in quotes") == (
        "nginx tests this configuration without `load_module` (line 1)",
        1,
    )
    assert untested("JavaScript") == (
        "nginx tests this configuration without `js_path` (line 4), `js_import` (line 4) and "
        "`js_set` (line 4)",
        4,
    )
    assert untested("NUL") == (
        "nginx does not test this configuration, which has a control character",
        4,
    )
    assert untested("no end")[0].startswith("nginx does not test this configuration, which Moor")
    assert untested("a large table") == (
        UNFINISHED,
        1,
    )
    assert untested("include in http") == ("", 1)


# What reaches nginx --------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_no_file_or_host_of_the_configuration_reaches_nginx(case: str, trap: Trap) -> None:
    text = text_of(case, trap)
    directives, mistakes = parse_configuration(text)
    if mistakes or "\0" in text:
        return
    harmless = make_harmless(directives, text, "/run", ["client_body"], part=False)
    assert str(trap.folder) not in harmless.text.replace("/run", "") or "$host" in text
    hosts = re.sub(r"\$\w+", "", harmless.text)
    assert "evil.example" not in re.sub(r"(127\.0\.0\.1|a)/evil\.example", "", hosts)
    again, mistakes = parse_configuration(harmless.text)
    assert mistakes == []
    assert {directive.name for directive in again} <= ALLOWED.keys()


@needs_nginx
@pytest.mark.parametrize(
    "value",
    [
        *("a b", "a;b", "a{b", "a}", "}", "{", ";", "#a", "a#b", "'", '"', "'\"", "a'b\"c", "\\"),
        *(
            "\\\\",
            "\\n",
            "\\'",
            '\\"',
            "a\\",
            "a\\\\b",
            "\\.\\d",
            "$",
            "${",
            "${a",
            "$a{",
            "é",
            "\\t",
        ),
        *("a\tb", "ab\\\\nc", ")", "')", "~^(a|b)$", "\ufeffa", "a\\;b", "", "-", "a=b"),
    ],
)
def test_nginx_reads_a_quoted_word_as_its_value(value: str, tmp_path: Path) -> None:
    text = f"events {{ {quote_word(value)}; }}"
    assert run_nginx(NGINX, text, tmp_path) == (f'unknown directive "{value}"', 1)
    directives, mistakes = parse_configuration(text)
    assert mistakes == []
    assert directives[0].block is not None
    assert [word.value for word in directives[0].block[0].words] == [value]


@needs_nginx
@pytest.mark.parametrize(
    "word", ['"a\\nb"', "'a\\rb'", "'a\nb'", '"a\\\\nb"', "a\\nb", '"\\"\n\\t"']
)
def test_escapes_are_read_as_nginx_reads_them(word: str, tmp_path: Path) -> None:
    """nginx prints a mistake in a directive's argument, so both texts give the same message."""
    directives, _ = parse_configuration(f"{word};")
    quoted = quote_word(directives[0].words[0].value)
    texts = [f"events {{ use {form}; }}" for form in (word, quoted)]
    messages = [run_nginx(NGINX, text, tmp_path) for text in texts]
    assert messages[0] is not None
    assert messages[0][0] == (messages[1] or ("",))[0]


@needs_nginx
def test_a_long_word_is_as_long_as_before() -> None:
    for content in ("a" * 4094, "\\\\.\\n" * 800, "a\n" * 2000, "'" * 4000):
        text = configuration("location", f'add_header A "{content}";', {})
        assert find_refusal(NGINX, text) is None


# Limits of the process ----------------------------------------------------------------------

SPY = """#!{python} -IS
import json, os, resource, sys
limits = {{name: resource.getrlimit(getattr(resource, name))[0] for name in (
    "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE")}}
interfaces = open("/proc/net/dev").read() if os.path.exists("/proc/net/dev") else ""
record = {{
    "env": dict(os.environ), "stdin": sys.stdin.read(), "cwd": os.getcwd(), "limits": limits,
    "interfaces": [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]],
    "arguments": sys.argv[1:],
}}
with open({record!r}, "w") as file:
    json.dump(record, file)
if "-t" in sys.argv:
    {more}
"""


def spy_on(folder: Path, more: str = "pass") -> tuple[str, Path]:
    """A program in the place of nginx, and the file in which it writes what it can do."""
    program, record = folder / "nginx", folder / "record"
    program.write_text(SPY.format(python=sys.executable, record=str(record), more=more))
    program.chmod(0o755)
    return str(program), record


def test_nginx_has_no_environment_and_low_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    program, record = spy_on(tmp_path)
    assert find_refusal(program, "events {}") is None
    seen = json.loads(record.read_text())
    assert SECRET not in str(seen)
    assert seen["env"].keys() <= {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert seen["stdin"] == ""
    folder = seen["arguments"][seen["arguments"].index("-p") + 1]
    assert os.path.realpath(folder) == os.path.realpath(seen["cwd"])
    assert not Path(folder).exists(), "it is removed afterwards"
    limits = seen["limits"]
    assert limits["RLIMIT_CPU"] <= 3
    if sys.platform == "linux":
        assert limits["RLIMIT_FSIZE"] <= 1 << 20
        assert limits["RLIMIT_AS"] <= 1 << 30
        assert (limits["RLIMIT_NPROC"], limits["RLIMIT_CORE"]) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_nginx_has_no_network_where_linux_allows_that(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-n", "-r", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespaces")
    program, record = spy_on(tmp_path)
    find_refusal(program, "events {}")
    assert json.loads(record.read_text())["interfaces"] == ["lo"]


@pytest.mark.parametrize(
    "more",
    ["while True: pass", "import time; time.sleep(60)", "sys.exit(3)", "os.kill(os.getpid(), 11)"],
)
def test_an_nginx_that_crashes_or_hangs_is_reported(more: str, tmp_path: Path) -> None:
    program, _ = spy_on(tmp_path, more)
    began = time.monotonic()
    outcome = try_configuration(program, "events {}")
    assert time.monotonic() - began < 8
    assert outcome.untested == UNFINISHED


def test_an_endless_output_is_not_kept(tmp_path: Path) -> None:
    program, _ = spy_on(tmp_path, "while True: os.write(2, b'x' * 65536)")
    outcome = try_configuration(program, "events {}")
    assert len(str(outcome)) < 500


def test_an_old_nginx_gets_only_directives_that_it_knows(tmp_path: Path) -> None:
    built = "nginx version: nginx/1.18.0\\nconfigure arguments: --without-http_scgi_module"
    program, record = spy_on(tmp_path, f"pass\nif '-V' in sys.argv: print('{built}')")
    assert find_temporary_kinds(program) == ["client_body", "proxy", "fastcgi", "uwsgi"]
    find_refusal(program, "events {} http {}")
    assert "-e" not in json.loads(record.read_text())["arguments"]


def test_a_relative_entry_of_path_finds_no_nginx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy_on(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", ":.:", str(tmp_path.name)):
        monkeypatch.setenv("PATH", path)
        found = find_nginx()
        assert found is None or Path(found).is_absolute()
        assert found is None or Path(found).parent != tmp_path


# The commands --------------------------------------------------------------------------------

HEAD = """app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
"""
SERVICE = """  s%d:
    template: service
    containers: {web: {image: "ecr:shop/web:1", ports: [3000]}}
    proxy: {port: 8080, config: %d.conf}
"""
LIMIT = """import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
sys.argv = ["build.py", *sys.argv[1:]]
sys.path.insert(0, ".")
runpy.run_path("build.py", run_name="__main__")
"""


def run_command(arguments: Sequence[str], temporary: Path) -> str:
    """Runs a command of Moorage with little memory and time; returns what it prints."""
    temporary.mkdir(exist_ok=True)
    secret = {"AWS_SECRET_ACCESS_KEY": SECRET}
    env = {**os.environ, "TMPDIR": str(temporary), **secret}
    command = [sys.executable, "-c", LIMIT, *arguments]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=ROOT, env=env, check=False
    )
    output = run.stdout + run.stderr
    assert run.returncode in (0, 1)
    assert "Traceback" not in output
    assert SECRET not in output
    return output


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_build_and_a_check_run_and_create_nothing(trap: Trap, tmp_path: Path) -> None:
    """A third of the configurations, since each needs a service."""
    params = tmp_path / "params"
    params.mkdir()
    text = HEAD
    task = Task(8080, {"web": ("127.0.0.1", (3000,))})
    kept = [
        text
        for text in (text_of(case, trap) for case in CASES)
        if not any(mistake.level == "error" for mistake in find_mistakes(text, task))
        and "\0" not in text
        and "2147483647" not in text
    ]
    assert len(kept) > 40
    for number, content in enumerate(kept[::3]):
        (params / f"{number}.conf").write_text(content)
        text += SERVICE % (number, number)
    (params / "dev.yaml").write_text(text)
    before = files_below(params)
    out = tmp_path / "out"
    for command in ("build", "check"):
        arguments = [command, "--params", str(params), "--out", str(out)]
        output = run_command(arguments, tmp_path / "temporary")
        if NGINX:
            assert "M3032" in output
        assert trap.changes() == []
        assert files_below(tmp_path / "temporary") == []
    assert files_below(params) == before


@pytest.mark.parametrize(
    "case", ["nginx-config-code-execution", "nginx-config-file-write", "config-path-traversal"]
)
@pytest.mark.parametrize("command", ["build", "check"])
def test_the_reported_inputs(case: str, command: str, trap: Trap, tmp_path: Path) -> None:
    """Their paths are replaced by those of the trap."""
    params = tmp_path / "params"
    shutil.copytree(Path(__file__).parent / case / "params", params)
    for file in params.glob("nginx/*"):
        text = file.read_text().replace("/tmp/moorage-evil.so", trap.paths["so"])
        file.write_text(re.sub(r"/tmp/moorage-created\w*\.log", trap.paths["file"], text))
    arguments = [command, "--params", str(params), "--out", str(tmp_path / "out")]
    arguments += ["--format", "sarif"] if command == "check" else []
    output = run_command(arguments, tmp_path / "temporary")
    if case == "config-path-traversal":
        assert "M1011" in output
    assert trap.changes() == []
    assert files_below(tmp_path / "temporary") == []
