"""M2400 to M2499: routes through an Application Load Balancer, and target groups."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS

_RULE_CONDITION = "Elastic Load Balancing API reference, RuleCondition"
_REDIRECT = "Elastic Load Balancing API reference, RedirectActionConfig"
_CREATE_TARGET_GROUP = "Elastic Load Balancing API reference, CreateTargetGroup"

CODES: tuple[Code, ...] = (
    Code(
        "M2400",
        "The route has no condition.",
        "A listener rule needs at least one condition on the requests that it applies to.",
        "Add a condition: `hosts:`, `paths:`, `headers:`, `methods:`, `query:` or `source_ips:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    hosts: [shop.example.com]  # a condition
""",
        ("Elastic Load Balancing API reference, CreateRule",),
        rules=("E9571",),
    ),
    Code(
        "M2401",
        "The route has two actions.",
        "A listener rule ends with one action: forward, redirect or fixed response.",
        "Keep either `redirect:` or `fixed_response:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    name: moved
    paths: [/old/*]
    redirect: {path: /new/}  # one action
""",
        ("Elastic Load Balancing API reference, CreateRule, Actions",),
        rules=("E9494",),
    ),
    Code(
        "M2402",
        "The setting cannot be combined with a redirect or a fixed response.",
        "A route with `redirect:` or `fixed_response:` forwards no request, so it has no container "
        "and no target group, and authenticates no users.",
        "Remove the setting, or remove `redirect:` or `fixed_response:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    name: moved
    paths: [/old/*]
    redirect: {path: /new/}  # without `container:`, `health_check:` and the like
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M2403",
        "The redirect is a loop.",
        "A redirect that changes neither protocol, host, port nor path leads to the URL that the "
        "request had. Elastic Load Balancing rejects it.",
        "Change at least one of them.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    name: www
    hosts: [example.com]
    redirect: {host: "www.#{host}"}  # another host
""",
        (_REDIRECT,),
        rules=("E9469",),
    ),
    Code(
        "M2404",
        "A part of the redirect is not valid.",
        "The host of a redirect can contain `#{host}`; the path begins with `/` and can contain "
        "`#{host}`, `#{path}` and `#{port}`; the query has no leading `?` and can contain these, "
        "`#{query}` and `#{protocol}`. An HTTPS listener cannot redirect to HTTP.",
        "Correct the host, the path, the query or the protocol.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    name: moved
    paths: [/old/*]
    redirect: {path: "/new/#{path}", query: "#{query}&moved=yes"}  # no `?`
""",
        (_REDIRECT,),
        rules=(
            "E9495",
            "E9526",
            "W9527",
        ),
    ),
    Code(
        "M2405",
        "The status code cannot be used in a fixed response.",
        "The status of a fixed response is 2XX, 4XX or 5XX.",
        "Write a status code of these classes. For 301 and 302 use `redirect:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    name: gone
    paths: [/old/*]
    fixed_response: {status_code: 410}  # 2XX, 4XX or 5XX
""",
        ("Elastic Load Balancing API reference, FixedResponseActionConfig",),
        rules=("E3031",),
    ),
    Code(
        "M2406",
        "`authenticate:` needs exactly one identity provider.",
        "Users log in either at an OpenID Connect provider or at a Cognito user pool.",
        "Write either `oidc:` or `cognito:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/admin/*]
    authenticate:
      cognito:  # one provider
        user_pool: arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEfGhI
        client_id: 1example23456789
        domain: shop
""",
        (
            (
                'Application Load Balancers user guide, "Authenticate users using an Application '
                'Load Balancer"'
            ),
        ),
        not_in_templates=PARAMS,
    ),
    Code(
        "M2410",
        "The path pattern is not valid.",
        "A path pattern has at most 128 characters: letters, digits, _-.$/~\"'@:+& and the "
        "wildcards * and ?. It begins with `/` or `*`, because the path of every request begins "
        "with `/`.",
        "Correct the path.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]  # begins with `/`
""",
        (
            _RULE_CONDITION,
            'Application Load Balancers user guide, "Condition types for listener rules"',
        ),
        rules=(
            "E9501",
            "E9577",
        ),
    ),
    Code(
        "M2411",
        "The host pattern is not valid.",
        "A host pattern has at most 128 characters: letters, digits, -._ and the wildcards * and "
        "?. It contains a dot, and only letters follow the last one.",
        "Write a host name without protocol and port.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    hosts: ["*.example.com"]  # not https://*.example.com:443
""",
        (
            _RULE_CONDITION,
            'Application Load Balancers user guide, "Condition types for listener rules"',
        ),
        rules=(
            "E9499",
            "E9501",
            "E9575",
        ),
    ),
    Code(
        "M2412",
        "The name of the header is not valid.",
        "The name in a header condition has at most 40 characters and no wildcards.",
        "Correct the name.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    headers: {X-Api-Version: ["2"]}  # no wildcards in the name
""",
        ("Elastic Load Balancing API reference, HttpHeaderConditionConfig",),
        rules=(
            "E9502",
            "E9576",
        ),
    ),
    Code(
        "M2413",
        "The header `Host` cannot be matched by `headers:`.",
        "Elastic Load Balancing has a separate condition for the host, and rejects `Host` in a "
        "header condition.",
        "Write the host below `hosts:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    hosts: [shop.example.com]  # the header `Host`
""",
        ("Elastic Load Balancing API reference, HttpHeaderConditionConfig",),
        rules=("E9486",),
    ),
    Code(
        "M2414",
        "The header is listed more than once.",
        "The names of headers are case-insensitive, so two keys that differ in case are the same "
        "header. A request would have to match both conditions.",
        "Keep one key.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    headers: {X-Api-Version: ["1", "2"]}  # one key
""",
        ("Elastic Load Balancing API reference, HttpHeaderConditionConfig",),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2415",
        "Only requests to the root path reach the service.",
        "A path pattern without a wildcard matches one path only: `/` matches neither `/login` nor "
        "`/style.css`, which get a 404 from the load balancer.",
        'Write `paths: ["/*"]` for all paths.',
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: ["/*"]  # not ["/"]
""",
        ('Application Load Balancers user guide, "Condition types for listener rules"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2420",
        "The timeout of the health check is not shorter than its interval.",
        "Elastic Load Balancing refuses a timeout that is longer than the interval, and for HTTP "
        "and HTTPS also one that is as long.",
        "Write a shorter `timeout:` or a longer `interval:`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]
    health_check: {interval: 10s, timeout: 5s}  # shorter than the interval
""",
        (_CREATE_TARGET_GROUP,),
        rules=(
            "E9564",
            "E9595",
        ),
    ),
    Code(
        "M2421",
        "The matcher of the health check is not valid.",
        "The matcher is a list of status codes and ranges for healthy targets. Application Load "
        "Balancers accept HTTP codes from 200 to 499 and gRPC codes from 0 to 99, Network Load "
        "Balancers HTTP codes from 200 to 599.",
        "Write a code, a range or a list of them.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]
    health_check: {matcher: "200-299,302"}  # 200 to 499
""",
        ("Elastic Load Balancing API reference, Matcher",),
        rules=(
            "E9570",
            "E9560",
            "E9539",
        ),
    ),
    Code(
        "M2422",
        "`slow_start` needs the algorithm `round_robin`.",
        "Slow start mode gradually raises the share of requests that a new target gets. It is not "
        "available for other routing algorithms.",
        "Remove `slow_start:`, or write `algorithm: round_robin`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]
    slow_start: 60s  # with the default algorithm, `round_robin`
""",
        ('Application Load Balancers user guide, "Slow start mode"',),
        rules=("E9592",),
    ),
    Code(
        "M2423",
        "The name of the cookie is not valid.",
        "The name contains a character that cookie names cannot have, or begins with `AWSALB`, "
        "which is reserved for cookies of the load balancer.",
        "Write the name of a cookie of the application.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]
    stickiness: {app_cookie: session}  # not AWSALB...
""",
        ("RFC 6265, section 4.1.1", "Elastic Load Balancing API reference, TargetGroupAttribute"),
        rules=("E9534",),
    ),
    Code(
        "M2424",
        "The health check accepts status codes of errors.",
        "`matcher:` includes status codes with which a server says that it failed, so a task that "
        "cannot answer a request counts as healthy and gets requests.",
        "Write the codes that the service answers when it works.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/shop.Catalog/*]
    protocol_version: GRPC
    health_check: {path: /grpc.health.v1.Health/Check, matcher: "0"}  # not 0-99
""",
        ('gRPC documentation, "Status Codes"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M2425",
        "`stickiness` does not work with the algorithm `weighted_random`.",
        "Elastic Load Balancing refuses a target group with both.",
        "Remove `stickiness:`, or write `algorithm: round_robin`.",
        """\
template: service
containers: {web: {image: "ecr:web:1", ports: [8080]}}
expose:
  - via: public
    paths: [/api/*]
    stickiness: {duration: 1h}  # with the default algorithm, `round_robin`
""",
        ("hashicorp/terraform-provider-aws#35083",),
        rules=("E9592",),
    ),
    Code(
        "M2430",
        "Two routes match the same requests, or have the same priority.",
        "Each rule of a listener has a different priority, and the first rule that matches a "
        "request decides. Moorage computes the priorities so that narrower conditions come first "
        "and no two are equal. It cannot order two routes whose conditions are the same, or "
        "overlap and are equally narrow, and it does not change a `priority:` that is written.",
        "Change the conditions or the `priority:` of one of them. Where conditions overlap, write "
        "a `priority:`.",
        """\
expose:
  - {via: public, paths: [/api/*]}
  - {via: public, paths: [/admin/*]}  # not /api/* again
""",
        ('Application Load Balancers user guide, "Listener rules"',),
        rules=("E9500",),
    ),
    Code(
        "M2431",
        "A route gets no requests because of a `priority`.",
        "The listener evaluates its rules by priority, the lowest number first. A rule with "
        "broader conditions and a lower number takes all requests of the other one.",
        "Remove `priority`, or write a lower or higher number, as the message says.",
        """\
expose:
  - {via: public, paths: [/docs/*]}  # without `priority`: narrower conditions come first
""",
        ('Application Load Balancers user guide, "Listener rules"',),
        not_in_templates=ALLOWED,
    ),
)
