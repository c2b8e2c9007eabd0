"""Known failures that no rule finds, and why, by the ids that rules list in `failure_ids`."""

from __future__ import annotations

FOUND_BY_CFN_LINT: dict[str, str] = {
    "cfn-export-name-of-a-resource": "E1019",
    "iam-role-description-japanese": "E3031",
    "iam-role-name-instead-of-arn": "E1041",
    "lb-alb-single-subnet": "E3680",
    "lb-https-listener-without-certificate": "E3676",
    "lb-rule-6-path-values": "E3032",
    "lb-subnets-and-subnet-mappings": "E3014",
    "r53-alias-with-ttl": "E3029",
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
"""Failures that cfn-lint finds, with its rule."""

FOUND_BY_COMPARISON: dict[str, str] = {
    "cd-hook-mixed-update": "a task definition that changes together with other resources, in a "
    "template with the CodeDeploy hook",
    "cd-listener-drift": "a listener that CodeDeploy has changed since it was created",
    "cd-service-update-refused": "a change that ECS rejects for services deployed by CodeDeploy",
    "stk-export-in-use": "a changed or removed export that another stack imports",
    "upd-lb-replacement-keeps-target-group": "a load balancer that is replaced while its target "
    "group stays",
    "upd-nlb-created-without-security-group": "a Network Load Balancer that gets its first "
    "security group. Without one it works if its targets allow the clients' addresses",
    "upd-native-blue-green-weights": "a listener rule of a blue/green service that changes "
    "together with the service",
    "upd-task-definition-container-renamed": "a renamed container that the service still refers to",
    "upd-attach-target-group-to-existing-service": "a running service that gets its first listener",
}
"""Failures that the comparison of two versions finds: `python build.py check ENV --against REV`."""

UNDECIDABLE: dict[str, str] = {
    "env-service-linked-role-missing": "It depends on the account: the first use of ECS creates "
    "the role. Create it beforehand with "
    "`aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`.",
    "iam-deployer-lacks-ecs-tagresource": "The template does not contain the identity that "
    "deploys it.",
    "stk-az-without-load-balancer-support": "Which Availability Zones support load balancers "
    "differs between accounts.",
    "stk-rollback-complete": "It depends on the state of the stack, not on the template.",
    "stk-template-body-too-large": "It depends on how the template is deployed: above 51,200 bytes "
    "it must be uploaded to an S3 bucket. Moorage does not build such a template (M1303).",
    "svc-circuit-breaker-hides-first-failure": "Nothing is wrong with the template: the rollback "
    "removes the failed tasks. Deploy with `--disable-rollback` to keep them.",
}
"""Failures that no template shows."""

TOO_NOISY: dict[str, str] = {
    "svc-no-circuit-breaker": "A rule would report most correct templates. Moorage's own services "
    "have the circuit breaker unless the params say `circuit_breaker: false`.",
}
"""Advice that most correct templates do not follow."""
