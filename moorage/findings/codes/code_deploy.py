"""M3224 to M3227: services that CodeDeploy deploys (`release: {strategy: codedeploy}`)."""

from __future__ import annotations

from moorage.findings.codes.code import Code

_GUIDE = 'Amazon ECS developer guide, "Blue/green deployment with CodeDeploy"'

CODE_DEPLOY = (
    Code(
        "M3224",
        "A hook for test traffic of CodeDeploy needs test traffic.",
        "`after_allow_test_traffic` is called when the test listener forwards to the new tasks. "
        "Without one there is nothing to test at that moment.",
        "Write `test:` with a port, or use `before_allow_traffic`.",
        """\
release:
  strategy: codedeploy
  test: {port: 8443, clients: [198.51.100.0/24]}
  hooks: {after_allow_test_traffic: smoke-test}
""",
        ("CodeDeploy user guide, \"AppSpec 'hooks' section\"",),
        not_in_templates="The hooks of CodeDeploy are in an AppSpec file, not in a template.",
    ),
    Code(
        "M3225",
        "CodeDeploy deploys a service with exactly one route.",
        "CodeDeploy starts the new tasks in a second target group, and then points the listener of "
        "a load balancer to it. It does so for one target group and one listener.",
        "Keep one route, with all `hosts` and `paths`. For several routes or load balancers, or "
        "none, write another `strategy:`.",
        """\
release: {strategy: codedeploy}
expose:
  - {via: public, hosts: [shop.example.com], paths: ["/*"]}  # the only route
""",
        (_GUIDE,),
        rules=(
            "E9318",
            "E9325",
        ),
    ),
    Code(
        "M3226",
        "CodeDeploy shifts the traffic of a Network Load Balancer only all at once.",
        "Canary and linear configurations need weighted target groups, which CodeDeploy uses with "
        "Application Load Balancers only.",
        "Write `configuration: all_at_once`, or a `strategy:` of ECS itself, such as `canary`.",
        """\
release: {strategy: codedeploy, configuration: all_at_once}
expose:
  - {via: edge, port: 443/tls}
""",
        (_GUIDE,),
        rules=("E9321",),
    ),
    Code(
        "M3227",
        "Service Connect does not work with CodeDeploy.",
        "ECS refuses Service Connect for a service with the deployment controller CODE_DEPLOY.",
        "Remove `service_connect`, and write `discovery:` if other services look it up. Or write "
        "`strategy: blue_green`, with which ECS shifts the traffic itself.",
        """\
release: {strategy: blue_green}
service_connect: true
""",
        ('Amazon ECS developer guide, "Service Connect"',),
        rules=("E9295",),
    ),
)
