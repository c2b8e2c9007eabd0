"""The mistakes that Moorage finds in an nginx configuration; the real nginx must agree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from templates.proxy.nginx_check import find_mistakes
from templates.proxy.nginx_directives import (
    DIRECTIVES,
    ONCE,
    PLACES,
    find_arguments,
    find_places,
    is_allowed,
)
from templates.proxy.nginx_run import find_nginx, run_nginx
from templates.proxy.nginx_syntax import Mistake, is_complete, parse_configuration
from templates.proxy.nginx_targets import Task
from templates.proxy.nginx_variables import VARIABLES
from templates.proxy.real_nginx import find_refusal

NGINX = find_nginx() or ""
needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")
PORTS = {"web": 3000, "php": 9001, "frontend": 3002}
TASK = Task(8080, {name: ("127.0.0.1", (port,)) for name, port in PORTS.items()})


def in_server(text: str) -> str:
    """A complete configuration, in which the text begins on line 2."""
    return f"events {{}} http {{ resolver 127.0.0.1; server {{ listen 8080;\n{text}\n}}}}\n"


def lines_and_messages(text: str, task: Task = TASK) -> list[tuple[int, str]]:
    return [(mistake.line, mistake.message) for mistake in find_mistakes(text, task)]


def errors(text: str, task: Task = TASK) -> list[Mistake]:
    return [mistake for mistake in find_mistakes(text, task) if mistake.level == "error"]


def is_refused(text: str, folder: Path) -> bool:
    """Whether nginx refuses exactly this text."""
    return run_nginx(NGINX, text, folder, launcher=()) is not None


# Right configurations ------------------------------------------------------------------------

GOOD = {
    "a return": "location / { return 200; }",
    "quotes and escapes": r"""location / { return 200 "a \" b; } { ${host} \\" ; }""",
    "single quotes": "location / { return 200 'it is \\'so\\'; #'; }",
    "comments": "# don't; {\nlocation / { return 200; } # }",
    "a directive of several lines": "location / {\n proxy_next_upstream error\n  timeout\n"
    "  http_502;\n proxy_pass http://127.0.0.1:3000;\n}",
    "types": "types {\n text/html html;\n text/css css;\n}",
    "an expression with braces": 'location ~ "^/a{2,3}$" { return 200; }',
    "an expression with an end": "location ~ ^/(a|b$) { return 200; } rewrite ^/x(.*)$ /y last;",
    "named groups": "location ~ ^/(?<shop>[a-z]+)/ { return 200 $shop; }",
    "an if": 'location / { if ($http_x ~* "^a$") { return 403; } return 200; }',
    "an if of several words": "if ($request_method !~ ^(GET|HEAD)$ ) { return 405; }",
    "variables with free endings": "location / { return 200 $http_abc$arg_d$cookie_e"
    "${sent_http_f}; }",
    "modules of others": "location / { echo_timed $echo_timer; more_headers 'A: $echo_timer'; }",
    "lua": "location / { content_by_lua_block { if a then b = '}' end } }",
    "a nested location": "location /a/ { location /a/b { return 200; } }",
    "limits by method": "location / { limit_except GET { deny all; } return 200; }",
    "a container's address": "location / { proxy_pass http://127.0.0.1:3000/x/$1; }",
    "a unix socket": "location / { fastcgi_pass unix:/run/php.sock; }",
    "a host in a variable": "location / { set $up api.example.com; proxy_pass https://$up; }",
    "an address": "location / { proxy_pass http://10.0.0.1; }",
    "a long text": f"location / {{ return 200 '{'a' * 4094}'; }}",
    "includes": "include /etc/nginx/more/*.conf;",
    "an include in an if": "if ($host = a) { include /etc/nginx/more/*.conf; }",
    "on and off in capitals": "gzip ON; location / { proxy_buffering Off; return 200; }",
}
NEWER = {
    "http2 as a directive": "http2 on;",
    "a resolver of an upstream": "location / { return 200; }\n} upstream app { zone app 64k; "
    "resolver 127.0.0.1; resolver_timeout 5s; server 127.0.0.1:3000; keepalive 16 local;",
    "a script": "js_import main.js; location / { js_set $a main.a nocache; return 200 $a; }",
}
"""What nginx 1.31.3 accepts and older ones, or those without a module, do not."""


@pytest.mark.parametrize("name", [*GOOD, *NEWER])
def test_a_correct_configuration_has_no_mistakes(name: str) -> None:
    assert lines_and_messages(in_server({**GOOD, **NEWER}[name])) == []


# Syntax --------------------------------------------------------------------------------------

MISSING = {
    "location / {\n proxy_pass http://127.0.0.1:3000\n}": (3, "`proxy_pass` does not end with `;`"),
    "server_tokens off\nlocation / { return 200; }": (2, "`server_tokens` does not end with `;`"),
    "location / {\n return 200 # here\n}": (3, "`return` does not end with `;`"),
    "add_header A 'b'\nadd_header C 'd';": (2, "`add_header` does not end with `;`"),
    "gzip on\n\n\ngzip_vary on;": (2, "`gzip` does not end with `;`"),
}


@pytest.mark.parametrize("text", MISSING)
def test_a_missing_semicolon_is_reported_where_it_is_missing(text: str) -> None:
    assert lines_and_messages(in_server(text)) == [MISSING[text]]


def test_all_missing_semicolons_are_reported() -> None:
    text = "gzip on\ngzip_vary on\nlocation / {\n return 200\n}"
    assert [line for line, _ in lines_and_messages(in_server(text))] == [2, 3, 5]


def test_arguments_on_separate_lines_are_not_taken_for_directives() -> None:
    """`state` and `status` are directives, but of other blocks."""
    assert lines_and_messages(in_server("server_name\n state\n status\n a.example;")) == []


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("server {\n listen 8080;\n}\n}\n", [(4, "This `}` closes no block")]),
        ("server {\n listen 8080;\n", [(1, "The block of `server` is not closed")]),
        ("server {\n listen 8080;;\n}", [(2, "There is a `;` without a directive")]),
        ("server {\n listen 8080;\n {\n }\n}", [(3, "There is a `{` without a directive")]),
        ("server {\n return 200 'a;\n}", [(2, "The quote ' that begins here is not closed")]),
        (
            "server {\n return 200 'a'b;\n}",
            [(2, "The quoted text is followed by `b` without a space")],
        ),
        (
            "server {\n listen 8080;\n location /\n return 200;\n }\n}",
            [(3, "`location` has no block")],
        ),
        ("", [(1, "There is no `server`, so nginx listens on no port")]),
    ],
)
def test_braces_and_quotes(text: str, mistakes: list[tuple[int, str]]) -> None:
    assert lines_and_messages(text) == mistakes


@pytest.mark.parametrize("text", ["a\x0bb", "a\x0cb", "a\u00a0b", "a\u2003b"])
def test_nginx_separates_words_at_four_characters_only(text: str) -> None:
    directives, _ = parse_configuration(f"{text};")
    assert [directive.words[0].text for directive in directives] == [text]


def test_a_brace_behind_a_dollar_belongs_to_the_word() -> None:
    directives, mistakes = parse_configuration("return ${{a};")
    assert (directives[0].arguments, mistakes) == (("${{a}",), [])


# Directives ----------------------------------------------------------------------------------

TWICE = {
    "location / {\n proxy_pass http://10.0.0.1;\n proxy_pass http://10.0.0.1;\n}": 4,
    "root /a;\nroot /b;": 3,
    "gunzip on;\ngunzip on;": 3,
    "location /a { return 200; }\nlocation /a { return 200; }": 3,
    "location = /a { return 200; }\n\nlocation = /a { return 200; }": 4,
    "location /a {\n resolver 1.1.1.1;\n resolver 1.0.0.1;\n}": 4,
}


@pytest.mark.parametrize("text", TWICE)
def test_a_duplicate_is_reported_at_the_second_directive(text: str) -> None:
    ((line, message),) = lines_and_messages(in_server(text))
    assert line == TWICE[text]
    assert "is written twice in" in message


@pytest.mark.parametrize(
    "text",
    [
        "add_header A 1; add_header A 1; proxy_set_header B 1; proxy_set_header B 2;",
        "location /a { return 200; } location = /a { return 200; } location ~ /a { return 200; }",
        "location /a { root /x; } location /b { root /x; }",
        "listen 8081; server_name a; server_name b; error_page 404 /x; error_page 500 /y;",
    ],
)
def test_repeatable_directives_are_not_duplicates(text: str) -> None:
    assert lines_and_messages(in_server(text)) == []


ARGUMENTS = {
    "proxy_read_timeout 60s extra;": "`proxy_read_timeout` takes 1 argument and has 2",
    "proxy_read_timeout;": "`proxy_read_timeout` takes 1 argument and has 0",
    "add_header X-A;": "`add_header` takes 2 to 3 arguments and has 1",
    "add_header X-A a b c;": "`add_header` takes 2 to 3 arguments and has 4",
    "try_files $uri;": "`try_files` takes at least 2 arguments and has 1",
    "location / { internal yes; }": "`internal` takes no argument and has 1",
    "error_page 404;": "`error_page` takes at least 2 arguments and has 1",
    "gzip maybe;": "`gzip` is `on` or `off`, not `maybe`",
    "location / { proxy_pass http://10.0.0.1 { } }": "`proxy_pass` takes no block",
    "location /;": "`location` has no block",
    "proxy_pass http://10.0.0.1;": "`proxy_pass` is not allowed in `server`",
    "location / { listen 80; }": "`listen` is not allowed in `location`",
    "location / { upstream a { } }": "`upstream` is not allowed in `location`",
    "if ($host) { root /a; }": "`root` is not allowed in `if` in a `server`",
    "worker_connections 10;": "`worker_connections` is not allowed in `server`",
}


@pytest.mark.parametrize("text", ARGUMENTS)
def test_arguments_and_blocks_of_directives(text: str) -> None:
    ((line, message),) = lines_and_messages(in_server(text))
    assert (line, message) == (2, ARGUMENTS[text])


def test_the_hint_names_the_blocks_that_a_directive_is_allowed_in() -> None:
    (mistake,) = find_mistakes(in_server("proxy_pass http://10.0.0.1;"), TASK)
    assert mistake.hint == "Move it to `location`, `if` in a `location` or `limit_except`."


def test_the_top_level_of_nginx_conf_and_that_of_a_part_of_it() -> None:
    ((line, message),) = lines_and_messages("gzip on;\nevents {}\nhttp { include *; }")
    assert (line, message) == (1, "`gzip` is not allowed at the top level of nginx.conf")
    ((line, message),) = lines_and_messages("proxy_pass http://a;\nserver { listen 8080; }")[:1]
    assert message == "`proxy_pass` is not allowed in `http`, which includes this file"


WORDS = {
    "location / {\n return 200 'costs 5$';\n}": (3, "A `$` is not followed by the name"),
    "location / {\n return 200 'a\n$.b';\n}": (4, "A `$` is not followed by the name"),
    "add_header A ${;": (2, "A `$` is not followed by the name"),
    "add_header A '${host b';": (2, "A `$` is not followed by the name"),
    f"location / {{\n return 200 '{'a' * 4095}';\n}}": (3, "An argument of `return` is longer"),
    f"location / {{\n return 200 {'a' * 4096};\n}}": (3, "An argument of `return` is longer"),
    "location / { proxy_paas http://127.0.0.1:3000; }": (2, "There is no directive `proxy_paas`"),
    "location / { porxy_pass http://127.0.0.1:3000; }": (2, "There is no directive `porxy_pass`"),
    "inedx index.html;": (2, "There is no directive `inedx`"),
    "liten 8081;": (2, "There is no directive `liten`"),
    "add_header A $shceme;": (2, "There is no variable `$shceme`"),
    "add_header A $remote_adr;": (2, "There is no variable `$remote_adr`"),
}


@pytest.mark.parametrize("text", WORDS)
def test_words_that_nginx_does_not_take(text: str) -> None:
    expected_line, beginning = WORDS[text]
    ((line, message),) = lines_and_messages(in_server(text))
    assert line == expected_line
    assert message.startswith(beginning)


def test_an_include_may_define_variables_with_similar_names() -> None:
    assert lines_and_messages(in_server("include /a/*.conf; add_header A $hosts;")) == []


def test_a_daemon_would_end_its_container() -> None:
    assert lines_and_messages(f"daemon on; {in_server('location / { return 200; }')}") == [
        (1, "With `daemon on` nginx runs in the background, and its container ends")
    ]


# Ports and hosts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listens", "wrong"),
    [
        ("listen 8080;", False),
        ("listen 0.0.0.0:8080 default_server;", False),
        ("listen [::]:8080;", False),
        ("listen 80; listen 8080;", False),
        ("listen 80;", True),
        ("listen 18080;", True),
        ("listen unix:/run/x;", True),
    ],
)
def test_a_server_listens_on_the_port_that_load_balancers_use(listens: str, wrong: bool) -> None:
    assert bool(errors(f"server {{ {listens} }}")) is wrong


def test_a_server_without_a_port_is_a_warning() -> None:
    (mistake,) = find_mistakes("server { }", Task(80, {}))
    assert (mistake.level, mistake.hint) == ("warning", "Write `listen 80;`.")


@pytest.mark.parametrize(
    ("target", "level", "part"),
    [
        ("http://web:3000", "error", "`web` is the name of a container, not of a host"),
        ("http://frontent", "error", "There is no container `frontent`"),
        ("http://api", "warning", "`api` is not a container of this task"),
        (
            "http://api.example.com",
            "warning",
            "nginx looks up `api.example.com` only when it starts",
        ),
        ("http://localhost:3000", "warning", "can also resolve to ::1"),
        ("http://127.0.0.1:3001", "warning", "`127.0.0.1:3001` is not among the `ports` of any"),
        ("http://127.0.0.1:9001", "", ""),
        ("http://127.0.0.1:8080/again", "", ""),
        ("http://[::1]:3000", "", ""),
    ],
)
def test_hosts_and_ports_of_upstreams(target: str, level: str, part: str) -> None:
    mistakes = find_mistakes(in_server(f"location / {{ proxy_pass {target}; }}"), TASK)
    assert [mistake.level for mistake in mistakes] == ([level] if level else [])
    assert all(part in mistake.message for mistake in mistakes)


def test_hints_name_an_address_that_can_be_copied() -> None:
    for host in ("frontend", "frontent"):
        (mistake,) = find_mistakes(in_server(f"location / {{ proxy_pass http://{host}; }}"), TASK)
        assert "`127.0.0.1:3002`" in mistake.hint


def test_in_network_mode_bridge_containers_have_names() -> None:
    task = Task(8080, {"web": ("web", (3000,))})
    assert errors(in_server("location / { proxy_pass http://web:3000; }"), task) == []
    (mistake,) = find_mistakes(in_server("location / { proxy_pass http://127.0.0.1:3000; }"), task)
    assert "127.0.0.1" in mistake.message


def test_members_of_an_upstream_are_checked_and_its_name_is_not_a_host() -> None:
    text = "upstream web {\n server api.example.com:80;\n server 127.0.0.1:3000;\n}\n"
    text += "server { listen 8080; location / { proxy_pass http://web; } }"
    ((line, message),) = lines_and_messages(text)
    assert (line, "only when it starts" in message) == (2, True)
    assert lines_and_messages(text.replace(":80;", ":80 resolve;")) == []


def test_a_variable_needs_a_resolver() -> None:
    text = "server { listen 8080; location / {\n set $up a.example; proxy_pass http://$up; } }"
    ((line, message),) = lines_and_messages(text)
    assert (line, "without a `resolver`" in message) == (2, True)
    assert lines_and_messages(text.replace("a.example", "10.0.0.1")) == []
    assert lines_and_messages(f"resolver 127.0.0.1;\n{text}") == []


# Any text ------------------------------------------------------------------------------------


def test_a_complete_configuration_and_a_part_of_one() -> None:
    assert is_complete(parse_configuration("events {}")[0])
    assert not is_complete(parse_configuration("map $a $b { }\nserver { }")[0])
    ((line, message),) = lines_and_messages("http { server { listen 8080; } }")
    assert (line, "`events`" in message) == (1, True)


@pytest.mark.parametrize(
    "text", ["", "#", "a", "a b", "{", "}", "'", '"', "\\", "${", "a {", "a;b", "\x00", "\ud800;"]
)
def test_any_text_can_be_read(text: str) -> None:
    for end in ("", "\n", ";", "}", " {"):
        find_mistakes(text + end, TASK)


@pytest.mark.parametrize(
    "text",
    [
        "a{" * 100_000,
        "}" * 100_000,
        "".join(f"proxy_pas_{n} x;\n" for n in range(20_000)),
        "".join(f"add_header A $remote_add_{n};\n" for n in range(20_000)),
        "proxy_pass " + "a" * 500_000,
        'x "' + "\\" * 500_000,
        "a\n" * 300_000,
        "server {" + "location / { proxy_pass http://x.y; }" * 10_000 + "}",
    ],
    ids=range(8),
)
def test_large_and_hostile_texts_are_read_in_little_time(text: str) -> None:
    began = time.process_time()
    find_mistakes(text, TASK)
    assert time.process_time() - began < 5


def test_too_deep_nesting_is_a_mistake() -> None:
    mistakes = find_mistakes("a {\n" * 50 + "}" * 50, TASK)
    assert [mistake.message for mistake in mistakes] == ["Blocks are nested more than 30 deep"]


# As nginx sees it ----------------------------------------------------------------------------


@needs_nginx
@pytest.mark.parametrize("text", [*MISSING, *TWICE, *WORDS, *ARGUMENTS])
def test_nginx_refuses_what_is_reported(text: str, tmp_path: Path) -> None:
    assert is_refused(in_server(text), tmp_path)


@needs_nginx
@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"modules of others", "lua"}))
def test_nginx_accepts_correct_configurations(name: str) -> None:
    assert find_refusal(NGINX, in_server(GOOD[name])) is None


_VALUES = ("on", "10", "1m", "8 16k", "16k", "/x", "http://10.0.0.1", "10.0.0.1:9000", "GET", "1.1")
_VALUES += ("any", "X-Real-IP", "5", "TLSv1.2", "^(.+)(/.*)$", "a.example", "$uri /x", "off", "")
_FORMS = {
    (): "{} events {{}} http {{}}",
    ("events",): "events {{ {} }} http {{}}",
    ("http",): "events {{}} http {{ {} }}",
    ("http", "server"): "events {{}} http {{ server {{ {} }} }}",
    ("http", "location"): "events {{}} http {{ server {{ location / {{ {} }} }} }}",
    ("http", "upstream"): "events {{}} http {{ upstream a {{ server 10.0.0.1; {} }} }}",
}


@needs_nginx
@pytest.mark.parametrize("name", sorted(ONCE - {"pid", "user"}))
def test_nginx_refuses_the_same_directive_twice(name: str, tmp_path: Path) -> None:
    """In a block that it is allowed in, with a value that it takes. `pid` is given to nginx on its
    command line, and which users there are is not known."""
    answers = set()
    places = [form for context, form in _FORMS.items() if is_allowed(name, context)]
    for form in reversed(places):
        for value in _VALUES:
            directive = f"{name} {value};"
            answer = run_nginx(NGINX, form.format(directive * 2), tmp_path, launcher=())
            message = answer[0] if answer else ""
            if "is duplicate" in message or message.startswith("unknown directive"):
                return
            answers.add(message)
    pytest.fail(f"{name}: {answers}")


@needs_nginx
@pytest.mark.parametrize("name", ["r1", "proxy-bridge"])
def test_nginx_refuses_every_configuration_with_an_error(name: str, tmp_path: Path) -> None:
    """Each line of a generated configuration with an argument too many, with one too few, and in
    the place of the line before it."""
    (text, _) = next(configurations(name))
    lines = text.split("\n")
    count = 0
    for index, line in enumerate(lines[1:], 1):
        if not line.endswith(";"):
            continue
        words = line[:-1].split(" ")
        for changed in (
            [f"{line[:-1]} extra;"],
            [" ".join(words[:-1]) + ";"],
            [line, lines[index - 1]],
        ):
            first = index - len(changed) + 1
            mutant = "\n".join([*lines[:first], *changed, *lines[index + 1 :]])
            if errors(mutant, Task(8080, {})) and not is_target_error(mutant):
                count += 1
                assert is_refused(mutant, tmp_path), changed
    assert count > 20


def is_target_error(text: str) -> bool:
    """Whether the only errors are those of ports and hosts, which are no concern of nginx."""
    codes = {mistake.code for mistake in errors(text, Task(8080, {}))}
    return codes <= {"M3020", "M3021", "M3023"}


def test_the_tables_are_consistent() -> None:
    assert ONCE <= DIRECTIVES
    assert all(word.islower() for word in DIRECTIVES | VARIABLES)
    assert len(DIRECTIVES) > 500
    assert all(find_places(name) for name in ("server", "location", "proxy_pass", "events"))
    assert set(_FORMS) < set(PLACES)
    takes = find_arguments("proxy_pass", ("http", "location"))
    assert takes is not None
    assert (str(takes), takes.block) == ("1 argument", False)


class _Loader(yaml.SafeLoader):
    """Reads templates; intrinsic functions become None."""


_Loader.add_multi_constructor("!", lambda *_: None)


def configurations(case: str = "*") -> Iterator[tuple[str, int]]:
    """The generated configurations in golden templates, with the port of the proxy."""
    for file in sorted(Path("tests/golden").glob(f"{case}/out/*/*.yaml")):
        if "NGINX_CONF" in file.read_text():
            resources = yaml.load(file.read_text(), _Loader)["Resources"]
            containers = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
            proxy = next(container for container in containers if container["Name"] == "proxy")
            variables = {entry["Name"]: entry["Value"] for entry in proxy["Environment"]}
            yield variables["NGINX_CONF"], proxy["PortMappings"][0]["ContainerPort"]


def test_generated_configurations_have_no_mistake() -> None:
    texts = list(configurations())
    assert len(texts) >= 4
    for text, port in texts:
        task = Task(port, {"frontend": ("frontend", (3000,)), "php": ("php", (9000,))})
        assert errors(text, task) == []
