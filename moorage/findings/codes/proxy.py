"""M3000 to M3099: the nginx proxy."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_START = (
    "nginx does not start with this mistake: the container of the proxy exits with code 1, ECS "
    "stops the task, and the deployment fails."
)
_STRUCTURE = "nginx documentation, Beginner's Guide, Configuration File's Structure"
_DIRECTIVES = "nginx documentation, Alphabetical index of directives"

_SYNTAX = (
    Code(
        "M3001",
        "A directive of the nginx configuration does not end with one `;`.",
        _START
        + " A directive without its `;` takes the next directive as its arguments. Sometimes "
        "nginx accepts that: then the next directive has no effect.",
        "End each directive that has no block with exactly one `;`.",
        "proxy:\n  config: nginx/web.conf  # with `proxy_read_timeout 60s;`",
        (_STRUCTURE,),
    ),
    Code(
        "M3002",
        "A block of the nginx configuration has too many braces, or too few.",
        _START
        + " A directive such as `server` or `location` has a block in braces and no `;`; any other "
        "one ends with `;` and has no block. Each `{` needs its `}`.",
        "Add the missing brace, or remove the extra one.",
        "proxy:\n  config: nginx/web.conf  # with `location / { proxy_pass http://127.0.0.1:3000; "
        "}`",
        (_STRUCTURE,),
    ),
    Code(
        "M3003",
        "A quoted text of the nginx configuration is not closed, or is followed by more text.",
        _START + " A quoted text must be followed by a space, `;`, `{` or `)`.",
        'Close the quotes, or write the text into one pair of quotes: `"a b"`.',
        'proxy:\n  config: nginx/web.conf  # with `add_header X-Shop "kelp and co";`',
        ("nginx source, src/core/ngx_conf_file.c",),
    ),
    Code(
        "M3004",
        "nginx has no directive of this name.",
        _START + " The name is nearly that of a directive, so it is probably misspelled.",
        "Correct the name.",
        "proxy:\n  config: nginx/web.conf  # with `proxy_pass`, not `proxy_paas`",
        (_DIRECTIVES,),
    ),
    Code(
        "M3005",
        "A directive is in the wrong block of the nginx configuration, or `events` is missing.",
        _START + " The documentation of a directive names the blocks that it is allowed in "
        "(`Context`). A whole nginx.conf must have an `events` block.",
        "Move the directive to a block that it is allowed in; add `events {}`.",
        "proxy:\n  config: nginx/web.conf  # with `proxy_pass` in a `location`, not in `server`",
        (_DIRECTIVES,),
    ),
    Code(
        "M3006",
        "A directive of the nginx configuration has wrong arguments.",
        _START
        + " Each directive takes a certain number of arguments, and some only `on` or `off`. "
        "Too many arguments often mean that quotes are missing.",
        "Write the number of arguments that the directive takes.",
        "proxy:\n  config: nginx/web.conf  # with `gzip on;` and `proxy_read_timeout 60s;`",
        (_DIRECTIVES,),
    ),
    Code(
        "M3007",
        "A directive is written twice in a block of the nginx configuration.",
        _START
        + ' nginx reports `"proxy_pass" directive is duplicate` or `duplicate location`. Many '
        "directives can be repeated (`add_header`, `listen`), others cannot.",
        "Remove one of the two.",
        "proxy:\n  config: nginx/web.conf  # with one `proxy_pass` in each `location`",
        (_DIRECTIVES,),
    ),
    Code(
        "M3008",
        "A text of the nginx configuration is too long.",
        _START + " nginx reads no word of 4,096 bytes or more.",
        "Assign parts of the text to variables with `set`, and write the variables side by side.",
        """\
proxy:
  routes: [{path: /, to: web}]
  error_pages:
    - statuses: [502]
      body: Sorry  # of any length; Moorage splits it
""",
        ("nginx source, src/core/ngx_conf_file.c, NGX_CONF_BUFFER",),
    ),
    Code(
        "M3009",
        "A variable of the nginx configuration has no name, or a misspelled one.",
        _START + " A `$` begins a variable, and cannot be escaped in the text of a directive.",
        "Correct the name of the variable. For the character `$` itself, define a variable with "
        "`geo $dollar { default '$'; }` and write `${dollar}`.",
        'proxy:\n  routes: [{path: /, to: web}]\n  request_headers: {X-Id: "$request_id"}  # a '
        "variable of nginx",
        ("nginx documentation, Alphabetical index of variables",),
    ),
    Code(
        "M3010",
        "nginx runs in the background, so its container ends.",
        "With `daemon on`, the process that the container was started with exits once nginx has "
        "forked. The container ends with it, and ECS stops the task.",
        "Write `daemon off;`, or remove the directive: Moorage starts nginx with `daemon off`.",
        "proxy:\n  config: nginx/web.conf  # without `daemon on;`",
        ("nginx documentation, Core functionality, daemon",),
    ),
)

_PORTS_AND_HOSTS = (
    Code(
        "M3020",
        "No server of the nginx configuration listens on the port of the proxy.",
        "Load balancers send requests and health checks to the port of the proxy. If nothing "
        "listens there, all health checks fail and ECS replaces the tasks again and again. A "
        "server without `listen` listens on port 80.",
        "Write `listen` with the port of the proxy, or set `port:` to the one that nginx listens "
        "on.",
        "proxy:\n  port: 8080  # as in `listen 8080;`\n  config: nginx/web.conf",
        ("nginx documentation, ngx_http_core_module, listen",),
    ),
    Code(
        "M3021",
        "A host in the nginx configuration is not found when nginx starts.",
        "nginx looks up hosts when it starts, and does not start if one is not found. In network "
        "mode `awsvpc` the containers of a task share one address and have no names of their own; "
        "with `bridge`, linked containers are found by their names.",
        "Write `127.0.0.1` and the port of the container.",
        "proxy:\n  config: nginx/web.conf  # with `proxy_pass http://127.0.0.1:3000;`",
        (
            "nginx documentation, ngx_http_proxy_module, proxy_pass",
            'Amazon ECS developer guide, "Allocate a network interface for an Amazon ECS task"',
        ),
    ),
    Code(
        "M3022",
        "nginx looks up a host only when it starts.",
        "nginx keeps the addresses that it found when it started. The addresses of a load "
        "balancer change, and from then on requests fail until nginx is restarted.",
        "Assign the host to a variable and pass requests to the variable: then nginx looks the "
        "host up again. This needs a `resolver`. The generated configuration does so.",
        "proxy:\n  routes:\n    - {path: /, to: web}\n    - {path: /login, to: "
        '"https://login.example.com"}  # is looked up again',
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
    Code(
        "M3023",
        "A host in a variable cannot be looked up, because there is no `resolver`.",
        "nginx starts, and answers each request for this host with 502: it asks only the DNS "
        "servers of `resolver` for a host in a variable.",
        "Write `resolver 169.254.169.253 valid=5s;`, the DNS server of the VPC, in `http` or "
        "`server`.",
        "proxy:\n  config: nginx/web.conf  # with `resolver 169.254.169.253 valid=5s;`",
        (
            "nginx documentation, ngx_http_core_module, resolver",
            'Amazon VPC user guide, "Understanding Amazon DNS"',
        ),
    ),
    Code(
        "M3024",
        "Requests are sent to a port that no container has.",
        "nginx answers these requests with 502 if no container of the task listens on the port.",
        "Correct the port, or add it to `ports` of the container that listens on it.",
        'containers:\n  web: {image: "ecr:web:1", ports: [3000]}  # as in `proxy_pass '
        "http://127.0.0.1:3000;`\nproxy:\n  config: nginx/web.conf",
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
    Code(
        "M3025",
        "`localhost` can resolve to an IPv6 address.",
        "`localhost` is 127.0.0.1 and, in many images, ::1 too. nginx then uses both in turn, and "
        "gets no connection to ::1 if the application listens on IPv4 only.",
        "Write `127.0.0.1`.",
        "proxy:\n  config: nginx/web.conf  # with `proxy_pass http://127.0.0.1:3000;`",
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
)

_REAL_NGINX = (
    Code(
        "M3030",
        "The installed nginx does not start with this configuration.",
        "Moorage runs `nginx -t` on the configuration of a proxy if this machine has nginx. It "
        "first removes hosts, files and users that only the container has. nginx does not start "
        "with this mistake: the container of the proxy exits with code 1, ECS stops the task, and "
        "the deployment fails.",
        "Correct the line that nginx names.",
        "proxy:\n  config: nginx/web.conf  # with `client_max_body_size 10m;`, not `10x`",
        ("nginx documentation, Command-line parameters",),
    ),
    Code(
        "M3031",
        "The installed nginx does not know a word of this configuration.",
        "Moorage runs `nginx -t` on the configuration of a proxy if this machine has nginx, and "
        "this nginx does not know a directive, a parameter or a variable. If the nginx of the "
        "image is not newer and has no further modules, it does not start either.",
        "Correct the word if it is misspelled. Otherwise ignore the warning, or install the "
        "version of the image.",
        "proxy:\n  config: nginx/web.conf  # can use everything that nginx in the image has",
        (_DIRECTIVES,),
    ),
    Code(
        "M3032",
        "The installed nginx does not test all of this configuration.",
        "Moorage runs `nginx -t` on the configuration of a proxy if this machine has nginx. "
        "Whoever can change the params can change that configuration, so nothing in it must load "
        "a module, run a program or open a file here. `load_module`, scripts in Lua, Perl or "
        "JavaScript, `stream` and `mail` are left out of the test. A configuration that takes too "
        "long, or that cannot be read, is not tested at all.",
        "Nothing has to change. Test the configuration in the container, which has the modules.",
        "proxy:\n  config: nginx/web.conf  # with `load_module modules/ngx_http_js_module.so;`",
        ("nginx documentation, Core functionality, load_module",),
    ),
)

_PARAMS = (
    Code(
        "M3040",
        "`to:` of a route is not a target.",
        "A route sends requests to a container of the task, to an external host by HTTP or HTTPS, "
        "or to a FastCGI server in a container. The query string of a request is always passed on, "
        "so a target has none.",
        "Write `container`, `container:port`, `https://host` or `fastcgi://container`; a path can "
        "follow, except with FastCGI.",
        'proxy:\n  routes:\n    - {path: /, to: "web:3000"}  # a container and its port',
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
    Code(
        "M3041",
        "An external host of a route is not in the DNS.",
        "nginx asks the DNS for external hosts, and for nothing else: it does not find names that "
        "are only in /etc/hosts, such as `localhost` and those of Service Connect.",
        "Write the name of a container without `http://`, or the full name of a host.",
        "proxy:\n  routes:\n    - {path: /, to: web}  # a container, not `http://localhost:3000`",
        (
            "nginx documentation, ngx_http_core_module, resolver",
            'Amazon ECS developer guide, "Service Connect components"',
        ),
    ),
    Code(
        "M3042",
        "`path:` of a route matches no request.",
        "nginx compares paths without the query string, decoded, and with `//`, `.` and `..` "
        "resolved. `*` is not a wildcard.",
        "Write the beginning of the path as a browser shows it, or a regular expression as "
        "`match:`.",
        "proxy:\n  routes:\n    - {path: /api/, to: web}  # all paths that begin with /api/",
        ("nginx documentation, ngx_http_core_module, location",),
    ),
    Code(
        "M3043",
        "`match:` of a route is not a regular expression.",
        _START,
        "Write a regular expression of PCRE.",
        "proxy:\n  routes:\n    - {match: '\\.(png|jpg)$', to: web}  # paths with these endings",
        ("nginx documentation, ngx_http_core_module, location",),
    ),
    Code(
        "M3044",
        "A text cannot be written into the nginx configuration.",
        "A header or an expression is written on one line of the configuration. The configuration "
        "is an environment variable of the container, which cannot contain control characters.",
        "Remove new lines and tabs; in `body` they are allowed. Remove other control characters.",
        "proxy:\n  routes: [{path: /, to: web}]\n  response_headers: {X-Frame-Options: DENY}  # on "
        "one line",
        (),
    ),
    Code(
        "M3045",
        "`resolver.addresses` contains a value that is not the address of a DNS server.",
        "nginx does not start if the address of a DNS server is not valid, or if it is a name "
        "that is not found.",
        "Write an IPv4 address, with or without a port.",
        "proxy:\n  routes: [{path: /, to: web}]\n  resolver: {addresses: 169.254.169.253}  # the "
        "DNS server of the VPC",
        ("nginx documentation, ngx_http_core_module, resolver",),
    ),
)

_NGINX = "nginx documentation"

_SERVICE = (
    Code(
        "M3051",
        "Only root is allowed to listen on the port of the proxy.",
        "On Linux, ports below 1024 need root or a capability, which ECS adds for no other user.",
        "Write a port from 1024. Clients do not see it: load balancers connect to it.",
        """\
proxy: {port: 8080, routes: [{path: /, to: web}]}  # 1024 or higher
""",
        ("ip(7)", "aws/containers-roadmap#1721"),
    ),
    Code(
        "M3052",
        "The setting has no effect with a configuration file.",
        "With `config:`, nginx runs with this file and not with a configuration from the params.",
        "Write the setting into the file, or remove `config:`.",
        """\
proxy: {config: nginx/web.conf, port: 8080}  # without `routes` and the like
""",
    ),
    Code(
        "M3053",
        "The user cannot write the configuration file.",
        "The container writes the configuration to /etc/nginx before it starts nginx. In the "
        "default image only root is allowed to.",
        "Remove `user`, or write an `image:` in which the user can write to /etc/nginx.",
        """\
proxy: {config: nginx/web.conf}  # without `user`
""",
    ),
    Code(
        "M3054",
        "The setting of the proxy has no effect without another one.",
        "It changes what another setting does, which the proxy does not have.",
        "Remove the setting, or add the other one, as the message says.",
        """\
proxy:
  intercept_errors: true
  error_pages: [{statuses: [502], body: Sorry}]  # required by `intercept_errors`
  routes: [{path: /, to: web}]
""",
    ),
    Code(
        "M3055",
        "Two settings of the proxy are for the same requests.",
        "Each path and each regular expression becomes a `location`, and nginx does not start with "
        "the same one twice. A status has one error page.",
        "Remove one of them, or write another path.",
        """\
proxy:
  routes:
    - {path: /api, to: api}
    - {path: /, to: web}  # not /api again
""",
        ("nginx documentation, ngx_http_core_module, location",),
    ),
    Code(
        "M3056",
        "A setting of the proxy needs exactly one of two keys.",
        "A route takes requests by a `path` or by a `match`, and an error page is a `body` or a "
        "file at a `path`.",
        "Write one of the two keys.",
        """\
proxy:
  routes: [{path: /, to: web}]  # without `match`
""",
    ),
    Code(
        "M3057",
        "A route with `match` has a path in `to`.",
        "nginx replaces the part of the path that a prefix matches. With a regular expression "
        "there is no such part.",
        "Remove the path from `to`.",
        """\
proxy:
  routes: [{match: "^/img/", to: web}]  # not web/images
""",
        ("nginx documentation, ngx_http_proxy_module, proxy_pass",),
    ),
    Code(
        "M3058",
        "nginx cannot verify the certificate of an IP address.",
        "nginx compares the names in the certificate with the host, and ignores IP addresses in "
        "the certificate.",
        "Write the name of the host, or `verify: false`.",
        """\
proxy:
  routes: [{path: /, to: "https://backend.example.com"}]  # not https://10.0.0.4
""",
        ("OpenSSL, X509_check_host",),
    ),
    Code(
        "M3059",
        "The proxy sends requests to itself.",
        "The request would never reach a container that answers.",
        "Write the name of the container that answers.",
        """\
proxy:
  routes: [{path: /, to: web}]  # not `proxy`
""",
    ),
    Code(
        "M3060",
        "The load balancer closes the connection before the proxy does.",
        "A load balancer closes a connection without data after its `idle_timeout`, whatever the "
        "`read_timeout` of the proxy is.",
        "Lower `read_timeout`, or raise `idle_timeout` of the load balancer.",
        """\
stacks:
  public: {template: alb, idle_timeout: 120s}  # at least the `read_timeout`
  web: {template: service, proxy: {read_timeout: 120s, routes: [{path: /, to: web}]}}
""",
        ('Application Load Balancers user guide, "Connection idle timeout"',),
    ),
    Code(
        "M3061",
        "The proxy closes connections that the load balancer still uses.",
        "A load balancer sends the next request over an idle connection. If nginx closes it at the "
        "same time, the client gets the status 502.",
        "Remove `keepalive_timeout`, or write more than the `idle_timeout` of the load balancer.",
        """\
proxy: {keepalive_timeout: 75s, routes: [{path: /, to: web}]}  # above `idle_timeout`
""",
        ('Application Load Balancers user guide, "Connection idle timeout"',),
    ),
    Code(
        "M3062",
        "The proxy does not read proxy protocol headers.",
        "The generated configuration takes the header for the beginning of a request, and nginx "
        "answers with status 400.",
        "Write `preserve_client_ip: true` instead of `proxy_protocol_v2`.",
        """\
expose:
  - {via: edge, port: 8443/tcp, preserve_client_ip: true}  # not `proxy_protocol_v2`
""",
        (f"{_NGINX}, ngx_http_core_module, listen",),
    ),
)

CODES: tuple[Code, ...] = (
    *_SYNTAX,
    *_PORTS_AND_HOSTS,
    *_REAL_NGINX,
    *_PARAMS,
    *_SERVICE,
)
