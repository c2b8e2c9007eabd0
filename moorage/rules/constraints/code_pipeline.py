"""Constraints of CodePipeline's pipelines."""

from __future__ import annotations

from moorage.facts.codepipeline import (
    ARTIFACT_NAME,
    CATEGORIES,
    MAX_PATTERNS,
    MAX_PULL_REQUEST_FILTERS,
    MAX_PUSH_FILTERS,
    MAX_STAGES,
    MAX_VARIABLES,
    RUN_ORDER,
    STAGE_NAME,
    V2_PROVIDERS,
)
from moorage.rules.constraints.combinations import (
    All,
    Among,
    AtMostOne,
    Each,
    Either,
    Not,
    Refers,
    Some,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    Matches,
    NotEmpty,
    Present,
    Unique,
    Within,
)
from moorage.rules.constraints.relations import IsPseudoParameter

_PIPELINE = "AWS::CodePipeline::Pipeline"
_ACTION = f"{_PIPELINE} Stages[].Actions[]"
_APPLICATION = "AWS::CodeDeploy::Application"
_API = "AWS CodePipeline API reference"
_GUIDE = "AWS CodePipeline user guide"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_PATTERNS = (
    *(
        f"{about}.{kind}"
        for about in ("Branches", "FilePaths")
        for kind in ("Includes", "Excludes")
    ),
    "Tags.Includes",
    "Tags.Excludes",
)
_FEW_PATTERNS = All(*(Count(path, 0, MAX_PATTERNS) for path in _PATTERNS))

CONSTRAINTS = (
    Constraint(
        "E9024",
        _PIPELINE,
        "A pipeline of the type V1 has what only V2 has.",
        when=Is("PipelineType", "V1"),
        must=All(
            Not(NotEmpty("Triggers")),
            Not(NotEmpty("Variables")),
            Not(Is("ExecutionMode", "QUEUED", "PARALLEL")),
            Each(
                "Stages",
                All(
                    Absent("BeforeEntry"),
                    Absent("OnSuccess"),
                    Absent("OnFailure.Conditions"),
                    Each("Actions", Not(Is("ActionTypeId.Provider", *V2_PROVIDERS))),
                ),
            ),
        ),
        message="Pipeline {id} has `PipelineType: V1` and a setting that only V2 has",
        fix="Write `PipelineType: V2`.",
        error_messages=(
            "Triggers on tag can only be used with V2 pipelines",
            "Pipeline variable can only be used with V2 pipelines",
            "QUEUED or PARALLEL mode can only be used with V2 pipelines",
            "Stage level conditions can only be used with V2 pipelines.",
        ),
        sources=(f"{_API}: PipelineDeclaration, pipelineType", _REPRODUCED),
    ),
    Constraint(
        "E9026",
        _ACTION,
        "A pipeline has no artifact store in the region of an action.",
        when=Present("Region"),
        must=Either(
            Among("Region", "/ArtifactStores", "Region"),
            All(Absent("/ArtifactStores"), IsPseudoParameter("Region", "AWS::Region")),
        ),
        message="Pipeline {id} has no artifact store in {Region}, the region of action {Name}",
        fix="Write `ArtifactStores` with an entry for the region of the pipeline and of each "
        "action.",
        error_messages=(
            "Your pipeline must have an artifact store, such as an artifact bucket, for each "
            "region where you have an action.",
        ),
        sources=(f"{_API}: PipelineDeclaration, artifactStores",),
    ),
    Constraint(
        "E9027",
        f"{_PIPELINE} Triggers[]",
        "A trigger is for an action that does not exist.",
        must=Among("GitConfiguration.SourceActionName", "/Stages[].Actions", "Name"),
        message="A trigger of pipeline {id} is for the action {GitConfiguration.SourceActionName}, "
        "which the pipeline does not have",
        fix="Write the name of a source action with the provider `CodeStarSourceConnection`.",
        error_messages=(
            "Triggers for connections must reference a CodeStarSourceConnection action.",
        ),
        sources=(f"{_API}: GitConfiguration, sourceActionName", _REPRODUCED),
    ),
    Constraint(
        "E9028",
        _PIPELINE,
        "A pipeline has a wrong name, a name or trigger twice, or exceeds a limit.",
        must=All(
            Unique("Variables", ("Name",)),
            Unique("Triggers", ("GitConfiguration.SourceActionName",)),
            Count("Variables", 0, MAX_VARIABLES),
            Count("Stages", 0, MAX_STAGES),
            Each(
                "Triggers",
                All(
                    Count("GitConfiguration.Push", 0, MAX_PUSH_FILTERS),
                    Count("GitConfiguration.PullRequest", 0, MAX_PULL_REQUEST_FILTERS),
                    Each("GitConfiguration.Push", _FEW_PATTERNS),
                    Each("GitConfiguration.PullRequest", _FEW_PATTERNS),
                ),
            ),
            Each("Stages[].Actions", Within("RunOrder", *RUN_ORDER)),
            Each("Stages", Matches("Name", STAGE_NAME)),
            Each("Stages[].Actions[].OutputArtifacts", Matches("Name", ARTIFACT_NAME)),
        ),
        message="{key} in pipeline {id} occurs twice, is not allowed, or exceeds a limit",
        fix="Write each variable, and each source action of triggers, once; at most "
        f"{MAX_VARIABLES} variables, {MAX_STAGES} stages, {MAX_PUSH_FILTERS} filters of a trigger "
        f"with {MAX_PATTERNS} patterns, names of up to 100 letters, digits, "
        f"`-` and `_`, and a `RunOrder` from {RUN_ORDER[0]} to {RUN_ORDER[1]}.",
        error_messages=(
            "Variable names must be unique.",
            "Pipeline has too many stages. There can only be up to 50 stages in a pipeline",
            "Member must have length less than or equal to 3",
        ),
        sources=(f"{_GUIDE}: Quotas in AWS CodePipeline", f"{_API}: GitConfiguration"),
    ),
    Constraint(
        "E9029",
        f"{_PIPELINE} Stages[]",
        "What follows the failure of a stage is contradictory.",
        must=All(
            AtMostOne(Present("OnFailure.Result"), NotEmpty("OnFailure.Conditions")),
            Either(
                Not(Is("/ExecutionMode", "PARALLEL")),
                All(
                    Not(Is("OnFailure.Result", "ROLLBACK")),
                    Not(Some("OnFailure.Conditions", Is("Result", "ROLLBACK"))),
                ),
            ),
        ),
        message="Stage {Name} of pipeline {id} has an `OnFailure` that CodePipeline refuses",
        fix="Keep `Result` or `Conditions`, and roll back only if the `ExecutionMode` is not "
        "`PARALLEL`.",
        error_messages=(
            "The following stage cannot have a failure exit gate configured with both top level "
            "result and conditions",
            "Failure conditions with rollback result type cannot be added to a PARALLEL pipeline.",
        ),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9030",
        f"{_ACTION}.ActionTypeId",
        "The category or the owner of an action is not that of its provider.",
        must=All(
            *(
                Either(
                    Not(All(Is("Provider", provider), Is("Owner", "AWS"))),
                    Is("Category", *categories),
                )
                for provider, categories in CATEGORIES.items()
            ),
            Not(All(Is("Provider", *CATEGORIES), Is("Owner", "ThirdParty"))),
        ),
        message="Pipeline {id} has an action of {Owner} with the category {Category} and the "
        "provider {Provider}, which does not exist",
        fix="Write `Owner: AWS` and the category of the provider, such as `Deploy` for `ECS`.",
        error_messages=("ActionType (Category: '...', Provider: '...', ...) is not available",),
        sources=(f"{_GUIDE}: Action structure reference", _REPRODUCED),
    ),
    Constraint(
        "E9031",
        _ACTION,
        "An action of CodeDeploy is not the one for its application.",
        must=All(
            Either(
                Not(Is("ActionTypeId.Provider", "CodeDeploy")),
                Not(
                    Refers(
                        "Configuration.ApplicationName", _APPLICATION, Is("ComputePlatform", "ECS")
                    )
                ),
            ),
            Either(
                Not(Is("ActionTypeId.Provider", "CodeDeployToECS")),
                Refers("Configuration.ApplicationName", _APPLICATION, Is("ComputePlatform", "ECS")),
            ),
        ),
        message="Action {Name} of pipeline {id} has the provider {ActionTypeId.Provider}, which is "
        "not for the compute platform of its application",
        fix="Write `CodeDeployToECS` for an application with `ComputePlatform: ECS`, and "
        "`CodeDeploy` for servers.",
        error_messages=("BundleType must be either YAML or JSON",),
        sources=(
            f"{_GUIDE}: Action structure reference, AWS CodeDeploy",
            "awslabs/aws-codedeploy-plugin#89",
        ),
    ),
    Constraint(
        "E9032",
        _ACTION,
        "A pipeline updates a service that CodeDeploy deploys.",
        when=Is("ActionTypeId.Provider", "ECS"),
        must=Refers(
            "Configuration.ServiceName",
            "AWS::ECS::Service",
            Not(Is("DeploymentController.Type", "CODE_DEPLOY", "EXTERNAL")),
        ),
        message="Action {Name} of pipeline {id} updates a service whose deployment controller is "
        "not ECS",
        fix="Write the provider `CodeDeployToECS`, or the deployment controller `ECS` of the "
        "service.",
        error_messages=(
            "Unable to update task definition on services with a CODE_DEPLOY deployment "
            "controller.",
        ),
        sources=("Amazon ECS API reference: UpdateService",),
    ),
)
