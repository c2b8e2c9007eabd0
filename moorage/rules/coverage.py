"""Known failures that no rule here finds, and why: by the ids that rules name in `failure_ids`."""

from __future__ import annotations

FOUND_BY_CFN_LINT: dict[str, str] = {
    "iam-role-description-japanese": "E3031",
    "iam-role-name-instead-of-arn": "E1041",
    "lb-alb-single-subnet": "E3680",
    "lb-https-listener-without-certificate": "E3676",
    "lb-rule-6-path-values": "E3032",
    "lb-subnets-and-subnet-mappings": "E3014",
    "sg-description-japanese": "E3031",
    "stk-security-group-cycle": "E3004",
    "tag-value-characters": "E3031",
    "td-cpu-memory-pair": "E3047",
    "td-cpu-only-on-container": "E3048",
    "td-host-port-differs": "E3053",
    "td-log-driver-unsupported": "E3048",
    "td-network-mode-bridge": "E3048",
    "td-no-essential-container": "E3042",
    "td-ssm-secure-in-environment": "E1027",
    "tg-matcher-on-tcp-health-check": "E3684",
    "tg-without-vpc": "E3681",
}
"""Found by cfn-lint itself, by that rule."""

FOUND_BY_COMPARISON: dict[str, str] = {
    "cd-hook-mixed-update": "a change of the task definition mixed with others, under the hook",
    "cd-listener-drift": "a listener that CodeDeploy has switched since",
    "cd-service-update-refused": "a change that a CodeDeploy service refuses",
    "stk-export-in-use": "an export changed or removed that another stack imports",
    "upd-lb-replacement-keeps-target-group": "a replaced load balancer whose target group stays",
    "upd-nlb-created-without-security-group": "a Network Load Balancer that gets its first "
    "security group; without one it is right where its targets admit the clients themselves",
    "upd-native-blue-green-weights": "the rule of a blue/green service changed with it",
    "upd-task-definition-container-renamed": "a container renamed under its service",
    "upd-attach-target-group-to-existing-service": "a running service that gets its first listener",
}
"""Found by comparing two versions: `python build.py check ENV --against REV`."""

UNDECIDABLE: dict[str, str] = {
    "env-service-linked-role-missing": "The account decides: the first use of ECS makes the role. "
    "`aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com` before it helps.",
    "iam-deployer-lacks-ecs-tagresource": "The identity that deploys is not in the template.",
    "stk-az-without-load-balancer-support": "Which zone takes load balancers only AWS knows, by "
    "account.",
    "stk-rollback-complete": "The state of the stack decides, not its template.",
    "stk-template-body-too-large": "The way of deploying decides: above 51,200 bytes it takes an "
    "S3 bucket. Moorage refuses to build such a template (M1303).",
    "svc-circuit-breaker-hides-first-failure": "Nothing is wrong with the template: the rollback "
    "takes the evidence away. Deploy with `--disable-rollback` to keep it.",
}
"""What no template shows."""

TOO_NOISY: dict[str, str] = {
    "svc-no-circuit-breaker": "Most good templates would raise it. Moorage's own services have the "
    "circuit breaker unless the params say `circuit_breaker: false`.",
}
"""Advice that most good templates do without."""
