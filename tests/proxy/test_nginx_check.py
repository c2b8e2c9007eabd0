"""What Moorage finds in an nginx configuration by its text; the real nginx must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from templates.proxy.nginx_check import faults
from templates.proxy.nginx_syntax import Fault, is_whole, parsed
from templates.proxy.nginx_targets import Task
from templates.proxy.nginx_words import DIRECTIVES, ONCE, VARIABLES
from templates.proxy.real_nginx import installed, refusal

NGINX = installed()
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
PORTS = {"web": 3000, "php": 9001, "frontend": 3002}
TASK = Task(8080, {name: ("127.0.0.1", (port,)) for name, port in PORTS.items()})


def in_server(text: str) -> str:
    """A whole configuration, in which the text begins on line 2."""
    return f"events {{}} http {{ resolver 127.0.0.1; server {{ listen 8080;\n{text}\n}}}}\n"


def found(text: str, task: Task = TASK) -> list[tuple[int, str]]:
    return [(fault.line, fault.message) for fault in faults(text, task)]


def of_level(text: str, level: str, task: Task = TASK) -> list[Fault]:
    return [fault for fault in faults(text, task) if fault.level == level]


GOOD = {
    "a return": "location / { return 200; }",
    "quotes and escapes": r"""location / { return 200 "a \" b; } { ${host} \\" ; }""",
    "single quotes": "location / { return 200 'it is \\'so\\'; #'; }",
    "comments": "# don't; {\nlocation / { return 200; } # }",
    "a word of several lines": "location / {\n proxy_next_upstream error\n  timeout\n  http_502;\n"
    " proxy_pass http://127.0.0.1:3000;\n}",
    "types": "types {\n text/html html;\n text/css css;\n}",
    "an expression with braces": 'location ~ "^/a{2,3}$" { return 200; }',
    "an expression with an end": "location ~ ^/(a|b$) { return 200; } rewrite ^/x(.*)$ /y last;",
    "named captures": "location ~ ^/(?<shop>[a-z]+)/ { return 200 $shop; }",
    "an if": 'location / { if ($http_x ~* "^a$") { return 403; } return 200; }',
    "variables with any end": "location / { return 200 $http_abc$arg_d$cookie_e${sent_http_f}; }",
    "modules of others": "location / { echo_timed $echo_timer; more_headers 'A: $echo_timer'; }",
    "lua": "location / { content_by_lua_block { if a then b = '}' end } }",
    "a nested location": "location /a/ { location /a/b { return 200; } }",
    "an upstream of containers": "location / { proxy_pass http://127.0.0.1:3000/x/$1; }",
    "a unix socket": "location / { fastcgi_pass unix:/run/php.sock; }",
    "a host in a variable": "location / { set $up api.example.com; proxy_pass https://$up; }",
    "an address": "location / { proxy_pass http://10.0.0.1; }",
    "a long text": f"location / {{ return 200 '{'a' * 4094}'; }}",
    "includes": "include /etc/nginx/more/*.conf;",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_nothing_is_found_in(text: str) -> None:
    assert found(in_server(text)) == []


MISSING = {
    "location / {\n proxy_pass http://127.0.0.1:3000\n}": (3, "`proxy_pass` does not end with `;`"),
    "server_tokens off\nlocation / { return 200; }": (2, "`server_tokens` does not end with `;`"),
    "location / {\n return 200 # here\n}": (3, "`return` does not end with `;`"),
    "add_header A 'b'\nadd_header C 'd';": (2, "`add_header` does not end with `;`"),
    "gzip on\n\n\ngzip_vary on;": (2, "`gzip` does not end with `;`"),
}


@pytest.mark.parametrize("text", MISSING)
def test_a_missing_semicolon_is_told_where_it_is_missing(text: str) -> None:
    assert found(in_server(text)) == [MISSING[text]]


def test_all_of_them_are_told() -> None:
    text = "gzip on\ngzip_vary on\nlocation / {\n return 200\n}"
    assert [line for line, _ in found(in_server(text))] == [2, 3, 5]


TWICE = {
    "location / {\n proxy_pass http://10.0.0.1;\n proxy_pass http://10.0.0.1;\n}": 4,
    "root /a;\nroot /b;": 3,
    "location /a { return 200; }\nlocation /a { return 200; }": 3,
    "location = /a { return 200; }\n\nlocation = /a { return 200; }": 4,
    "location /a {\n resolver 1.1.1.1;\n resolver 1.0.0.1;\n}": 4,
}


@pytest.mark.parametrize("text", TWICE)
def test_what_stands_twice_is_told_at_the_second(text: str) -> None:
    ((line, message),) = found(in_server(text))
    assert line == TWICE[text]
    assert "stands twice" in message


@pytest.mark.parametrize(
    "text",
    [
        "add_header A 1; add_header A 1; proxy_set_header B 1; proxy_set_header B 2;",
        "location /a { return 200; } location = /a { return 200; } location ~ /a { return 200; }",
        "location /a { root /x; } location /b { root /x; }",
        "listen 8081; server_name a; server_name b; error_page 404 /x; error_page 500 /y;",
    ],
)
def test_what_may_stand_twice_is_none(text: str) -> None:
    assert found(in_server(text)) == []


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("server {\n listen 8080;\n}\n}\n", [(4, "This `}` closes nothing")]),
        ("server {\n listen 8080;\n", [(1, "The `{` of `server` is never closed")]),
        ("server {\n listen 8080;;\n}", [(2, "There is a `;` too many")]),
        ("server {\n listen 8080;\n {\n }\n}", [(3, "This `{` belongs to no directive")]),
        ("server {\n return 200 'a;\n}", [(2, "The quote ' here is never closed")]),
        ("server {\n return 200 'a'b;\n}", [(2, "`b` stands right behind a quote")]),
        ("", [(1, "There is no `server`, so nothing listens")]),
    ],
)
def test_braces_and_quotes(text: str, faulty: list[tuple[int, str]]) -> None:
    assert found(text) == faulty


WORDS = {
    "location / {\n return 200 'costs 5$';\n}": (3, "A `$` without the name of a variable"),
    "location / {\n return 200 'a\n$.b';\n}": (4, "A `$` without the name of a variable"),
    "add_header A ${;": (2, "A `$` without the name of a variable"),
    "add_header A '${host b';": (2, "A `$` without the name of a variable"),
    f"location / {{\n return 200 '{'a' * 4095}';\n}}": (3, "A text of `return` is longer than"),
    f"location / {{\n return 200 {'a' * 4096};\n}}": (3, "A text of `return` is longer than"),
    "location / { proxy_paas http://127.0.0.1:3000; }": (2, "There is no directive `proxy_paas`"),
    "location / { porxy_pass http://127.0.0.1:3000; }": (2, "There is no directive `porxy_pass`"),
}


@pytest.mark.parametrize("text", WORDS)
def test_words_that_nginx_does_not_take(text: str) -> None:
    line, said = WORDS[text]
    ((told, message),) = found(in_server(text))
    assert told == line
    assert message.startswith(said)


def test_a_daemon_would_end_its_container() -> None:
    assert found(f"daemon on; {in_server('location / { return 200; }')}") == [
        (1, "nginx would go to the background, and the container would end")
    ]


@pytest.mark.parametrize(
    ("listens", "faulty"),
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
def test_the_port_that_load_balancers_send_to_is_listened_on(listens: str, faulty: bool) -> None:
    assert bool(of_level(f"server {{ {listens} }}", "error")) is faulty


def test_a_server_that_does_not_say_its_port_is_a_warning() -> None:
    (fault,) = faults("server { }", Task(80, {}))
    assert (fault.level, fault.hint) == ("warning", "Write `listen 80;`.")


@pytest.mark.parametrize(
    ("target", "level", "said"),
    [
        ("http://web:3000", "error", "Nothing is found under the name `web`"),
        ("http://frontent", "error", "There is no container `frontent`"),
        ("http://api", "warning", "`api` is no container of the task"),
        ("http://api.example.com", "warning", "is resolved at start and never again"),
        ("http://localhost:3000", "warning", "may also mean ::1"),
        ("http://127.0.0.1:3001", "warning", "No container is said to listen on port 3001"),
        ("http://127.0.0.1:9001", "", ""),
        ("http://127.0.0.1:8080/again", "", ""),
        ("http://[::1]:3000", "", ""),
    ],
)
def test_where_requests_are_sent(target: str, level: str, said: str) -> None:
    messages = faults(in_server(f"location / {{ proxy_pass {target}; }}"), TASK)
    assert [fault.level for fault in messages] == ([level] if level else [])
    assert all(said in fault.message for fault in messages)


def test_on_a_bridge_containers_have_names() -> None:
    task = Task(8080, {"web": ("web", (3000,))})
    assert found(in_server("location / { proxy_pass http://web:3000; }"), task) == []
    (fault,) = faults(in_server("location / { proxy_pass http://127.0.0.1:3000; }"), task)
    assert "127.0.0.1" in fault.message


def test_members_of_an_upstream_are_looked_at_and_its_name_is_not() -> None:
    text = "upstream web {\n server api.example.com:80;\n server 127.0.0.1:3000;\n}\n"
    text += "server { listen 8080; location / { proxy_pass http://web; } }"
    ((line, message),) = found(text)
    assert (line, "never again" in message) == (2, True)
    assert found(text.replace(":80;", ":80 resolve;")) == []


def test_a_variable_needs_a_resolver() -> None:
    text = "server { listen 8080; location / {\n set $up a.example; proxy_pass http://$up; } }"
    ((line, message),) = found(text)
    assert (line, "no `resolver`" in message) == (2, True)
    assert found(text.replace("a.example", "10.0.0.1")) == []
    assert found(f"resolver 127.0.0.1;\n{text}") == []


def test_a_whole_one_is_told_from_a_part() -> None:
    assert is_whole(parsed("events {}")[0])
    assert not is_whole(parsed("map $a $b { }\nserver { }")[0])
    ((line, message),) = found("http { server { listen 8080; } }")
    assert (line, "`events`" in message) == (1, True)


@pytest.mark.parametrize(
    "text", ["", "#", "a", "a b", "{", "}", "'", '"', "\\", "${", "a {", "a;b"]
)
def test_any_text_can_be_read(text: str) -> None:
    for end in ("", "\n", ";", "}", " {"):
        found(text + end)


# As nginx sees it ----------------------------------------------------------------------------


@needs_nginx
@pytest.mark.parametrize("text", [*MISSING, *TWICE, *WORDS])
def test_nginx_refuses_what_is_found(text: str) -> None:
    assert NGINX
    assert refusal(NGINX, in_server(text)) is not None


@needs_nginx
@pytest.mark.parametrize(
    "name", [name for name in GOOD if name not in ("modules of others", "lua")]
)
def test_nginx_takes_what_is_right(name: str) -> None:
    assert NGINX
    assert refusal(NGINX, in_server(GOOD[name])) is None


_VALUES = ("on", "10", "1m", "8 16k", "16k", "/x", "http://10.0.0.1", "10.0.0.1:9000", "GET", "1.1")
_VALUES += (
    "any",
    "X-Real-IP",
    "5",
    "TLSv1.2",
    "^(.+)(/.*)$",
    "a.example",
    "$uri /x",
    "text/plain",
    "",
)


@needs_nginx
@pytest.mark.parametrize("name", sorted(ONCE))
def test_nginx_refuses_the_same_directive_twice(name: str) -> None:
    """Wherever it may stand, with whatever it takes."""
    assert NGINX
    places = ("{} events {{}} http {{}}", "events {{ {} }} http {{}}", "events {{}} http {{ {} }}")
    places += ("events {{}} http {{ server {{ location / {{ {} }} }} }}",)
    # These two are compared with before nginx is started: it may not know pid and user here.
    if name in ("pid", "user"):
        return
    said = set()
    for value in _VALUES:
        for place in places:
            one = f"{name} {value};"
            refused = refusal(NGINX, place.format(f"{one} {one}"))
            said.add(refused.message if refused else "")
            if refused and "is duplicate" in refused.message:
                return
    pytest.fail(f"{name}: {said}")


def test_the_words_are_words() -> None:
    assert ONCE <= DIRECTIVES
    assert all(word.islower() for word in DIRECTIVES | VARIABLES)


def test_generated_configurations_are_without_fault() -> None:
    """Of all golden cases: the text as it stands in the template."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads templates; what is computed is nothing here."""

    Loader.add_multi_constructor("!", lambda *_: None)
    texts = []
    for file in sorted(Path("tests/golden").glob("*/out/*/*.yaml")):
        if "NGINX_CONF" in file.read_text():
            resources = yaml.load(file.read_text(), Loader)["Resources"]
            task = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
            proxy = next(one for one in task if one["Name"] == "proxy")
            port = proxy["PortMappings"][0]["ContainerPort"]
            values = {one["Name"]: one["Value"] for one in proxy["Environment"]}
            texts.append((file, values["NGINX_CONF"], port))
    assert len(texts) >= 4
    for file, text, port in texts:
        task = Task(port, {"frontend": ("frontend", (3000,)), "php": ("php", (9000,))})
        assert of_level(text, "error", task) == [], file
