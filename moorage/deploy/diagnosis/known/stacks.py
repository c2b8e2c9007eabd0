"""What CloudFormation reports about stacks and about any resource."""

from __future__ import annotations

from moorage.deploy.diagnosis.known.known_failure import (
    CLOUDFORMATION,
    EARLY_VALIDATION,
    HANDLER_ERRORS,
    KnownFailure,
)

_ERRORS = (CLOUDFORMATION, HANDLER_ERRORS)
_EXPORTS = "AWS docs: Get exported outputs from a deployed CloudFormation stack"

STACKS = (
    KnownFailure(
        id="name-taken",
        title="A resource of this name exists already.",
        meaning="The template gives a fixed name, and another stack, somebody by hand, or an "
        "earlier stack that kept the resource has taken it.",
        check="Delete the resource if nothing needs it, import it into the stack, or choose "
        "another name. A resource that a deleted stack kept, such as a log group or a repository, "
        "still has its name.",
        messages=(
            "already exists in stack",
            "with identifier ... already exists",
        ),
        keys=("NAME_CONFLICT_VALIDATION",),
        codes=("W9961", "W9980"),
        properties=("Name",),
        sources=(*_ERRORS, EARLY_VALIDATION),
    ),
    KnownFailure(
        id="already-exists",
        title="AWS has such a resource already.",
        meaning="Its name, or what identifies it, is taken: by another stack, by somebody by "
        "hand, or by an earlier stack that kept the resource.",
        check="Delete the other resource if nothing needs it, or change what identifies this one.",
        messages=("HandlerErrorCode: AlreadyExists", "already exists"),
        codes=("W9961", "E9983"),
        properties=("Name",),
        general=True,
        sources=_ERRORS,
    ),
    KnownFailure(
        id="property-refused",
        title="CloudFormation refuses a property before it creates anything.",
        meaning="The property does not fit the schema of the resource type: a wrong type, name, "
        "pattern or length.",
        check="Correct what the message names. If it comes from `overrides:`, its path is there.",
        messages=(
            "Properties validation failed for resource",
            "Model validation failed",
            "Encountered unsupported property",
        ),
        keys=("PROPERTY_VALIDATION",),
        sources=(CLOUDFORMATION, EARLY_VALIDATION),
    ),
    KnownFailure(
        id="export-missing",
        title="The stack imports a value that no stack exports.",
        meaning="The stack that exports it is not deployed in this account and region, or has "
        "another name.",
        check="Deploy the stacks in their order: the environment's other stacks come first.",
        messages=("No export named",),
        codes=("M1305", "E9966"),
        sources=(_EXPORTS,),
    ),
    KnownFailure(
        id="export-in-use",
        title="Another stack still imports a value that this update would change or remove.",
        meaning="CloudFormation neither changes nor removes an export that is in use.",
        check="First deploy the stacks that import it without the import, and then this one.",
        messages=(
            "cannot be deleted as it is in use by",
            "cannot be updated as it is in use by",
            "Cannot delete export",
        ),
        codes=("M1403",),
        sources=(_EXPORTS,),
    ),
    KnownFailure(
        id="export-taken",
        title="Another stack exports a value of the same name.",
        meaning="Names of exports are unique in an account and region. A second environment with "
        "the same `app` and name, or a stack that was renamed, exports it already.",
        check="Delete the other stack, or choose another name for the application or environment.",
        messages=("is already exported by stack",),
        codes=("M1309",),
        sources=(_EXPORTS,),
    ),
    KnownFailure(
        id="deployer-cannot-pass-role",
        title="Whoever deploys is not allowed to pass a role.",
        meaning="To give a role to ECS or another service, the deployer needs iam:PassRole on it.",
        check="Allow iam:PassRole on the roles of the stack, for example on role/APP-ENV-*.",
        messages=(
            "is not authorized to perform: iam:PassRole",
            "is not authorized to perform iam:PassRole",
        ),
        codes=("E9795", "E9217"),
        sources=(
            CLOUDFORMATION,
            "AWS docs: Grant a user permissions to pass a role to an AWS service",
        ),
    ),
    KnownFailure(
        id="deployer-not-authorized",
        title="Whoever deploys, or a role, is not allowed to call an API.",
        meaning="CloudFormation calls the APIs of other services with the permissions of the "
        "deployer or of the stack's service role. A permissions boundary, a service control "
        "policy and the policy of the resource can refuse it, too.",
        check="The message names the action and the resource: allow it for the identity that it "
        "names.",
        messages=(
            "is not authorized to perform",
            "You are not authorized to perform this operation",
            "HandlerErrorCode: AccessDenied",
            "with an explicit deny",
        ),
        codes=("W9972",),
        general=True,
        sources=_ERRORS,
    ),
    KnownFailure(
        id="quota",
        title="A quota of the account is used up.",
        meaning="An update that replaces a resource needs both for a while.",
        check="Delete what is not needed, or ask for a higher quota in Service Quotas.",
        messages=(
            "HandlerErrorCode: ServiceLimitExceeded",
            "The maximum number of ... has been reached",
        ),
        codes=("W9992", "W9986", "W9987", "W9993"),
        sources=_ERRORS,
    ),
    KnownFailure(
        id="throttled",
        title="AWS has throttled the calls of CloudFormation.",
        meaning="Too many calls were made at the same time in this account and region.",
        check="Deploy again, fewer stacks at the same time.",
        messages=("Rate exceeded", "HandlerErrorCode: Throttling", "Throttling"),
        general=True,
        sources=_ERRORS,
    ),
    KnownFailure(
        id="aws-internal-error",
        title="An AWS service had an error of its own.",
        meaning="The service did not answer, or reported an internal error.",
        check="Deploy again. If it happens again, look at the AWS Health Dashboard.",
        messages=(
            "HandlerErrorCode: ServiceInternalError",
            "HandlerErrorCode: InternalFailure",
            "HandlerErrorCode: NetworkFailure",
            "Internal Failure",
        ),
        general=True,
        sources=_ERRORS,
    ),
    KnownFailure(
        id="changed-outside",
        title="A resource of the stack does not exist any more.",
        meaning="It was deleted or replaced outside of CloudFormation.",
        check="Create it again under the same name, or remove it from the template, deploy, and "
        "add it again. Drift detection lists what else differs.",
        messages=("HandlerErrorCode: NotFound",),
        general=True,
        sources=_ERRORS,
    ),
    KnownFailure(
        id="still-in-use",
        title="A resource cannot be deleted, because something still uses it.",
        meaning="Most often network interfaces of tasks or load balancers that end slowly, or a "
        "resource from outside of the stack.",
        check="Wait some minutes and delete again. `aws ec2 describe-network-interfaces --filters "
        "Name=group-id,Values=ID` (or Name=subnet-id) shows what uses a security group or subnet.",
        messages=(
            "has a dependent object",
            "has dependencies and cannot be deleted",
            "DependencyViolation",
            "is currently in use by",
        ),
        sources=(CLOUDFORMATION, "AWS docs: Error codes for the Amazon EC2 API"),
    ),
    KnownFailure(
        id="not-empty",
        title="A bucket or repository cannot be deleted, because it is not empty.",
        meaning="S3 and ECR delete only what is empty.",
        check="Empty it, or keep it: delete the stack and retain this resource.",
        messages=(
            "The bucket you tried to delete is not empty",
            "cannot be deleted because it still contains images",
        ),
        keys=("BUCKET_EMPTINESS_VALIDATION",),
        codes=("W9870",),
        sources=(CLOUDFORMATION, EARLY_VALIDATION),
    ),
    KnownFailure(
        id="termination-protection",
        title="The stack has termination protection.",
        meaning="CloudFormation does not delete it as long as the protection is on.",
        check="Turn it off first: `aws cloudformation update-termination-protection "
        "--no-enable-termination-protection --stack-name NAME`.",
        messages=("cannot be deleted while TerminationProtection is enabled",),
        sources=(CLOUDFORMATION,),
    ),
    KnownFailure(
        id="deletion-protection",
        title="A load balancer has deletion protection.",
        meaning="Elastic Load Balancing does not delete it as long as the protection is on. An "
        "update that replaces it fails, too.",
        check="Deploy with `deletion_protection: false` first.",
        messages=("cannot be deleted because deletion protection is enabled",),
        properties=("DeletionProtection",),
        sources=("AWS docs: Delete an Application Load Balancer",),
    ),
    KnownFailure(
        id="service-draining",
        title="A service of this name is still being deleted.",
        meaning="The tasks of the old service are still ending, and until then its name is taken.",
        check="Wait until its tasks have ended, and deploy again.",
        messages=("Unable to Start a service that is still Draining",),
        sources=("AWS docs: Amazon ECS API reference, DeleteService",),
    ),
    KnownFailure(
        id="service-linked-role",
        title="The service-linked role of ECS does not exist yet, or not everywhere.",
        meaning="ECS creates AWSServiceRoleForECS at its first use in an account. The first "
        "deployment can be faster than IAM.",
        check="Deploy again. If that does not help: `aws iam create-service-linked-role "
        "--aws-service-name ecs.amazonaws.com`.",
        messages=("Unable to assume the service linked role",),
        sources=(
            "hashicorp/terraform-provider-aws, internal/service/ecs/cluster.go",
            "AWS docs: Using service-linked roles for Amazon ECS",
        ),
    ),
    KnownFailure(
        id="nested-stack",
        title="A nested stack has failed.",
        meaning="The reason is in the events of the nested stack.",
        check="Look at the events of the stack that the message names: `moorage` reads those of "
        "the environment's own stacks.",
        messages=("Embedded stack ... was not successfully",),
        sources=(CLOUDFORMATION,),
    ),
    KnownFailure(
        id="rollback-failed",
        title="CloudFormation could not go back to the state before the update.",
        meaning="A resource could not be set back. The stack takes no updates until the rollback "
        "is continued.",
        check="Repair what the failed resource needs, and run `aws cloudformation "
        "continue-update-rollback --stack-name NAME`; with --resources-to-skip for a resource that "
        "cannot be repaired.",
        keys=("UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED"),
        sources=(CLOUDFORMATION,),
    ),
)
