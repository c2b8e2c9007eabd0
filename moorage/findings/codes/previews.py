"""M4000 to M4099: stacks that environments share, and previews."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ENVIRONMENTS

_RULES = 'Elastic Load Balancing API reference, "CreateRule"'
_EXAMPLE = """\
# params/preview.yaml, with an environment `dev`
shares: {env: dev, stacks: [cluster, public]}
"""
_ROUTE = """\
expose:
  - {via: public, hosts: ["${env}.example.com"]}  # a host of each preview's own
"""

CODES: tuple[Code, ...] = (
    Code(
        "M4001",
        "`shares` names stacks that cannot be shared.",
        "An environment uses stacks of another environment by their exports. The other one has "
        "them itself, and belongs to the same app, account and region.",
        "Write the name of an environment, and names of its stacks.",
        _EXAMPLE,
        not_in_templates=ENVIRONMENTS,
    ),
    Code(
        "M4002",
        "The environment whose stacks are shared has errors.",
        "The params of its stacks are needed to check what uses them.",
        "Correct the other environment first.",
        _EXAMPLE,
    ),
    Code(
        "M4003",
        "A route or port is that of another environment on the same load balancer, too.",
        "Of two rules with the same conditions, the one with the lower priority gets all requests, "
        "so that one of the environments has none. A load balancer has one listener for a port.",
        "Use a host, a path or a port that no other environment has. `${env}` is the name of the "
        "environment, which differs for each preview.",
        _ROUTE,
        (_RULES,),
        rules=("E9470",),
    ),
    Code(
        "M4004",
        "A rule has the priority of another environment's rule on the same listener.",
        "The priorities of a listener's rules are unique: Elastic Load Balancing refuses another "
        "rule. A build computes numbers that the shared environment does not use; those of other "
        "previews are known to the account only.",
        "Write another `priority:` at the route.",
        """\
expose:
  - {via: public, hosts: ["${env}.example.com"], priority: 9000}
""",
        (_RULES,),
        rules=("E9500",),
    ),
    Code(
        "M4005",
        "A name for service discovery is that of another environment in the same namespace, too.",
        "Clients of the name would reach the tasks of both environments, or AWS refuses the second "
        "one.",
        "Use a name that no other environment has, such as one with `${env}`, or a cluster of its "
        "own.",
        """\
discovery: {name: "web-${env}"}
""",
        rules=("E9983",),
    ),
    Code(
        "M4006",
        "A repository or an identity provider is that of another environment, too.",
        "An account has one repository of a name in a region, and one identity provider for a URL. "
        "The second stack that creates it fails.",
        "Delete the stack from the previews, which then use that of the other environment; or put "
        "`${env}` into the name of the repository.",
        """\
# params/preview.yaml
stacks: {registry: null, ci: null}
""",
        rules=("E9983",),
    ),
    Code(
        "M4007",
        "The params of an environment have a stack that it shares.",
        "A shared stack is that of the other environment, and so are its params.",
        "Remove the stack here, or change it in the params of the environment that has it.",
        _EXAMPLE,
    ),
)
