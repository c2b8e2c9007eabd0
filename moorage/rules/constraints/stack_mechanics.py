"""Constraints of CloudFormation itself: stack sets, nested stacks, waiting, updating and order."""

from __future__ import annotations

from moorage.rules.constraints.combinations import (
    All,
    AtMostOne,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    AtMost,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Predicate,
    Present,
    StartsWith,
)
from moorage.rules.constraints.relations import CreatedAfter

_STACK_SET = "AWS::CloudFormation::StackSet"
_SET = "AWS CloudFormation API reference: CreateStackSet"
_INSTANCES = "AWS CloudFormation API reference: CreateStackInstances"
_GROUP = "AWS::AutoScaling::AutoScalingGroup"
_UPDATE = "AWS CloudFormation template reference: UpdatePolicy attribute"
_CREATION = "AWS CloudFormation template reference: CreationPolicy attribute"
_SERVICE_MANAGED = Is("PermissionModel", "SERVICE_MANAGED")
_SELF_MANAGED = Is("PermissionModel", "SELF_MANAGED", default="SELF_MANAGED")

_STACK_SETS = (
    Constraint(
        "E9946",
        _STACK_SET,
        "A stack set with service-managed permissions has an administration role.",
        when=_SERVICE_MANAGED,
        must=Absent("AdministrationRoleARN"),
        message="Stack set {id} is service-managed, but has an `AdministrationRoleARN`",
        fix="Remove `AdministrationRoleARN`, or write `PermissionModel: SELF_MANAGED`.",
        sources=(f"{_SET}, AdministrationRoleARN",),
    ),
    Constraint(
        "E9947",
        _STACK_SET,
        "A stack set with self-managed permissions is deployed automatically.",
        when=_SELF_MANAGED,
        must=Absent("AutoDeployment"),
        message="Stack set {id} is self-managed, but has `AutoDeployment`",
        fix="Remove `AutoDeployment`, or write `PermissionModel: SERVICE_MANAGED`.",
        sources=("AWS CloudFormation API reference: AutoDeployment",),
    ),
    Constraint(
        "E9948",
        _STACK_SET,
        "A stack set with service-managed permissions does not say whether it is deployed "
        "automatically.",
        when=_SERVICE_MANAGED,
        must=Present("AutoDeployment"),
        message="Stack set {id} is service-managed, but has no `AutoDeployment`",
        fix="Write `AutoDeployment: {Enabled: false}`, or `true` with "
        "`RetainStacksOnAccountRemoval`.",
        sources=(f"{_SET}, AutoDeployment",),
    ),
    Constraint(
        "E9949",
        _STACK_SET,
        "A stack set with self-managed permissions is called as a delegated administrator.",
        when=Is("CallAs", "DELEGATED_ADMIN"),
        must=Not(_SELF_MANAGED),
        message="Stack set {id} has `CallAs: DELEGATED_ADMIN`, but is self-managed",
        fix="Remove `CallAs`, or write `PermissionModel: SERVICE_MANAGED`.",
        sources=(f"{_SET}, CallAs",),
    ),
    Constraint(
        "E9950",
        f"{_STACK_SET} StackInstancesGroup[].DeploymentTargets",
        "A stack set with self-managed permissions is deployed to organizational units.",
        when=Is("/PermissionModel", "SELF_MANAGED", default="SELF_MANAGED"),
        must=Not(NotEmpty("OrganizationalUnitIds")),
        message="Stack set {id} is self-managed, but is deployed to organizational units",
        fix="Write `Accounts`, or `PermissionModel: SERVICE_MANAGED`.",
        sources=("AWS CloudFormation API reference: DeploymentTargets", _INSTANCES),
    ),
    Constraint(
        "E9952",
        f"{_STACK_SET} OperationPreferences",
        "An operation has a number and a percentage of accounts.",
        must=All(
            AtMostOne(Present("FailureToleranceCount"), Present("FailureTolerancePercentage")),
            AtMostOne(Present("MaxConcurrentCount"), Present("MaxConcurrentPercentage")),
        ),
        message="The `OperationPreferences` of stack set {id} have a number and a percentage of "
        "accounts",
        fix="Write the number or the percentage.",
        sources=("AWS CloudFormation API reference: StackSetOperationPreferences",),
    ),
    Constraint(
        "W9953",
        f"{_STACK_SET} OperationPreferences",
        "An operation works on more accounts at a time than may fail.",
        when=Not(Is("ConcurrencyMode", "SOFT_FAILURE_TOLERANCE")),
        must=AtMost("MaxConcurrentCount", "FailureToleranceCount", distance=-1),
        message="Stack set {id} has the `MaxConcurrentCount` {MaxConcurrentCount}, but the "
        "`FailureToleranceCount` {FailureToleranceCount} allows only one more than that",
        fix="Write a larger `FailureToleranceCount`, or `ConcurrencyMode: SOFT_FAILURE_TOLERANCE`.",
        sources=(
            "AWS CloudFormation API reference: StackSetOperationPreferences, MaxConcurrentCount",
        ),
    ),
    Constraint(
        "W9954",
        f"{_STACK_SET} AutoDeployment",
        "Stacks are retained without automatic deployment.",
        when=Not(IsTrue("Enabled", default=True)),
        must=Absent("RetainStacksOnAccountRemoval"),
        message="Stack set {id} has `RetainStacksOnAccountRemoval`, but no automatic deployment",
        fix="Remove `RetainStacksOnAccountRemoval`, or write `Enabled: true`.",
        sources=("AWS CloudFormation API reference: AutoDeployment, RetainStacksOnAccountRemoval",),
    ),
    Constraint(
        "E9956",
        f"{_STACK_SET} StackInstancesGroup[].DeploymentTargets",
        "Accounts of organizational units have no filter.",
        when=All(NotEmpty("OrganizationalUnitIds"), NotEmpty("Accounts")),
        must=Present("AccountFilterType"),
        message="Stack set {id} is deployed to accounts and organizational units without "
        "`AccountFilterType`",
        fix="Write `AccountFilterType`: `INTERSECTION`, `DIFFERENCE` or `UNION`.",
        sources=("AWS CloudFormation API reference: DeploymentTargets, AccountFilterType",),
    ),
    Constraint(
        "E9969",
        ("AWS::CloudFormation::Stack", _STACK_SET),
        "The URL of a template is not that of a file in S3.",
        must=Not(StartsWith("TemplateURL", ("s3://",))),
        message="The `TemplateURL` of {id} begins with `s3://`",
        fix="Write `https://<bucket>.s3.<region>.amazonaws.com/<key>`.",
        error_messages=("TemplateURL must be a supported URL.",),
        sources=(f"{_SET}, TemplateURL", "AWS CloudFormation API reference: CreateStack"),
    ),
)

_WAITING = (
    Constraint(
        "E9960",
        f"{_GROUP} @UpdatePolicy.AutoScalingRollingUpdate",
        "A rolling update keeps as many instances as the group can have.",
        must=AtMost("MinInstancesInService", "/MaxSize", distance=1),
        message="Group {id} keeps {MinInstancesInService} instances in service during an update, "
        "and has {/MaxSize} at most",
        fix="Write a smaller `MinInstancesInService`, or a larger `MaxSize`.",
        error_messages=("MinInstancesInService must be less than the autoscaling group's MaxSize",),
        sources=(_UPDATE, "awsdocs/aws-cloudformation-user-guide#164"),
    ),
    Constraint(
        "E9962",
        f"{_GROUP} @UpdatePolicy.AutoScalingRollingUpdate",
        "A rolling update pauses for more than an hour.",
        must=Not(
            Matches(
                "PauseTime",
                r"PT([2-9]|[0-9]{2,})H.*|PT1H0*[1-9].*|PT(6[1-9]|[7-9][0-9]|[0-9]{3,})M.*",
            )
        ),
        message="The update of group {id} pauses for {PauseTime}",
        fix="Write `PT1H` or less.",
        sources=(f"{_UPDATE}, PauseTime",),
    ),
    Constraint(
        "E9963",
        tuple(
            f"{kind} @CreationPolicy.ResourceSignal"
            for kind in (_GROUP, "AWS::EC2::Instance", "AWS::CloudFormation::WaitCondition")
        ),
        "A resource waits for signals for more than 12 hours.",
        must=Not(Matches("Timeout", r"PT(1[3-9]|[2-9][0-9]|[0-9]{3,})H.*|PT12H0*[1-9].*")),
        message="{id} waits for signals for {Timeout}",
        fix="Write `PT12H` or less.",
        sources=(f"{_CREATION}, Timeout",),
    ),
    Constraint(
        "E9978",
        f"{_GROUP} @CreationPolicy.ResourceSignal",
        "A group waits for more signals than it has instances.",
        must=AtMost("Count", "/MaxSize"),
        message="Group {id} waits for {Count} signals, and has {/MaxSize} instances at most",
        fix="Write a `Count` of up to the number of instances.",
        error_messages=("Received 1 SUCCESS signal(s) out of 2",),
        sources=(f"{_CREATION}, Count",),
    ),
    Constraint(
        "W9964",
        f"{_GROUP} @UpdatePolicy",
        "A rolling update has no effect, as the group is replaced.",
        when=IsTrue("AutoScalingReplacingUpdate.WillReplace"),
        must=Absent("AutoScalingRollingUpdate"),
        message="Group {id} is replaced, so that its `AutoScalingRollingUpdate` has no effect",
        fix="Remove one of the two policies.",
        sources=(f"{_UPDATE}, AutoScalingReplacingUpdate",),
    ),
)


def _statement(actions: str) -> Predicate:
    """That a policy has a statement about actions."""
    return Some(
        "PolicyDocument.Statement[*]",
        All(Is("Effect", "Allow"), Some("Action[*]", Matches("", rf"(?i)({actions}).*"))),
    )


def _policy_before(
    number: int,
    about: str,
    role: str,
    actions: str,
    what: str,
    source: str,
    when: Predicate,
    error: str,
) -> Constraint:
    """The constraint that the policy of a role exists before a resource that AWS checks the
    permissions of the role for. `what` is that resource, with its article."""
    return Constraint(
        f"W{number}",
        about,
        f"{what} may be created before the policy of its role.",
        when=All(
            when,
            Refers(role, "AWS::IAM::Role", All(Absent("Policies"), Absent("ManagedPolicyArns"))),
        ),
        must=CreatedAfter(role, "AWS::IAM::Policy", "Roles.0", _statement(actions)),
        message="{id} may be created before the policy of its role",
        fix="Write `DependsOn: <policy>`.",
        why="`GetAtt` of the role does not wait for a policy in a resource of its own, and AWS "
        "checks the permissions when it creates the resource.",
        error_messages=(error,),
        sources=(source,),
    )


_ORDER = (
    _policy_before(
        9973,
        "AWS::CodeBuild::Project",
        "ServiceRole",
        "ec2:",
        "A build project in a VPC",
        "aws/aws-cdk: aws-codebuild, Project, which waits for the policy of its role",
        Present("VpcConfig"),
        "Not authorized to perform DescribeSecurityGroups",
    ),
    _policy_before(
        9974,
        "AWS::Lambda::Function",
        "Role",
        "ec2:",
        "A function in a VPC",
        "AWS Lambda developer guide: Giving Lambda functions access to resources in a VPC",
        NotEmpty("VpcConfig.SubnetIds"),
        "The provided execution role does not have permissions to call CreateNetworkInterface",
    ),
    _policy_before(
        9975,
        "AWS::StepFunctions::StateMachine",
        "RoleArn",
        "logs:",
        "A state machine with logs",
        "AWS Step Functions developer guide: Logging in CloudWatch Logs",
        NotEmpty("LoggingConfiguration.Destinations"),
        "The state machine IAM Role is not authorized to access the Log Destination",
    ),
)

CONSTRAINTS = (
    *_STACK_SETS,
    *_WAITING,
    *_ORDER,
)
