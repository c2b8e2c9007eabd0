"""M3700 to M3799: builds and pipelines."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import ALLOWED, NO_EFFECT, PARAMS, UNITS

_TRIGGERS = 'AWS CodePipeline API reference, "GitPushFilter"'
_LIMITS = 'AWS CodePipeline user guide, "Quotas in AWS CodePipeline"'
_CODEBUILD = 'AWS CodeBuild API reference, "ProjectSource"'

_SOURCE = """\
source:
  github: acme/shop
  connection: arn:aws:codeconnections:eu-central-1:123456789012:connection/1234abcd-12ab-34cd
"""

CODES: tuple[Code, ...] = (
    Code(
        "M3700",
        "The source does not name exactly one repository.",
        "A build has the source code of one repository, and the key says who hosts it.",
        "Write exactly one of `github`, `gitlab`, `bitbucket` and `codecommit`.",
        _SOURCE,
        (_CODEBUILD,),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3701",
        "The connection does not fit the source.",
        "CodeBuild and CodePipeline reach GitHub, GitLab and Bitbucket through a connection of "
        "CodeConnections, which somebody has completed in the console. CodeCommit needs none.",
        "Write the ARN of the connection as `connection:`, or remove it for CodeCommit.",
        _SOURCE,
        ('Developer Tools console user guide, "What are connections?"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3702",
        "A trigger has tags along with something that no push of a tag has.",
        "All keys of a trigger must match. A push is one of a tag or one to a branch, and a pull "
        "request is neither.",
        "Write one entry for the tags, and another one for the rest.",
        """\
triggers:
  - {branches: [main]}
  - {tags: ["v*"]}
""",
        (_TRIGGERS,),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3703",
        "The pipeline has more triggers or patterns than CodePipeline accepts.",
        "A pipeline has at most 3 filters for pushes, each with at most 8 patterns that include "
        "branches, files or tags, and 8 that exclude them.",
        "Join entries, or write wider patterns.",
        """\
triggers:
  - {branches: ["release/**"]}  # not one pattern for each release
""",
        (_TRIGGERS,),
        rules=("E9028",),
    ),
    Code(
        "M3704",
        "A variable of a build has two values.",
        "The name is below `environment` and also below `secrets`, and CodeBuild accepts a name "
        "once.",
        "Remove one of the two.",
        """\
environment: {NPM_REGISTRY: "https://npm.example.com"}
secrets: {NPM_TOKEN: "secretsmanager:shop/npm:token"}
""",
        ('AWS CodeBuild API reference, "EnvironmentVariable"',),
        rules=("E9010",),
    ),
    Code(
        "M3705",
        "The duration is not in the unit that AWS counts in.",
        "CodeBuild and CodePipeline count timeouts in minutes, and S3 the age of objects in days.",
        "Write whole minutes or days.",
        """\
timeout: 30m  # not 90s
""",
        ('AWS CodeBuild API reference, "CreateProject"',),
        not_in_templates=UNITS,
    ),
    Code(
        "M3706",
        "Builds in the VPC reach nothing.",
        "CodeBuild runs builds in private subnets and gives them no public IP address. They need a "
        "route to the internet for the source code, for packages, and for images.",
        "Use a network with `egress: nat` or `nat-per-az` and private subnets, or remove `vpc`.",
        """\
stacks:
  network: {egress: nat}
  codebuild: {vpc: true}
""",
        ('AWS CodeBuild user guide, "Use AWS CodeBuild with Amazon Virtual Private Cloud"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3707",
        "A build secret does not exist.",
        "`mounts` of an image names variables below `secrets`, which docker "
        "passes on to the build.",
        "Add the secret below `secrets`.",
        """\
secrets: {NPM_TOKEN: "secretsmanager:shop/npm:token"}
images:
  shop/web: {mounts: {npm: NPM_TOKEN}}
""",
        ('Docker documentation, "Build secrets"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3708",
        "A tag would be pushed twice to a repository with immutable tags.",
        "ECR refuses to move a tag of such a repository to another image. The tag of the cache, "
        "and tags such as `latest`, move with each build.",
        "Except the tag with `immutable_tags: {exclusions: [...]}`, or do without it.",
        """\
stacks:
  images:
    template: ecr
    repositories:
      shop/web: {immutable_tags: {exclusions: [cache]}}
""",
        ('Amazon ECR user guide, "Preventing image tags from being overwritten in Amazon ECR"',),
        not_in_templates="It is about the commands of a buildspec.",
    ),
    Code(
        "M3709",
        "The project has no buildspec, or two.",
        "A project runs the buildspec that is generated for `images`, one in the source "
        "(`buildspec`), or one in the folder of the params (`buildspec_file`).",
        "Write `images`, or one of the other two.",
        """\
source: {codecommit: shop}
buildspec: ci/buildspec.yml
""",
        ('AWS CodeBuild user guide, "Build specification reference for CodeBuild"',),
        rules=("E3003",),
    ),
    Code(
        "M3710",
        "The project has no source code for what it does.",
        "A buildspec in the source, and images that are built from it, need `source`.",
        "Add `source`.",
        _SOURCE,
        (_CODEBUILD,),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3711",
        "The setting is for a buildspec of your own.",
        "The generated buildspec runs docker anyway.",
        "Remove `docker`.",
        """\
source: {codecommit: shop}
buildspec: ci/buildspec.yml
docker: true
""",
        ('AWS CodeBuild API reference, "ProjectEnvironment"',),
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3712",
        "The source has no such triggers.",
        "GitHub, GitLab and Bitbucket send a webhook for pushes and pull requests. CodeCommit "
        "sends an event instead, which starts a pipeline after a push to the branch of the source.",
        "Remove the triggers.",
        """\
stacks:
  delivery:
    template: pipeline
    source: {codecommit: shop, branch: main}
""",
        ('AWS CodeBuild user guide, "Use webhooks with AWS CodeBuild"',),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3713",
        "Pull requests would run with the permission to push images.",
        "A build of a pull request runs what its author wrote, with the role of the project. It "
        "could replace the images that are deployed.",
        "Check pull requests in a project without `images`, or with `pull_requests` of a pipeline.",
        """\
stacks:
  images-of-main:
    template: codebuild
    images: {shop/web: {}}
    triggers: [{branches: [main]}]
  checks:
    template: codebuild
    buildspec: ci/check.yml
    triggers: [{pull_requests: true}]
""",
        ('AWS CodeBuild user guide, "Best practices for webhooks"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3714",
        "The name of a pipeline or of a part of it is too long.",
        "A pipeline has the name of its stack, `<app>-<env>-<stack>`, its projects that name and "
        "the name of an environment. CodePipeline accepts 100 characters, CodeBuild 150.",
        "Shorten the name of the stack, of the environment, or of the container.",
        """\
stacks:
  delivery: {template: pipeline}
""",
        (_LIMITS,),
        rules=("E9028",),
    ),
    Code(
        "M3715",
        "Executions would deploy at the same time.",
        "In the mode `PARALLEL`, executions do not wait for one another: two of them would deploy "
        "the same stacks, and an older one could win. CodePipeline rolls nothing back then.",
        "Write `execution_mode: QUEUED` or `SUPERSEDED`.",
        """\
execution_mode: QUEUED
""",
        ('AWS CodePipeline user guide, "Set or change the pipeline execution mode"',),
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3716",
        "The pipeline would update itself.",
        "It deploys all stacks of the environment that it is in, so a step would change the "
        "pipeline that runs it, and the role of the environment would have to allow that.",
        "Name the other stacks in `stacks:`, or keep the pipeline in a params file of its own: in "
        "another folder, because `base.yaml` is merged with each file of its folder.",
        """\
environments:
  - name: dev
    role: arn:aws:iam::123456789012:role/deploy
    stacks: [network, cluster, public, web]
""",
        not_in_templates=ALLOWED,
    ),
    Code(
        "M3717",
        "An image comes from two places.",
        "`build` builds the image, and `pushed_images` expects it from another build.",
        "Remove one of the two.",
        """\
build: {environment: dev, stacks: [web], repositories: [shop/web]}
pushed_images:
  api: {repository: shop/api}  # not web
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3718",
        "The role of a preview has no effect.",
        "A preview is made for an approval only.",
        "Add `approval: true`, or remove `preview_role`.",
        """\
environments:
  - name: prod
    role: arn:aws:iam::123456789012:role/deploy
    preview_role: arn:aws:iam::123456789012:role/preview
    approval: true
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3719",
        "The pipeline deploys too many images that are pushed to it.",
        "Their digests are passed on in one value of an action's configuration, and CodePipeline "
        "accepts 1,000 characters.",
        "Split the images over several pipelines.",
        """\
pushed_images:
  web: {repository: shop/web}
""",
        (_LIMITS,),
        not_in_templates=PARAMS,
    ),
)
