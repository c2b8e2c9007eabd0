"""Deployments of ECS itself: circuit breaker, alarms, lifecycle hooks, traffic shifting."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    ECS_ALARMS,
    ECS_BLUE_GREEN,
    ECS_BREAKER,
    ECS_EVENTS,
    HANDLER_ERRORS,
    KnownFailure,
)

_ROLE = "AWS docs: Amazon ECS infrastructure IAM role for load balancers"

ROLLOUTS = (
    KnownFailure(
        id="circuit-breaker",
        title="The circuit breaker has stopped the deployment, because its tasks failed.",
        meaning="ECS counts tasks that do not start or do not become healthy. The threshold is "
        "half of the desired number of tasks, at least 3 and at most 200.",
        check="The stopped tasks, the events of the service and the health of the targets say why "
        "the tasks failed. ECS keeps stopped tasks for about an hour: deploy again to see them.",
        messages=(
            "ECS Deployment Circuit Breaker was triggered",
            "deployment failed: tasks failed to start",
            "circuit breaker: tasks failed to start",
        ),
        keys=("circuit breaker",),
        properties=("DeploymentConfiguration.DeploymentCircuitBreaker",),
        symptom=True,
        sources=(ECS_BREAKER, ECS_EVENTS),
    ),
    KnownFailure(
        id="not-stabilized",
        title="The service did not become stable in the time that CloudFormation waits.",
        meaning="CloudFormation waits until the desired number of tasks runs and is healthy.",
        check="The stopped tasks, the events of the service and the health of the targets say why. "
        "With the circuit breaker, such a deployment fails within minutes instead of hours.",
        messages=(
            "Exceeded attempts to wait",
            "did not stabilize",
            "HandlerErrorCode: NotStabilized",
        ),
        properties=("DeploymentConfiguration.DeploymentCircuitBreaker",),
        symptom=True,
        general=True,
        sources=(HANDLER_ERRORS, "AWS docs: Troubleshooting CloudFormation"),
    ),
    KnownFailure(
        id="deployment-alarm",
        title="An alarm has stopped the deployment.",
        meaning="An alarm of the deployment went into the state ALARM while the new tasks ran, or "
        "was in it already, and ECS went back to the last deployment that had succeeded.",
        check="Look at the alarm's metric at that time, and at the logs of the new tasks.",
        messages=("deployment failed: alarm detected",),
        keys=("alarm",),
        properties=("DeploymentConfiguration.Alarms",),
        sources=(ECS_ALARMS, "aws/copilot-cli, internal/pkg/stream/ecs_test.go"),
    ),
)

HOOKS = (
    KnownFailure(
        id="hook-failed",
        title="A lifecycle hook has refused the deployment.",
        meaning="The Lambda function of the hook returned the status FAILED, so ECS rolled back. "
        "The tests that it runs did not pass, or it does not handle the event.",
        check="Read the log of the function.",
        messages=("Lifecycle hook target ... returned FAILED status",),
        keys=("hook FAILED",),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="hook-role",
        title="ECS cannot assume the role of a lifecycle hook.",
        meaning="The trust policy of the role does not name ecs.amazonaws.com.",
        check="Allow ecs.amazonaws.com the action sts:AssumeRole in the trust policy of the role.",
        messages=("lifecycle hook(s) failed. ECS was unable to assume role",),
        codes=("E9297", "E9306"),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="hook-not-invoked",
        title="ECS is not allowed to call the function of a lifecycle hook.",
        meaning="The role of the hook lacks lambda:InvokeFunction on the function, or the function "
        "does not exist.",
        check="Allow the role lambda:InvokeFunction on the ARN of the function, and on its "
        "versions.",
        messages=("ECS was unable to invoke hook target",),
        codes=("E9298", "E9306"),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="hook-answer",
        title="The function of a lifecycle hook did not return a valid answer.",
        meaning='ECS expects `{"hookStatus": "SUCCEEDED"}`, FAILED or IN_PROGRESS. The function '
        "timed out, raised an exception or returned something else.",
        check="Read the log of the function, and check its timeout and its return value.",
        messages=("ECS was unable to parse the response from", "HookStatus must not be null"),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="hook-timed-out",
        title="Nobody continued a paused deployment in time.",
        meaning="A pause hook waits for `aws ecs continue-service-deployment`. Its time is over, "
        "and its action is to roll back.",
        check="Deploy again, and continue the deployment in time, or give the hook more time.",
        messages=("pause hook timed out",),
        keys=("hook TIMED_OUT",),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="hook-waiting",
        title="The deployment is paused and waits for somebody to continue it.",
        meaning="A pause hook has stopped the deployment at this stage. It is not a failure.",
        check="Continue or roll back: `aws ecs continue-service-deployment "
        "--service-deployment-arn ARN --hook-id ID --action CONTINUE`.",
        keys=("hook AWAITING_ACTION",),
        properties=("DeploymentConfiguration.LifecycleHooks",),
        sources=("AWS docs: Pause lifecycle hooks for Amazon ECS service deployments",),
    ),
)

TRAFFIC = (
    KnownFailure(
        id="traffic-role-trust",
        title="ECS cannot use the role that shifts traffic.",
        meaning="The infrastructure role does not trust ecs.amazonaws.com, or lacks permissions "
        "for Elastic Load Balancing.",
        check="Trust ecs.amazonaws.com, and attach "
        "AmazonECSInfrastructureRolePolicyForLoadBalancers.",
        messages=(
            "ECS was unable to manage the ELB resources due to missing permissions on ECS "
            "Infrastructure Role",
        ),
        codes=("E9297",),
        properties=("LoadBalancers",),
        sources=(ECS_BLUE_GREEN, _ROLE),
    ),
    KnownFailure(
        id="traffic-role-permissions",
        title="The role that shifts traffic lacks a permission.",
        meaning="ECS registers targets and changes listeners and rules with the infrastructure "
        "role.",
        check="Attach AmazonECSInfrastructureRolePolicyForLoadBalancers to the role.",
        messages=("is not authorized to perform: elasticloadbalancing:",),
        codes=("E9298",),
        properties=("LoadBalancers",),
        sources=(ECS_BLUE_GREEN, _ROLE),
    ),
    KnownFailure(
        id="targets-not-registered",
        title="ECS could not register tasks with a target group, or read their health.",
        meaning="Elastic Load Balancing refused the call of ECS. The error in the message says "
        "why.",
        check="Check that the target group exists, and that the service's role for load "
        "balancers, if it has one, has AmazonECSInfrastructureRolePolicyForLoadBalancers.",
        messages=("failed to register targets", "failed to describe target health"),
        codes=("E9298",),
        properties=("LoadBalancers",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="target-group-without-rule",
        title="A target group of the deployment is not in the production or the test rule.",
        meaning="ECS shifts traffic between two target groups, and both must be in the production "
        "listener rule, or one of them in the test listener rule.",
        check="Forward to both target groups in the production rule, with all weight on one of "
        "them.",
        messages=(
            "is not associated with either productionListenerRule or testListenerRule",
            "Both targetGroup and alternateTargetGroup must be associated with the "
            "productionListenerRule or testListenerRule",
            "testListenerRule is required when productionListenerRule is not associated with both",
        ),
        codes=("E9304",),
        properties=("ListenerRule", "LoadBalancers"),
        sources=(
            ECS_BLUE_GREEN,
            "AWS docs: Migrate from CodeDeploy blue/green to Amazon ECS blue/green deployments",
        ),
    ),
    KnownFailure(
        id="two-target-groups-serve",
        title="The production rule sends requests to two target groups.",
        meaning="Before a deployment, exactly one target group may have a weight above 0. A "
        "deployment that was interrupted can leave both with weight.",
        check="Set the weight of the target group that shall not serve to 0, and deploy again.",
        messages=("should have exactly one target group serving traffic",),
        codes=("E9304",),
        properties=("ListenerRule",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="unexpected-target-group",
        title="The production rule sends requests to a target group that the service does not "
        "have.",
        meaning="Somebody changed the rule, or another service uses it.",
        check="Let the rule forward to the two target groups of the service only.",
        messages=("Production listener rule is forwarding traffic to unexpected target group",),
        properties=("ListenerRule",),
        sources=(ECS_BLUE_GREEN,),
    ),
    KnownFailure(
        id="advanced-configuration-missing",
        title="A load balancer of the service lacks what ECS needs to shift traffic.",
        meaning="With a blue/green, linear or canary strategy, each entry of LoadBalancers needs "
        "an AdvancedConfiguration with a second target group, the production rule and a role.",
        check="Add AdvancedConfiguration to all entries of LoadBalancers, or use the strategy "
        "ROLLING.",
        messages=(
            "advancedConfiguration field is required for all loadBalancers when using a "
            "non-ROLLING deployment strategy",
        ),
        codes=("E9300",),
        properties=("LoadBalancers",),
        sources=(ECS_BLUE_GREEN,),
    ),
)

DEPLOYMENTS = (*ROLLOUTS, *HOOKS, *TRAFFIC)
