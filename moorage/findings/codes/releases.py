"""M3210 to M3249: how a deployment replaces the tasks of a service (`release:`)."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS

RELEASES = (
    Code(
        "M3210",
        "The strategy shifts traffic, and nothing sends traffic to the service.",
        (
            "With `blue_green`, `linear` and `canary` ECS shifts traffic from one target group to"
            " another, or between the proxies of Service Connect. A service that neither reaches "
            "has no traffic to shift, and the deployment would only take longer."
        ),
        "Write `release: rolling`, or add a load balancer or an endpoint of Service Connect.",
        """\
expose: [{via: public, paths: ["/*"]}]  # a load balancer
release: canary
""",
        ('Amazon ECS developer guide, "Amazon ECS blue/green deployments"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3211",
        "Several routes share a target group whose traffic is shifted.",
        (
            "ECS shifts the traffic of one listener rule for each pair of target groups, and "
            "accepts each target group only once. The other rules would continue to send traffic "
            "to the group whose tasks are stopped."
        ),
        "Write the hosts and paths of all these routes in one route.",
        """\
expose: [{via: public, paths: ["/*", "/docs/*"]}]  # one route
release: canary
""",
        ('Amazon ECS developer guide, "Troubleshooting Amazon ECS blue/green deployments"',),
        rules=(
            "E9302",
            "E9304",
        ),
    ),
    Code(
        "M3212",
        "A setting of `release:` belongs to another strategy.",
        "Each strategy has its own settings: `linear` has `step_percent` and `step_bake_time`, "
        "`canary` has `canary_percent` and `canary_bake_time`, `rolling` has `early_success`. A "
        "`circuit_breaker` works with `rolling` only: the others roll back by themselves if the "
        "new tasks do not become healthy.",
        "Remove the setting, or write another `strategy:`.",
        """\
release: {strategy: linear, step_percent: 20, step_bake_time: 5m}
""",
        ("Amazon ECS API reference, DeploymentConfiguration",),
        rules=("E9296",),
    ),
    Code(
        "M3213",
        "The bake times of a deployment are longer than CloudFormation allows.",
        (
            "CloudFormation gives up an update after 36 hours, and refuses a service whose bake "
            "times add up to more than 33 hours. With `linear` these are `bake_time` and one "
            "`step_bake_time` after each step but the last, with `canary` they are `bake_time` "
            "and `canary_bake_time`."
        ),
        "Write shorter times, or fewer steps.",
        """\
release: {strategy: linear, step_percent: 10, step_bake_time: 2h, bake_time: 12h}  # 30 hours
""",
        (
            (
                "AWS CloudFormation template reference, AWS::ECS::Service LinearConfiguration and "
                "CanaryConfiguration"
            ),
        ),
        rules=("E9307",),
    ),
    Code(
        "M3214",
        "A time or a percentage of a release has more digits than ECS accepts.",
        "ECS accepts times in whole minutes, and percentages of traffic in steps of 0.1. Because "
        "of rounding errors, cfn-lint refuses some of these percentages, such as 33.3.",
        "Round the value.",
        """\
release: {strategy: canary, canary_percent: 2.5, canary_bake_time: 2m}  # not 2.55, not 90s
""",
        ("Amazon ECS API reference, CanaryConfiguration and LinearConfiguration",),
        rules=("E3002",),
    ),
    Code(
        "M3215",
        "A deployment cannot pause at this stage.",
        (
            "Pause hooks are not supported at `test_traffic_shift` and "
            "`production_traffic_shift`, in which ECS changes the load balancer."
        ),
        "Write the stage before or after it.",
        """\
release:
  strategy: canary
  hooks: [{pause: 1d, stages: [post_test_traffic_shift]}]  # not test_traffic_shift
""",
        ('Amazon ECS developer guide, "Pause lifecycle hooks"',),
        rules=("E9305",),
    ),
    Code(
        "M3216",
        "A service has too many lifecycle hooks.",
        "ECS accepts 10 Lambda hooks and 10 pause hooks for each service.",
        "Write several `stages` in a hook.",
        """\
release:
  strategy: canary
  hooks: [{pause: 1d, stages: [post_scale_up, post_test_traffic_shift]}]  # one hook
""",
        ('Amazon ECS developer guide, "Pause lifecycle hooks"',),
        rules=("E9310",),
    ),
    Code(
        "M3219",
        "The rule or listener for test traffic would get no test traffic.",
        (
            "Test traffic reaches the new tasks by a rule with `headers` or `hosts` that the load"
            " balancer evaluates before that of the route, or by a listener at a `port` of its "
            "own. A Network Load Balancer sees neither headers nor hosts."
        ),
        (
            "Write conditions that only test requests meet, a free port, or a better priority, as"
            " the message says."
        ),
        """\
release:
  strategy: canary
  test: {headers: {X-Release: next}}  # of an NLB: {port: 9443}
""",
        (
            'User guide for Application Load Balancers, "Listener rules"',
            (
                'Amazon ECS developer guide, "Network Load Balancer resources for blue/green,'
                ' linear, and canary deployments"'
            ),
        ),
        rules=("E9301",),
    ),
    Code(
        "M3220",
        "Service Connect cannot recognize test traffic by these headers.",
        (
            "The proxies recognize test traffic by one header with one exact value, and only "
            "where they understand the protocol."
        ),
        (
            "Write one header with one value, and `protocol:` in each endpoint; or remove "
            "`headers`, and test with the header `x-amzn-ecs-blue-green-test`."
        ),
        """\
service_connect: {services: [{port: 8080, protocol: http}]}
release: {strategy: canary, test: {headers: {X-Release: next}}}
""",
        ('Amazon ECS developer guide, "Service Connect for Amazon ECS blue/green deployments"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3222",
        "A Network Load Balancer makes the deployment much longer.",
        (
            "Behind a Network Load Balancer ECS waits ten minutes in the stages that change "
            "weights, so that connections follow. `linear` enters such a stage at each step."
        ),
        "If the time matters, write fewer steps, or `blue_green`.",
        """\
expose: [{via: edge, port: 8443/tcp}]
release: blue_green  # changes the weights once
""",
        (
            (
                'Amazon ECS developer guide, "Network Load Balancer resources for blue/green,'
                ' linear, and canary deployments"'
            ),
        ),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3228",
        "Traffic cannot be shifted between tasks on ports of their instance.",
        (
            "AWS describes traffic shifting for target groups of IP addresses. Tasks with "
            "`network_mode: bridge` or `host` are registered by the ports of their instances."
        ),
        "Write `network_mode: awsvpc`, or `release: rolling`.",
        """\
network_mode: awsvpc
release: canary
""",
        (
            (
                'Amazon ECS developer guide, "Application Load Balancer resources for blue/green, '
                'linear, and canary deployments"'
            ),
        ),
        not_in_templates="AWS does not say that it refuses it.",
    ),
    Code(
        "M3229",
        "`healthy_percent` of `early_success` is below `minimum_healthy_percent`.",
        (
            "`early_success` completes a deployment as soon as a percentage of the tasks is "
            "healthy. ECS refuses a percentage below `minimum_healthy_percent`."
        ),
        "Raise `healthy_percent`, or lower `minimum_healthy_percent`.",
        """\
minimum_healthy_percent: 80
release: {early_success: {healthy_percent: 90}}
""",
        ("Amazon ECS API reference, DeploymentEarlySuccessCriteria",),
        rules=("E9311",),
    ),
    Code(
        "M3230",
        "AWS does not document whether a deployment keeps the authentication of a rule.",
        (
            "To shift traffic, ECS rewrites the actions of the listener rule. AWS does not "
            "document what happens to an action that authenticates users before the request is "
            "forwarded."
        ),
        "Try it in an environment that is not production, or write `release: rolling`.",
        """\
expose: [{via: public, paths: ["/*"], authenticate: {oidc: {}}}]
release: rolling
""",
        not_in_templates="AWS does not say what happens.",
    ),
    Code(
        "M3234",
        "No alarm can roll the deployment back after all traffic has shifted.",
        (
            "ECS watches the alarms until the end of `bake_time`. With `0s` it stops the old "
            "tasks as soon as all traffic has shifted, before an alarm can see errors."
        ),
        "Write a time that is longer than the alarms need.",
        """\
release: {strategy: blue_green, bake_time: 10m, rollback_on: [shop-5xx]}
""",
        (
            (
                'Amazon ECS developer guide, "How CloudWatch alarms detect Amazon ECS deployment '
                'failures"'
            ),
        ),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3236",
        "An alarm of the stack cannot roll its deployments back.",
        "`rollback_on` names alarms of `alarms:` and alarms that exist in CloudWatch. An alarm of "
        "the stack must be on and have a state. With ECS it must not refer to the service, because "
        "the service refers to it; CodeDeploy can watch those, too.",
        "Turn the alarm on, or name another one: `target_5xx`, `connection_errors`, `latency`, "
        "`unhealthy_hosts` and `no_healthy_host` of a service, `dead_letters` and `oldest_message` "
        "of a worker.",
        """\
alarms: true
release: {strategy: canary, rollback_on: [target_5xx, latency]}
""",
        ('AWS CloudFormation user guide, "Circular dependencies"',),
        rules=("E3004",),
    ),
    Code(
        "M3237",
        "CodeDeploy watches ten alarms at most.",
        "An alarm of the stack counts once for each target, such as two ports of a service.",
        "Write fewer alarms. A composite alarm in CloudWatch can combine several.",
        """\
release: {strategy: codedeploy, rollback_on: [target_5xx, latency]}
""",
        ('CodeDeploy user guide, "CodeDeploy quotas"',),
        rules=("E9343",),
    ),
    Code(
        "M3238",
        "A setting of `test` has no effect.",
        "An Application Load Balancer recognizes test traffic by `headers` or `hosts`, in a rule "
        "with a `priority`; or by its own listener on a `port`, with `certificate`, `ssl_policy` "
        "and `clients`. A Network Load Balancer uses only the `port`, Service Connect only "
        "`headers`.",
        "Remove the setting.",
        """\
release: {strategy: canary, test: {headers: {X-Release: next}}}  # without `port`
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3239",
        "A lifecycle hook has both a function and a pause.",
        "A hook calls a Lambda function, or pauses the deployment until someone continues it.",
        "Write two hooks. Those of one stage run at the same time.",
        """\
release:
  strategy: canary
  hooks:
    - {function: "arn:aws:lambda:eu-central-1:123456789012:function:smoke", stages: [post_scale_up]}
    - {pause: 1d, stages: [post_test_traffic_shift]}
""",
        ('Amazon ECS developer guide, "Lifecycle hooks for Amazon ECS service deployments"',),
        rules=(
            "E9305",
            "E9306",
        ),
    ),
)
