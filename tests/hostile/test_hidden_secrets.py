"""No finding shows a secret, wherever in the params it is."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from command_line import main
from pydantic import BaseModel

from moorage.facts.secret_values import find_in_command, hide, is_plain_secret, may_hold_secret
from moorage.findings.report import FORMATS
from moorage.pipeline.build import build
from moorage.pipeline.check import check_texts
from moorage.pipeline.header import Header
from moorage.pipeline.params_models import members_of
from templates import TEMPLATES

HOSTILE = Path(__file__).parent
SECRETS = {
    "access key": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    "GitHub token": ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F292c"),
    "Slack token": ("xoxb-" + "17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy", "19874698323"),
    "Stripe key": ("sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDar"),
    "URL": ("https://admin:hunter2-in-a-url@registry.example.com/x", "hunter2-in-a-url"),
    "private key": (
        "-----BEGIN PRIVATE KEY-----\nMIIEvhunter2\n-----END PRIVATE KEY-----",
        "MIIEv",
    ),
    "JSON Web Token": (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "eyJz",
    ),
    "bearer": ("Bearer zz11yy22xx33ww44vv55uu66", "22xx33ww44"),
}
Path_ = tuple[str | int, ...]


def places(annotation: Any, path: Path_, outer: tuple[Any, ...] = ()) -> Iterator[Path_]:
    """The path of every field of a model and of the models in it."""
    for member in members_of(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            if member not in outer:
                for key, info in member.model_fields.items():
                    yield from places(info.annotation, (*path, key), (*outer, member))
        elif get_origin(member) in (list, dict):
            step = 0 if get_origin(member) is list else "some"
            yield from places(get_args(member)[-1], (*path, step), outer)
        else:
            yield path


def planted(path: Path_, value: Any) -> Any:
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


def merged(left: Any, right: Any) -> Any:
    if isinstance(left, dict) and isinstance(right, dict):
        return {key: merged(left.get(key), right.get(key)) for key in left | right}
    return right if right is not None else left


def all_places() -> list[tuple[str, Path_]]:
    stacks = [
        (kind, path)
        for kind, module in TEMPLATES.items()
        for path in dict.fromkeys(places(module.Params, ()))
    ]
    return [*stacks, *(("", path) for path in dict.fromkeys(places(Header, ())))]


def params_with(value: str, places: list[tuple[str, Path_]], prefix: str = "s") -> dict[str, Any]:
    """Params that have the value in all of these places, as far as they are not in one another."""
    params: dict[str, Any] = {"app": "shop", "region": "eu-central-1", "stacks": {}}
    for index, (kind, path) in enumerate(places):
        if kind:
            params["stacks"][f"{prefix}{index}"] = {"template": kind, **planted(path, value)}
        elif path[0] != "stacks":
            params = merged(params, planted(path, value))
    return params


def texts(params: Any, folder: Path) -> str:
    """All that a build shows and would write."""
    (folder / "dev.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    built = build(folder, "dev", TEMPLATES)
    assert built.plan is None, "a secret in plain text is an error"
    return "".join(write(built.findings) for write in FORMATS.values())


@pytest.mark.parametrize("shift", [0, 3])
def test_what_looks_like_a_secret_is_never_shown(shift: int, tmp_path: Path) -> None:
    places = all_places()
    assert len(places) > 400
    params: dict[str, Any] = {}
    for index, (value, _) in enumerate(SECRETS.values()):
        chosen = places[(index + shift) % len(SECRETS) :: len(SECRETS)]
        params = merged(params, params_with(value, chosen, f"s{index}-"))
    seen = texts(params, tmp_path)
    assert "***" in seen
    assert [part for _, part in SECRETS.values() if part in seen] == []


def test_values_of_fields_that_hold_secrets_are_never_shown(tmp_path: Path) -> None:
    named = [(kind, path) for kind, path in all_places() if holds_secret(path)]
    assert {path[-1] for _, path in named} >= {"client_secret", "repository_credentials", "header"}
    for value in ("hunter2 plain", "hunter2=plain", "hunter2'\"plain"):
        assert "hunter2" not in texts(params_with(value, named), tmp_path)


def holds_secret(path: Path_) -> bool:
    names = [step for step in path if isinstance(step, str) and step != "some"]
    return names[-1] != "not_secret" and (
        may_hold_secret(names[-1]) or "secrets" in names[-1:] or "secret_options" in names[-1:]
    )


WRONG = {
    "list of variables": {"environment": ["DB_PASSWORD=hunter2-x"]},
    "list of the ECS API": {"environment": [{"name": "DB_PASSWORD", "value": "hunter2-x"}]},
    "word of Kubernetes": {"env": {"DB_PASSWORD": "hunter2-x"}},
    "list of Kubernetes": {"env": [{"name": "API_TOKEN", "value": "hunter2-x"}]},
    "reference": {"secrets": {"DB_PASSWORD": "hunter2-x"}},
    "interpolation": {"environment": {"DB_PASSWORD": "hunter2-x${nope}"}},
    "number": {"secrets": {"PIN": 7712349}},
    "text for a list": {"command": "app --password hunter2-x"},
    "variable in a text": {"entry_point": "PGPASSWORD=hunter2-x psql"},
    "image": {"image": "admin:hunter2-x@registry.example.com/web:1"},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_around_a_secret_does_not_show_it(case: str, tmp_path: Path) -> None:
    container = {"image": "ecr:web:1", **copy.deepcopy(WRONG[case])}
    stacks = {
        "network": {},
        "cluster": {},
        "web": {"template": "service", "containers": {"web": container}},
    }
    seen = texts({"app": "shop", "region": "eu-central-1", "stacks": stacks}, tmp_path)
    assert "hunter2" not in seen
    assert "7712349" not in seen


@pytest.mark.parametrize(
    "line",
    [
        "DB_PASSWORD: hunter2-x: y",
        'DB_PASSWORD: "hunter2-x',
        "DB_PASSWORD: *hunter2-x",
        "DB_PASSWORD: {a: [hunter2-x}",
        "DB_PASSWORD:\n        'hunter2-x",
        "DB_PASSWORD:hunter2-x",
    ],
)
def test_a_mistake_in_yaml_does_not_show_the_secret_on_its_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(
        f"app: shop\nregion: eu-central-1\nstacks:\n  web:\n    environment:\n      {line}\n"
    )
    built = build(tmp_path, "dev", TEMPLATES)
    assert built.plan is None
    seen = "".join(write(built.findings) for write in FORMATS.values())
    assert "***" in seen or "hunter" not in seen
    assert "hunter2" not in seen


@pytest.mark.parametrize(
    "properties",
    [
        "{MasterUserPassword: [hunter2-x]}",
        "{Tags: [{Key: api_token, Value: [hunter2-x]}]}",
        "{Environment: [{Name: DB_PASSWORD, Value: [hunter2-x]}], Other: hunter2-x}",
        "{SecretString: [hunter2-x], DBInstanceClass: hunter2-x}",
        "{MasterUserPassword: hunter2-x, DBInstanceClass: hunter2-x}",
    ],
)
def test_secrets_in_any_template_are_not_shown(properties: str, tmp_path: Path) -> None:
    """cfn-lint quotes the values that it refuses."""
    file = tmp_path / "t.yaml"
    file.write_text(
        f"Resources:\n  Db:\n    Type: AWS::RDS::DBInstance\n    Properties: {properties}\n"
    )
    findings = check_texts({"t.yaml": file.read_text()})
    assert findings
    assert "hunter2" not in "".join(write(findings) for write in FORMATS.values())


def test_the_secret_of_a_client_is_not_shown(capsys: Any) -> None:
    for form in FORMATS:
        arguments = [
            "check",
            "--format",
            form,
            "--params",
            str(HOSTILE / "secret-in-message/params"),
        ]
        assert main(arguments) == 1
        seen = "".join(capsys.readouterr())
        assert "M2609" in seen
        assert "hunter2" not in seen


USERS = "traefik.http.middlewares.auth.basicauth.users"
HASH = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASS", "hunter2"),
        ("dbPassword", "hunter2"),
        ("x-api-key", "hunter2"),
        ("URL", "amqp://app:hunter2@mq"),
        ("WEBHOOK", "https://example.com/in?token=hunter2"),
        ("ALERTS", "https://hooks.slack.com/services/T0123/B0123/2tJ4SP8I4AzAhunter2"),
        ("CI", "glpat-z_sxgtrfAxKrhunter2Y"),
        ("DATABASE", "Server=db;Password=hunter2;Encrypt=true"),
        (USERS, f"test:{HASH}"),
        (USERS, f"test:{HASH}".replace("$", "$$")),
        (USERS, "test:$2y$05$" + "a" * 53),
        (USERS, "test:{SHA}" + "a" * 27 + "="),
        ("traefik.http.middlewares.auth.digestauth.users", "test:traefik:" + "a1" * 16),
        ("ADMIN_HASH", HASH),
        ("Header", "Authorization Splunk hunter2"),
        ("header", "X-Api-Key hunter2"),
        ("com.example.authorization", "Bearer hunter2"),
        ("NEW_RELIC_LICENSE_KEY", "hunter2"),
        ("Shared_Key", "hunter2"),
        ("URI", "/in?apiKey=hunter2"),
        ("URL", "https://example.com/in?source=web&client_secret=hunter2"),
        ("URL", "https://example.com/in?X-Amz-Signature=hunter2"),
        ("URL", "https://example.com/in?key=hunter2hunter2hunter2"),
    ],
)
def test_a_secret_is_found(name: str, value: str) -> None:
    assert is_plain_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_URL", "https://example.com/token"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("KEY_PREFIX", "shop/"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "ssm:/shop/db"),
        ("DB_PASSWORD", "secretsmanager:shop/db:password"),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("REQUIRE_TOKEN", "true"),
        ("COMPASS", "north"),
        ("DATABASE_URL", "postgres://app:$PASSWORD@db/shop"),
        ("HOME_PAGE", "https://example.com/@user:page"),
        ("SEARCH", "https://example.com/?q=token"),
        ("SEARCH", "https://example.com/?key=name&token=true&next_page_token=3"),
        ("URL", "https://example.com/in?token=${TOKEN}"),
        ("traefik.http.middlewares.auth.basicauth.usersfile", "/run/secrets/users"),
        (USERS, "${USERS}"),
        ("traefik.http.routers.web.rule", "Host(`shop.example.com`)"),
        ("Header", "Content-Type application/json"),
        ("Header", "Authorization ${TOKEN}"),
        ("authorization", "required"),
        ("price", "between $5$ and $6$ a month"),
        ("sort_key", "id"),
        ("license-key", "/etc/agent/license.key"),
    ],
)
def test_an_ordinary_setting_is_no_secret(name: str, value: str) -> None:
    assert not is_plain_secret(name, value)


@pytest.mark.parametrize(
    "command",
    [
        ["mysqladmin", "ping", "-phunter2"],
        ["sh", "-c", "redis-cli -a hunter2 ping"],
        ["curl", "-u", "app:hunter2", "https://example.com"],
        ["CMD", "curl", "-H", "X-Api-Key: hunter2", "localhost:8080"],
        ["CMD-SHELL", "wget --header='Authorization: Bearer hunter2' localhost:8080 || exit 1"],
        ["app", "--db-password", "hunter2"],
        ["env", "PGPASSWORD=hunter2", "psql"],
        ["CMD-SHELL", "PGPASSWORD=hunter2 pg_isready || exit 1"],
        ["curl", "-uapp:hunter2", "localhost"],
        ["CMD-SHELL", "curl -f --user app:hunter2 localhost || exit 1"],
        ["curl", "--user=app:hunter2", "localhost"],
        ["curl", "-HX-Api-Key: hunter2", "localhost"],
        ["redis-server", "--requirepass", "hunter2"],
        ["CMD-SHELL", "/opt/mssql-tools18/bin/sqlcmd -U sa -P hunter2 -Q 'SELECT 1'"],
        ["mongosh", "-u", "app", "-p", "hunter2"],
        ["ldapsearch", "-x", "-D", "cn=app", "-w", "hunter2"],
        ["helm", "--set", "db.password=hunter2"],
    ],
)
def test_a_secret_in_a_command_is_found(command: list[str]) -> None:
    assert [value for _, _, value in find_in_command(command)] in (["hunter2"], ["app:hunter2"])


@pytest.mark.parametrize(
    "command",
    [
        ["serve", "-p", "8080"],
        ["mkdir", "-p", "/data"],
        ["sh", "-c", "exec app --password=$DB_PASSWORD"],
        ["app", "--token-file", "/run/secrets/token"],
        ["app", "--password-min-length", "12"],
        ["app", "--password", "--verbose"],
        ["CMD-SHELL", "curl -fsS localhost:8080/healthz || exit 1"],
        ["CMD-SHELL", 'curl -H "Authorization: Bearer $TOKEN" -H "Host: example.com" localhost'],
        ["CMD-SHELL", 'curl -u "$USER:$PASSWORD" localhost'],
        ["curl", "-u", "app", "localhost"],
        ["CMD-SHELL", "mysqladmin ping -P 3306 -p$MYSQL_ROOT_PASSWORD"],
        ["sqlcmd", "-P", "$SA_PASSWORD"],
        ["gunicorn", "-w", "4", "app:app"],
        ["python", "-u", "app.py"],
        ["CMD-SHELL", "psql -p 5432 || exit 1"],
        ["CMD-SHELL", "curl -f 'localhost/health?full=true'"],
        ["redis-cli", "-p", "6379", "ping"],
    ],
)
def test_an_ordinary_command_has_no_secret(command: list[str]) -> None:
    assert [*find_in_command(command)] == []


@pytest.mark.parametrize(
    "part",
    [
        "a.",
        "a-",
        "a:",
        "://",
        "://a:",
        "Pwd=",
        "?token=$",
        "eyJ-",
        "eyJaaaaaaaaaa.",
        "Bearer a",
        "-----BEGIN ",
        "$apr1$a",
        "$2y$05",
        "?auth_",
        "&key=a",
    ],
)
def test_no_text_takes_long_to_search(part: str) -> None:
    began = time.process_time()
    hide(part * (100_000 // len(part)))
    assert time.process_time() - began < 5
