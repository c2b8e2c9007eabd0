"""M1300 to M1399: built templates and files."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import PARAMS

_QUOTAS = 'CloudFormation user guide, "Understand CloudFormation quotas"'

CODES: tuple[Code, ...] = (
    Code(
        "M1301",
        "The stack's name is too long for CloudFormation.",
        "CloudFormation accepts names of at most 128 characters. The name of a stack is "
        "`<app>-<env>-<stack>`.",
        "Shorten `app`, the name of the environment's file, or the name of the stack.",
        """\
app: shop
stacks:
  web: {template: service}  # shop-dev-web
""",
        (_QUOTAS,),
        not_in_templates="A template does not contain the name of its stack.",
    ),
    Code(
        "M1302",
        "Two entries would have the same logical ID.",
        "Logical IDs have letters and digits only. They are formed from names in the params "
        "without their other characters, so two names can become one logical ID, and one of the "
        "two resources would be lost. A list that contains a value twice has the same effect.",
        "Rename one of them, or remove the entry that is listed twice.",
        """\
volumes:
  web-data: {}
  web-logs: {}  # not `webdata` alongside `web-data`
""",
        ('CloudFormation user guide, "Resources section structure", Logical ID',),
        rules=("E0000",),
    ),
    Code(
        "M1303",
        "The template is too large for CloudFormation.",
        "CloudFormation accepts a template of at most 51,200 bytes in a request, and `deploy.sh` "
        "sends templates without an S3 bucket.",
        "Split the stack in two, or move large texts, such as the configuration of a proxy, into "
        "an image.",
        """\
stacks:
  web: {template: service}
  admin: {template: service}  # some of the containers and routes that `web` had
""",
        (_QUOTAS,),
        not_in_templates="CloudFormation accepts larger templates from S3.",
    ),
    Code(
        "M1304",
        "The template has too many resources, outputs or parameters.",
        "CloudFormation accepts at most 500 resources, 200 outputs and 200 parameters in a "
        "template.",
        "Split the stack in two.",
        """\
stacks:
  ecr: {repositories: {shop/web: {}}}
  ecr-jobs:  # some of the repositories
    template: ecr
    repositories: {shop/jobs: {}}
""",
        (_QUOTAS,),
        rules=("E3010",),
    ),
    Code(
        "M1305",
        "The stack imports a value that no stack exports.",
        "CloudFormation refuses a stack with an `Fn::ImportValue` of a name that is not exported "
        "in the account and region.",
        "Import what a stack of this environment exports, or write the value itself.",
        """\
overrides:
  Resources:
    Service:
      Properties:
        Cluster: {"Fn::ImportValue": shop-dev-cluster-ClusterArn}  # exported by `cluster`
""",
        ("CloudFormation template reference, Fn::ImportValue",),
        not_in_templates="Another stack of the account can have the export.",
    ),
    Code(
        "M1306",
        "Stacks depend on each other in a circle.",
        "A stack is deployed after the stacks that it imports from, and after those that its "
        "`after:` names. In a circle none can be the first.",
        "Remove one of the dependencies: an entry of `after:`, or an import in `overrides:`.",
        """\
stacks:
  migrate: {template: one_off}  # without `after: [web]`
  web:
    template: service
    after: [migrate]
""",
        ('CloudFormation user guide, "Get exported outputs from a deployed stack"',),
        not_in_templates="Each of the stacks can exist already, so their order is not known.",
    ),
    Code(
        "M1307",
        "An override names a key that the template does not have.",
        "`overrides:` is a merge patch of the template. A misspelled name would add a resource "
        "without a type, or delete nothing, and the intended one would stay unchanged.",
        "Write the name as it is in the built template: a logical ID, a property, or in a list "
        "the name, key or port of an entry. A new resource needs its `Type:`, a new output its "
        "`Value:`, and a new entry of a list its own name.",
        """\
overrides:
  Resources:
    TaskDefinition:  # as in out/<env>/web.yaml
      Properties:
        ContainerDefinitions:
          web: {Hostname: storefront}
""",
        ("RFC 7386, JSON Merge Patch",),
        not_in_templates=PARAMS,
    ),
    Code(
        "M1308",
        "The files under out/ are not what the params build.",
        "`out/` is committed so that a change of templates can be reviewed and deployed as it was "
        "reviewed. A file is missing, differs, or belongs to params that are no longer there.",
        "Run `python build.py` and commit what it writes. Make changes in the params, or in "
        "`overrides:`, not in the built files.",
        """\
overrides:  # in params/<env>.yaml, in place of an edit in out/
  Resources:
    Service:
      Properties: {EnableECSManagedTags: false}
""",
    ),
    Code(
        "M1309",
        "Two outputs export the same name.",
        "The name of an export is unique in an account and region. CloudFormation refuses the "
        "second stack that exports it.",
        "Give one of the exports another name.",
        """\
overrides:
  Outputs:
    LogGroupName:
      Value: {Ref: LogGroup}
      Export: {Name: shop-dev-web-LogGroupName}  # of this stack only
""",
        ('CloudFormation user guide, "Get exported outputs from a deployed stack"',),
        rules=("E9965",),
    ),
    Code(
        "M1310",
        "A role's inline policies are too long for IAM.",
        "IAM accepts at most 10,240 characters in all inline policies of a role together; white "
        "space does not count. `statements:` become inline policies.",
        "Move some of the statements into a managed policy and name it in `managed_policies:`.",
        """\
task_role:
  managed_policies: [arn:aws:iam::123456789012:policy/shop-reports]  # not in `statements:`
""",
        ('IAM user guide, "IAM and AWS STS quotas"',),
        rules=("E9995",),
    ),
    Code(
        "M1311",
        "The overrides leave a template that CloudFormation refuses.",
        "`overrides:` is a merge patch of the template: a map is merged, any other value replaces "
        "the old one, and null deletes it. After the merge a section or a resource is no longer a "
        "map, or a part that CloudFormation requires is missing.",
        "Write maps where the template has maps, and keep the `Type:` of each resource and the "
        "`Value:` of each output.",
        """\
overrides:
  Resources:
    Service:
      Properties:  # a map, as in the template
        EnableECSManagedTags: false
""",
        (
            "RFC 7386, JSON Merge Patch",
            'CloudFormation user guide, "Template anatomy"',
        ),
        rules=("E3001",),
    ),
    Code(
        "M1312",
        "A logical ID is too long for CloudFormation.",
        "CloudFormation accepts logical IDs of at most 255 characters. They are formed from names "
        "in the params.",
        "Shorten the names that the logical ID consists of.",
        """\
expose:
  - {via: public, paths: [/], name: home}  # `name:` becomes part of logical IDs
""",
        (_QUOTAS,),
        rules=("E3001",),
    ),
    Code(
        "M1313",
        "A file under out/ was not written by a build, or was changed after it.",
        "`SHA256SUMS` has the hash of each file that a build writes. A file with another content "
        "was changed or added by somebody. A build replaces it if it builds a file of that name "
        "itself, and keeps it otherwise; it never removes what it did not write.",
        "Make changes in the params, or in `overrides:`. Keep files of your own under other names, "
        "or outside of `out/`.",
        """\
overrides:  # in params/<env>.yaml, in place of an edit in out/
  Resources:
    Service:
      Properties: {EnableECSManagedTags: false}
""",
    ),
    Code(
        "M1314",
        "The task definition is too large for ECS.",
        "ECS accepts task definitions of at most 64 KiB, with all of their containers, variables, "
        "commands and labels. The message names the largest values. Values that only AWS knows are "
        "not counted.",
        "Keep long texts in the image, in a file in S3 (`environment_files:`), or in parameters or "
        "secrets (`secrets:`), or move containers to another service.",
        """\
containers:
  app:
    image: "ecr:shop/app:1.4.2"
    environment_files: ["arn:aws:s3:::shop-config/app.env"]  # not a long `environment:`
""",
        ('Amazon ECS developer guide, "Amazon ECS service quotas"',),
        rules=("E9991",),
    ),
    Code(
        "M1315",
        "The files under out/ were built with other values of the command line.",
        "`stacks.json` says which values `--set` and `--image` had in the last build of a folder. "
        "`check` without these options builds with the same values; with others it does not "
        "compare the files, since all of them can differ.",
        "Give the values of the last build, or none of them, or build the folder again.",
        """\
# python build.py build prod --set web_version=1.4.2
# python build.py check prod --set web_version=1.4.2
vars:
  web_version: 1.4.1
stacks:
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:${web_version}
""",
    ),
    Code(
        "M1316",
        "Stacks that the command does not name would change as well.",
        "`build ENV STACK` writes the templates of the named stacks, and `stacks.json` and "
        "`deploy.sh`, which describe all stacks of the environment. If the template of another "
        "stack is missing under `out/` or is not what the params build, they would not fit it. So "
        "nothing is written.",
        "Name these stacks, too, or build the whole environment.",
        """\
# python build.py build dev web queue
stacks:
  queue: {template: service}  # changed since the last build
  web: {template: service}  # changed, too
""",
    ),
)
