"""M1400 to M1499: what an update does to deployed stacks.

`check ENV --against REV` and `check FILE --against FILE` report them.
"""

from __future__ import annotations

from moorage.findings.codes.code import Code

_BEHAVIORS = 'CloudFormation user guide, "Understand update behaviors of stack resources"'

CODES: tuple[Code, ...] = (
    Code(
        "M1401",
        "The update replaces a resource.",
        "A property changes that CloudFormation cannot change in place: it creates a new resource "
        "with a new physical ID, points other resources at it, and deletes the old one.",
        "If the replacement is intended, nothing needs to be changed. Otherwise write the value "
        "that the property had before.",
        """\
template: service
containers:
  web: {image: "ecr:shop/web:1.1"}  # a new revision of the task definition; the service stays
""",
        (_BEHAVIORS,),
    ),
    Code(
        "M1402",
        "The new resource needs a name, port, priority or address that the old one still has.",
        "CloudFormation creates the new resource before it deletes the old one. Names, ports, "
        "priorities and addresses that only one resource can have are still in use at that moment, "
        "and the update fails and is rolled back.",
        "Give the new resource another name, port, priority or address; or make the change in two "
        "updates, the first of which removes the old resource.",
        """\
expose:
  - {via: public, paths: [/], priority: 20}  # not the priority of the rule that is replaced
""",
        (_BEHAVIORS,),
    ),
    Code(
        "M1403",
        "The export is in use.",
        "CloudFormation refuses to change or delete an export as long as another stack imports it.",
        "First deploy the importing stacks without the import, then the change of the export.",
        """\
stacks:
  web:
    template: service
    cluster: new-cluster  # deploy this first, and remove the stack `cluster` after it
""",
        ('CloudFormation user guide, "Get exported outputs from a deployed stack"',),
    ),
    Code(
        "M1404",
        "AWS refuses the update.",
        "The service that owns the resource, such as ECS, CodeDeploy or Elastic Load Balancing, "
        "does not allow this change. CloudFormation learns that during the update, which fails "
        "and is rolled back.",
        "Keep the old value, or create a new resource in place of the old one, as the message "
        "says.",
        """\
template: service
containers:
  web: {image: "ecr:shop/web:1.1", ports: [8080]}  # the container and port of the target group
""",
        ("Amazon ECS API reference, UpdateService",),
    ),
    Code(
        "M1405",
        "The update deletes data.",
        "A resource that contains data is deleted or replaced, and its data is deleted with it.",
        "Keep the resource, or copy the data first. With `DeletionPolicy: Retain` and "
        "`UpdateReplacePolicy: Retain` the old resource is kept, but no longer belongs to the "
        "stack.",
        """\
overrides:
  Resources:
    DataFileSystem:
      DeletionPolicy: Retain
      UpdateReplacePolicy: Retain  # when it is replaced
""",
        ("CloudFormation template reference, DeletionPolicy attribute",),
    ),
    Code(
        "M1406",
        "The update reverts a deployment, or depends on the order of its steps.",
        "A deployment of CodeDeploy or ECS changes resources without changing the template, so "
        "the update sets them back, or ECS refuses it. Or ECS accepts one change only after "
        "another one of the same update, and CloudFormation can make them in the other order.",
        "Write the current value into the template, or make two updates, as the message says.",
        """\
template: service
expose:
  - {via: public, paths: [/]}  # deploy the route first, then the change that needs it
""",
        ('CodeDeploy user guide, "Working with deployments"',),
    ),
    Code(
        "M1407",
        "The stack is no longer built, but stays deployed.",
        "The environment had a stack that the new version does not have, or was in another "
        "region. A deployed stack is not deleted automatically, and its resources continue to "
        "cost money.",
        "Delete the stack when it is no longer needed: `aws cloudformation delete-stack`.",
        """\
stacks:
  web: {template: service}  # `worker` was removed: delete the stack shop-dev-worker
""",
        ("AWS CLI command reference, cloudformation delete-stack",),
    ),
    Code(
        "M1408",
        "The version to compare with does not have the environment or the template.",
        "The version that `--against` names has no files of this environment, or no template of "
        "that name.",
        "Name a version that has it. If the environment is new, there is nothing to do.",
        """\
# python build.py check dev --against main
app: shop  # in params/dev.yaml of the branch main too
""",
    ),
)
