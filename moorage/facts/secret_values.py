"""What looks like a secret: names of variables and options, values, and arguments of programs.

Access key IDs: IAM user guide, "IAM identifiers", unique ID prefixes. Tokens: GitHub docs, "About
authentication to GitHub", token formats; GitLab docs, "Account and limit settings", personal access
token prefix; Slack API docs, "Token types" and "Incoming webhooks"; Stripe docs, "API keys".
Private keys: RFC 7468. JSON Web Tokens: RFC 7519. Passwords in URLs: RFC 3986, section 3.2.1.
Options of programs: the manuals of MySQL, Redis, curl, sshpass, MongoDB, cqlsh, OpenLDAP and
sqlcmd. Hashes of passwords: Apache's "Password Formats", and crypt(5). `basicauth.users` are users
with hashes in labels of Traefik (its documentation, "BasicAuth").
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

_WORDS = (
    r"PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|CREDENTIALS?|API[_-]?KEY|ACCESS[_-]?KEY"
    r"|SECRET[_-]?KEY|PRIVATE[_-]?KEY|SIGNING[_-]?KEY|ENCRYPTION[_-]?KEY|MASTER[_-]?KEY"
    r"|LICENSE[_-]?KEY|SHARED[_-]?KEY|AUTH[_-]?KEY|REQUIREPASS|MASTERAUTH"
    r"|(?:BASIC|DIGEST)[_-]?AUTH[._-]USERS"
)
_NAME = re.compile(
    rf"(?:(?:^|[_.-])(?:{_WORDS})|[a-z0-9](?:PASSWORD|PASSWD|SECRET))$", re.IGNORECASE
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAY_HOLD = re.compile(
    rf"(?:^|[_.-])(?:{_WORDS}|SECRETS|SECRET_OPTIONS|PASSWORDS|TOKENS|DSN|SECRET[_-]?STRING|CONNECTION[_-]?STRING"
    r"|AUTHORIZATION|HEADER)$",
    re.IGNORECASE,
)

_USER_INFO = r"(?P<scheme>://)[^/\s:@$<{*]{0,200}:[^/\s:@$<{*][^/\s@]{0,500}@"
_QUERY_NAME = (
    r"(?i:(?:(?:access|auth|client|refresh|sas|x-amz)[_-]?)?"
    r"(?:api[_-]?key|token|password|passwd|pwd|secret|sig|signature))"
)
# Repetitions have bounds, so that no text takes long to search.
_VALUE = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*-----)?"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{22,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|(?<=\bhooks\.slack\.com/services/)T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{10,}"
    r"|\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,}\.?[A-Za-z0-9_-]*"
    r"|(?<=\bBearer )(?=[A-Za-z._~+/-]{0,200}[0-9])[A-Za-z0-9._~+/-]{16,}=*"
    r"|(?<=\bBasic )(?=[A-Za-z+/]{0,200}[0-9])[A-Za-z0-9+/]{12,}=*"
    rf"|{_USER_INFO}"
    r"|\b(?:Password|Pwd|AccountKey|SharedAccessKey)=[^\s;$<{*][^\s;]{0,200}(?=;)"
    rf"|(?<=[?&]){_QUERY_NAME}=(?!(?:true|false|none|[0-9]{{1,6}})(?![^&#\s]))[^\s&#$<{{*][^\s&#]*"
    r"|(?<=[?&])key=(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{20,}"
    r"|\$\$?(?:apr1|[156])\$\$?[^\s$:]{1,16}\$\$?[./A-Za-z0-9]{22,86}(?![./A-Za-z0-9])"
    r"|\$\$?2[abxy]?\$\$?[0-9]{2}\$\$?[./A-Za-z0-9]{53}|\{SHA\}[A-Za-z0-9+/]{27}="
)
"""The last two lines are hashes of passwords, in Compose files with `$$` for `$`."""

_LOGIN = re.compile(
    r"(?<![\w:@.+-])(?!mailto:)(?:[a-z]{1,10}:/)?[\w.+-]{1,200}:[^\s:@/$<{*`]{1,200}@(?!sha256:)"
)
"""`user:password@` without a scheme; in a text that is not a URL, it can be something else."""

_OPTION = re.compile(r"--?(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?:=(?P<value>.*))?", re.DOTALL)
_HEADER = re.compile(
    r"(?:--header=|-H)?(?P<name>[A-Za-z][A-Za-z0-9-]*):\s*(?P<value>\S.*)", re.DOTALL
)
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
_SCHEME = re.compile(r"(?:Basic|Bearer|Token|Splunk)\s+(?=\S)", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)
_MYSQL = ("mysql", "mysqladmin", "mysqldump", "mariadb", "mariadb-admin")
_ATTACHED_OPTIONS = {**dict.fromkeys(_MYSQL, ("-p",)), "curl": ("-u",), "sshpass": ("-p",)}
"""Options that a password follows in the same word, by program."""
_SEPARATE_OPTIONS = {
    "curl": ("-u", "--user"),
    "sshpass": ("-p",),
    "redis-cli": ("-a",),
    "cqlsh": ("-p",),
    "ldapsearch": ("-w",),
    "sqlcmd": ("-P",),
    **dict.fromkeys(("mongo", "mongosh", "mongodump"), ("-p",)),
}
"""Options of which the next word is a password."""
_USER_OPTIONS = ("-u", "--user")
"""Options with `user:password`."""

_ASSIGNED = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,200}+)[\"']?[ \t]{0,20}[:=]"
    r"(?=(?:[ \t]{0,20}\n)?(?P<value>[^\n]{1,200}))"
)

HIDDEN = "***"
"""What messages show in place of a secret."""

_HARMLESS = re.compile(
    r"[0-9]{1,6}|true|false|null|none|"
    r"[^$]*\$(?:[A-Za-z_{(]|\$).*|<.*>|\{\{.*\}\}|"  # a variable, a place to fill in
    r"(?:ssm|secretsmanager):.*|arn:[a-z-]+:.*|"
    r"(?:file:/)?/[\w.-]+(?:/[\w.-]+)*/?|"  # a file that holds the secret
    r"https?://[^\s@?]*|\*+",
    re.IGNORECASE | re.DOTALL,
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or option of this name holds a secret.

    >>> is_secret_name("DB_PASS"), is_secret_name("apiKey"), is_secret_name("TOKEN_URL")
    (True, True, False)
    """
    return _NAME.search(_snake_case(name)) is not None


def may_hold_secret(name: str) -> bool:
    """Whether the value under a key could be a secret, so that no message shows it.

    >>> may_hold_secret("client_secret"), may_hold_secret("SENTRY_DSN"), may_hold_secret("kms_key")
    (True, True, False)
    """
    return _MAY_HOLD.search(_snake_case(name)) is not None or is_secret_name(name)


def has_secret_value(text: str) -> bool:
    """Whether a text contains a secret, regardless of the name of the setting.

    >>> has_secret_value("postgres://app:hunter2@db"), has_secret_value("postgres://app:$PASS@db")
    (True, False)
    """
    return _VALUE.search(text) is not None


def is_harmless(value: str) -> bool:
    """Whether a value is not a secret, even if its name is that of one: a reference, a path, a
    number.

    >>> is_harmless("ssm:/shop/db"), is_harmless("/run/secrets/db"), is_harmless("hunter2")
    (True, True, False)
    """
    return not value or _HARMLESS.fullmatch(value) is not None


def is_plain_secret(name: str, value: str) -> bool:
    """Whether a setting, such as a variable, label or driver option, is a secret in plain text.

    >>> is_plain_secret("DB_PASS", "hunter2"), is_plain_secret("DB_PASS", "ssm:/shop/db")
    (True, False)
    """
    if has_secret_value(value) or (is_secret_name(name) and not is_harmless(value)):
        return True
    if name.lower() == "header":  # an option of Fluent Bit: a name and a value
        return _find_header(value.replace(" ", ": ", 1)) is not None
    has_scheme = name.lower().endswith("authorization") and _SCHEME.match(value) is not None
    return has_scheme and not is_harmless(value)


def find_in_command(words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """The secrets in the words of a command, which can themselves be commands for a shell: the
    index of the word, the name of the option or variable, and the secret.

    >>> list(find_in_command(["app", "--password=hunter2"]))
    [(1, '--password', 'hunter2')]
    >>> list(find_in_command(["sh", "-c", "mysqladmin ping -phunter2"]))
    [(2, '-p', 'hunter2')]
    """
    for index, word in enumerate(words):
        inner = _split(word)
        if header := _find_header(word):
            yield index, *header
        elif len(inner) > 1:
            yield from ((index, name, value) for _, name, value in find_in_command(inner))
        elif found := _VALUE.search(word):
            yield index, "", found[0]
        elif match := _OPTION.fullmatch(word) or _ASSIGNMENT.fullmatch(word):
            option = word.partition("=")[0]
            at, value = index, match["value"]
            if value is None and index + 1 < len(words) and not words[index + 1].startswith("-"):
                at, value = index + 1, words[index + 1]
            if value and is_secret_name(match["name"]) and not is_harmless(value):
                yield at, option, value
    yield from _find_short_options(words)


def hide_assigned(message: str, text: str) -> str:
    """Hides possible secrets in a message about a text that cannot be parsed: the values after
    names of secrets, on the same line or on the next one.

    >>> hide_assigned("the quote before `hunter2` is not closed", "DB_PASSWORD: 'hunter2")
    'the quote before `***` is not closed'
    """
    secrets = {part for value in find_assigned_secrets(text) for part in _parts(value, message)}
    for secret in sorted(secrets, key=lambda secret: (-len(secret), secret)):
        message = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, message)
    return message


def find_assigned_secrets(text: str) -> Iterator[str]:
    """The values in a text that are assigned to names that may hold secrets.

    It is for texts that cannot be parsed, so it finds too much rather than too little.

    >>> list(find_assigned_secrets("{name: a, api_token: b c}"))
    ['b c}']
    """
    for match in _ASSIGNED.finditer(text):
        if may_hold_secret(match["name"]):
            value = match["value"].strip().lstrip("*&!|>@%`[{\"'").strip("\"'")
            if not is_harmless(value):
                yield value


def _parts(value: str, message: str) -> list[str]:
    """The value and the words of it that are in a message."""
    words = re.findall(r"[^\s:,'\"\[\]{}]{4,}", value)
    return [part for part in (value, *words) if part in message]


def hide(text: str) -> str:
    """A text without the secrets in it.

    >>> hide("`https://app:hunter2@example.com` is not an image")
    '`https://***@example.com` is not an image'
    """
    text = _VALUE.sub(lambda match: f"://{HIDDEN}@" if match["scheme"] else HIDDEN, text)
    return _LOGIN.sub(f"{HIDDEN}@", text)


def _snake_case(name: str) -> str:
    return _CAMEL_CASE.sub("_", name.lstrip("-"))


def _split(word: str) -> list[str]:
    """The words of a text, as a shell would split it."""
    if not re.search(r"\s", word):
        return [word]
    try:
        return shlex.split(word)
    except ValueError:
        return word.split()


def _find_header(word: str) -> tuple[str, str] | None:
    """The name and the value of an HTTP header with a secret, such as `X-Api-Key: hunter2`."""
    match = _HEADER.fullmatch(word)
    if match is None:
        return None
    name, value = match["name"], _SCHEME.sub("", match["value"], count=1)
    is_secret = name.lower() in _SECRET_HEADERS or is_secret_name(name)
    return (name, value) if is_secret and not is_harmless(value) else None


def _find_short_options(words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    attached: tuple[str, ...] = ()
    separate: tuple[str, ...] = ()
    for index, word in enumerate(words):
        program = word.rsplit("/", 1)[-1]
        if program in _ATTACHED_OPTIONS or program in _SEPARATE_OPTIONS:
            attached = _ATTACHED_OPTIONS.get(program, ())
            separate = _SEPARATE_OPTIONS.get(program, ())
            continue
        at, option, value = index, word, ""
        if word in separate and index + 1 < len(words):
            at, value = index + 1, words[index + 1]
        elif option := next((flag for flag in attached if word.startswith(flag)), ""):
            value = word.removeprefix(option)
        elif word.startswith("--user=") and "--user" in separate:
            option, value = "--user", word.removeprefix("--user=")
        has_password = ":" in value if option in _USER_OPTIONS else bool(value)
        if has_password and not is_harmless(value):
            yield at, option, value
