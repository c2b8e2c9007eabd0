"""Configurations that make an unprotected `nginx -t` run code, or open and create files.

`@so` is a shared object that writes a file when it is loaded, `@file` a path that must not be
created, `@secret` a file that must not be read, and `@conf` a configuration with all of that.
"""

from __future__ import annotations

PLACES = ("main", "events", "http", "server", "location")

CASES: dict[str, tuple[str, str]] = {
    # Code
    "load_module": ("main", "load_module @so;"),
    "load_module in quotes": ("main", '"load_module" "@so";'),
    "load_module in single quotes": ("main", "'load_module' '@so';"),
    "load_module after a comment": ("main", "# it's\nload_module\n# {\n@so;"),
    "load_module of a relative path": ("main", "load_module ../../../../../../../..@so;"),
    "load_module behind a BOM": ("main", "\ufeff\nload_module @so;"),
    "load_module with an escape": ("main", 'load_module "@so\\";" ; load_module "@so";'),
    "load_module after a carriage return": ("main", "# a\rload_module @so;\nload_module @so;"),
    "load_module after a vertical tab": ("main", "a\x0bb c;\nload_module @so;"),
    "include in main": ("main", "include @conf;"),
    "include in quotes": ("main", "'include' '@conf';"),
    "include with a pattern": ("main", "include @conf*;"),
    "include in events": ("events", "include @conf;"),
    "include in http": ("http", "include @conf;"),
    "include in a map": ("http", "map $host $a { include @conf; default 1; }"),
    "include in a map, in quotes": ("http", "map $host $a { 'include' @conf; }"),
    "include in geo": ("http", "geo $a { ranges; include @conf; }"),
    "include in types": ("http", "types { include @conf; }"),
    "include in an if": ("location", "if ($host) { include @conf; }"),
    "include in limit_except": ("location", "limit_except GET { include @conf; }"),
    "ssl_engine": ("main", "ssl_engine @so;"),
    "ssl_engine in quotes": ("main", '"ssl_engine" dynamic;'),
    "a key of an engine": (
        "server",
        "listen 8443 ssl; ssl_certificate @secret; ssl_certificate_key engine:pkcs11:@so;",
    ),
    "data as a key": (
        "server",
        "listen 8443 ssl; ssl_certificate data:a; ssl_certificate_key 'data:b';",
    ),
    "ssl_conf_command": ("http", "ssl_conf_command Certificate @secret;"),
    "perl": ("http", "perl_modules @so; perl_require @conf; perl_set $a 'sub { }';"),
    "lua": ("http", "lua_package_path @so; init_by_lua_block { os.execute('touch @file') }"),
    "lua with a brace": ("http", 'init_by_lua_block { a = "}" } error_log @file;'),
    "lua in a string": ("http", "init_by_lua 'os.execute(\"touch @file\")';"),
    "JavaScript": ("http", "js_path @secret; js_import @conf; js_set $a b.c;"),
    "profiles": ("main", "google_perftools_profiles @file;"),
    # Files
    "error_log": ("main", "error_log @file debug;"),
    "error_log in quotes": ("main", '"error_log" "@file" debug;'),
    "error_log in the middle of a line": ("main", 'worker_processes 1; "error_log" @file;'),
    "error_log in http": ("http", "error_log @file;"),
    "error_log in a location": ("location", "error_log @file;"),
    "error_log behind a semicolon in quotes": ("http", "log_format a ';'; error_log @file;"),
    "error_log behind a brace": ("http", "log_format a '${b {'; error_log @file;"),
    "error_log behind a backslash": ("http", "log_format a \\; b; error_log @file;"),
    "quotes in a name": ("http", 'er"ror"_log @file;'),
    "an escape in a name": ("http", 'error\\_log @file; "error_log\\n" @file;'),
    "access_log": ("http", "access_log @file;"),
    "access_log through /dev": ("http", "access_log /dev/..@file;"),
    "access_log through /dev/stdout": ("http", "access_log /dev/stdout/../..@file;"),
    "access_log to a file descriptor": ("http", "access_log /proc/self/fd/2; access_log @file;"),
    "access_log with variables": ("http", "access_log @file$host; access_log ${host}@file;"),
    "access_log in an if": ("location", "if ($host) { 'access_log' @file; }"),
    "access_log to syslog": ("http", "access_log syslog:server=unix:@file; error_log syslog:a;"),
    "pid": ("main", '"pid" @file;'),
    "lock_file": ("main", "lock_file @file; accept_mutex on;"),
    "user and working_directory": ("main", "user root; working_directory @secret; env PATH;"),
    "temporary folders": (
        "http",
        "client_body_temp_path @file; 'proxy_temp_path' @file 1 2; scgi_temp_path @file;",
    ),
    "temporary folders of a server": ("server", '"fastcgi_temp_path" @file;'),
    "caches": (
        "http",
        "proxy_cache_path @file keys_zone=a:1m; 'uwsgi_cache_path' \"@file\" keys_zone=b:1m;",
    ),
    "a socket": ("server", "listen unix:@file;"),
    "a socket in quotes": ("server", '"listen" "unix:@file" default_server;'),
    "a socket in capitals": ("server", "listen UNIX:@file;"),
    "a certificate": (
        "server",
        "listen 8443 ssl; ssl_certificate @secret; ssl_certificate_key @secret;",
    ),
    "other certificates": (
        "http",
        "ssl_dhparam @secret; ssl_password_file @secret; ssl_crl @secret; ssl_stapling_file "
        "@secret; ssl_session_ticket_key @secret; proxy_ssl_trusted_certificate @secret;",
    ),
    "geoip": ("http", "geoip_country @secret; geoip_city @secret;"),
    "users": ("server", "auth_basic a; auth_basic_user_file @secret; root @secret;"),
    "a stylesheet": ("location", "xslt_stylesheet @secret; xml_entities @secret;"),
    "a stream": ("main", "stream { error_log @file; server { listen unix:@file; } }"),
    "mail": ("main", "mail { error_log @file; auth_http unix:@file; }"),
    "a directive of another module": ("http", "of_another @file { error_log @file; }"),
    # Hosts, memory and time
    "hosts": (
        "http",
        "resolver evil.example 'evil.example' a=evil.example; set_real_ip_from evil.example; "
        "upstream a { server evil.example; server $a.evil.example:80; server a/evil.example; }",
    ),
    "hosts of a location": ("location", "memcached_pass '$a.evil.example:1';"),
    "large zones": ("http", "limit_req_zone $host zone=a:100g rate=1r/s; map_hash_max_size 9999;"),
    "a large table": (
        "http",
        "variables_hash_max_size 2147483647; variables_hash_bucket_size 1; "
        "server_names_hash_max_size 2147483647; server_names_hash_bucket_size 1;",
    ),
    "an expression": ("location", "rewrite '^(((((a{1,900}){1,900}){1,9}){1,9}){1,9})$' /;"),
    "NUL": ("http", "error_log @file\0 debug;"),
    "no end": ("http", "error_log '@file;"),
}


def configuration(place: str, text: str, paths: dict[str, str]) -> str:
    """A complete configuration, with a text at a place."""
    for name, path in paths.items():
        text = text.replace(f"@{name}", path)
    main, events, http, server, location = (text if name == place else "" for name in PLACES)
    return (
        f"{main}\nevents {{ {events} }}\nhttp {{\n{http}\nserver {{\nlisten 8080;\n{server}\n"
        f"location / {{\n{location}\nreturn 200;\n}}\n}}\n}}\n"
    )
