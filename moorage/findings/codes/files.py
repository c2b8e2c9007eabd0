"""M1000 to M1099: reading params files."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "M1001",
        "The file cannot be read.",
        "The file does not exist, this user is not allowed to read it, or it is not UTF-8 text. It "
        "is a params file, a file that the params name (such as the configuration of a proxy), a "
        "template that `check` was given, or the settings of cfn-lint.",
        "Check the name and the permissions of the file, and save it as UTF-8. Files that params "
        "name are looked up from the folder of the params.",
        """\
proxy:
  config: nginx/web.conf  # params/nginx/web.conf
""",
    ),
    Code(
        "M1002",
        "The file is not YAML.",
        "The parser stops at a character that YAML does not allow there: often a quote or bracket "
        "that is never closed, a tab, or text that needs quotes because it contains `: ` or begins "
        "with one of `*&!%@{[`. Nothing after that place was read.",
        "Correct the line that is named. Where that line is right, look for an open quote or "
        "bracket above it.",
        """\
containers:
  web:
    command: ["--title", "Shop: home"]  # quotes, because of the colon
""",
        ("YAML 1.2.2, section 7.3.3, Plain Style",),
    ),
    Code(
        "M1003",
        "A key is written twice in one map.",
        "A map has one value for each key, so one of the two values would be lost without notice.",
        "Keep one of them. Two stacks, or two containers, need different names.",
        """\
containers:
  web: {image: "ecr:shop/web:1.0"}
  metrics: {image: "ecr:shop/metrics:1.0"}  # not `web` again
""",
        ("YAML 1.2.2, section 3.2.1.1, Nodes",),
    ),
    Code(
        "M1004",
        "The params file is empty.",
        "Each file `params/<env>.yaml` is an environment. One that is empty, or has only comments, "
        "says nothing about it.",
        "Write the environment's params, or delete the file.",
        """\
# params/dev.yaml
app: shop
region: eu-central-1
stacks:  # at least one
  network: {}
""",
    ),
    Code(
        "M1005",
        "The name in ${...} has no value.",
        "Texts in params can contain `${env}`, `${app}`, `${region}` and `${account}`, and "
        "`${name}` for each variable below `vars:`. They are replaced when the files are read. "
        "Variables of a shell are not read: a build depends on its params and its command line.",
        "Add the variable below `vars:`, or give its value with `--set name=value`. Write "
        "`$${...}` for text that must contain `${...}` itself.",
        """\
vars:
  web_version: 1.4.2
stacks:
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:${web_version}
        environment:
          BUCKET: "${app}-${env}-uploads"
          PATTERN: "$${user}"  # the container receives ${user}
""",
    ),
    Code(
        "M1006",
        "The file uses a part of YAML that params do not have.",
        "Params are one map of plain values: texts, numbers, `true`, `false`, lists and maps, with "
        "texts as keys. Tags such as `!Ref`, a second document after `---` and an alias inside its "
        "own anchor are refused.",
        "Write plain values. Below `overrides:`, write functions of CloudFormation in their long "
        "form.",
        """\
overrides:
  Resources:
    Service:
      Properties:
        Role: {Ref: ServiceRole}  # not !Ref ServiceRole
""",
    ),
    Code(
        "M1007",
        "The file's name cannot be the name of an environment.",
        "The name of the file is the name of the environment, and part of the name of each of its "
        "stacks. Names of stacks consist of letters, digits and hyphens; Moorage allows "
        "lower-case letters only, because names of other resources are formed from them.",
        "Rename the file: lower-case letters, digits and single hyphens, beginning with a letter.",
        """\
# params/prod-eu.yaml, not params/Prod_EU.yaml
app: shop
""",
        ("CloudFormation API reference, CreateStack, StackName",),
    ),
    Code(
        "M1008",
        "A line is indented too much or too little.",
        "Keys of one map begin in the same column, and so do the items of one list. A line that is "
        "indented one or two spaces more or less than its neighbours belongs to no map, and the "
        "file cannot be read any further.",
        "Align the line with the keys or items that it belongs to, with spaces and without tabs.",
        """\
containers:
  web:
    image: ecr:shop/web:1.0
    ports: [8080]  # in the same column as `image`
""",
        ("YAML 1.2.2, section 6.1, Indentation Spaces",),
    ),
    Code(
        "M1009",
        "The path of the file is absolute.",
        "The same params must build the same templates on every machine. A file outside the folder "
        "of the params exists on one machine only.",
        "Put the file below the folder of the params, and write its path from there.",
        """\
proxy:
  config: nginx/web.conf  # not /home/me/web.conf
""",
    ),
    Code(
        "M1010",
        "The file is larger than a template can be.",
        "The text of the file becomes part of a template, and CloudFormation accepts templates of "
        "at most 51,200 bytes in a request.",
        "Name a smaller file: put into the image what does not differ between environments.",
        """\
proxy:
  config: nginx/web.conf  # a file of a few kilobytes
""",
        ('CloudFormation user guide, "Understand CloudFormation quotas"',),
    ),
    Code(
        "M1011",
        "The file is outside the folder of the params.",
        "Otherwise anyone who can change params, for example in a pull request, could read other "
        "files of the build machine: their text would appear in messages or in the template. So "
        "`..` and symbolic links must not lead out of the folder of the params.",
        "Put the file below the folder of the params. Links within that folder are allowed.",
        """\
proxy:
  config: nginx/web.conf  # not ../shared/web.conf
""",
    ),
    Code(
        "M1012",
        "The file is not a regular file.",
        "A folder has no text, and a device or a named pipe can have no end. Only regular files "
        "are read.",
        "Name a text file.",
        """\
proxy:
  config: nginx/web.conf  # not nginx
""",
    ),
    Code(
        "M1013",
        "A variable contains itself.",
        "The value of a variable can contain other variables, but not itself: such a value has no "
        "end. The message lists the variables that contain each other.",
        "Write a value in place of one of the names.",
        """\
vars:
  domain: example.com
  host: www.${domain}  # and not: domain: ${host}
""",
    ),
    Code(
        "M1014",
        "The entry of vars: is not a variable.",
        "A variable has a name of letters, digits, `_` and `-`, which begins with a letter and is "
        "none of `env`, `app`, `region` and `account`. Its value is a text, a number, `true` or "
        "`false`: it can be a part of a text.",
        "Rename the variable, or write a single value.",
        """\
vars:
  web_version: 1.4.2
  cpu: 512
""",
    ),
    Code(
        "M1015",
        "No value uses the variable.",
        "A variable that no value contains has no effect. If only the command line has it, it is "
        "an error: a misspelled `--set` would build other templates than those that were meant. "
        "A variable of base.yaml is fine if any environment uses it.",
        "Write `${name}` where the value belongs, or remove the variable.",
        """\
vars:
  web_version: 1.4.2
stacks:
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:${web_version}
""",
    ),
    Code(
        "M1016",
        "The image of the command line fits no container.",
        "`--image STACK=TAG` replaces the tag of the image of a stack's container: its only one, "
        "or the one with the name of the stack. `--image STACK/CONTAINER=TAG` names any other. In "
        "place of a tag it takes a digest, `sha256:...`, and a whole image.",
        "Name a stack and a container that have an image.",
        """\
# python build.py prod --image web=1.4.3 --image web/agent=2.1
stacks:
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:1.4.2
      agent:
        image: ecr:shop/agent:2.0
""",
    ),
    Code(
        "M1017",
        "An entry of a list cannot be merged by its id.",
        "If each entry of a list in the environment's file has an `id`, the list is merged with "
        "that of base.yaml: entries with the same id are one entry; `delete: true` removes one. An "
        "id begins with a letter, has letters, digits, `_` and `-`, and occurs once in a list.",
        "Give each entry an id of its own, and delete only what base.yaml has.",
        """\
# params/base.yaml has: expose: [{id: shop, via: public, hosts: [shop.example.com]}, {id: old, ...}]
stacks:
  web:
    expose:
      - {id: shop, hosts: [dev.example.com]}  # via and all else as in base.yaml
      - {id: old, delete: true}
""",
    ),
    Code(
        "M1021",
        "The file exceeds a limit for input files.",
        "Params and templates can come from people who are not trusted, and a YAML file of one "
        "kilobyte can describe a billion values. So there are limits, far above what a deployment "
        "needs, for the bytes of a file, its levels, keys and values (also after aliases and `<<` "
        "are expanded), aliases, merges, the keys of one map, and the length of a text, of a key "
        "and of a number; and for variables that contain each other. The message names the limit; "
        "nothing of the file is used.",
        "Write less: split the environment, use fewer aliases, or shorten the text.",
        """\
stacks:
  web: {template: service}  # an environment of 2,000 stacks at most
""",
    ),
    Code(
        "M1022",
        "A text has a control character.",
        "Control characters, such as NUL or ESC, halves of surrogate pairs, and characters that "
        "override the direction of text cannot be part of a template, or show a reviewer another "
        "text than the one that AWS reads. Line breaks and tabs are allowed in values but not in "
        "keys. The message has the number of the character and not the character itself.",
        "Remove the character. Write the bytes of a probe below `send_hex:` or `expect_hex:`; put "
        "others that a program needs into its image.",
        """\
containers:
  web:
    environment:
      GREETING: "two\\nlines"  # not "\\e[31m"
""",
        ("XML 1.0, section 2.2, Characters", "Unicode Technical Standard #55"),
    ),
    Code(
        "M1023",
        "The template of a nested stack cannot be found.",
        "The TemplateURL of an AWS::CloudFormation::Stack is a path, as for `aws cloudformation "
        "package`, which uploads that file. There is no such file, or it is neither below the "
        "folder of the template nor below the current folder: other files are not read. Without "
        "the nested template, nothing is known about its resources.",
        "Correct the path, which begins at the folder of the template, or run `check` in a folder "
        "that contains both. A template in S3 is named by its https:// URL.",
        """\
overrides:
  Resources:
    Network:
      Type: AWS::CloudFormation::Stack
      Properties: {TemplateURL: nested/network.yaml}  # beside the template that is checked
""",
        (
            "AWS CLI: aws cloudformation package",
            "AWS CloudFormation template reference: AWS::CloudFormation::Stack, TemplateURL",
        ),
    ),
    Code(
        "M1024",
        "A cloud assembly of the CDK cannot be read.",
        "The folder that `cdk synth` writes has a file manifest.json, which lists the stacks with "
        "their templates. It is not JSON, has no list of stacks, or names a template that does not "
        "exist: `cdk synth` did not finish, or only a part of the folder was copied.",
        "Run `cdk synth` again, and check the folder that it writes.",
        """\
stacks:
  network: {}  # the params are not the reason; run `npx cdk synth`, then `moorage check cdk.out`
""",
        ("AWS CDK: @aws-cdk/cloud-assembly-schema",),
    ),
    Code(
        "M1025",
        "A rule that is switched off does not exist.",
        "`ignore_checks` in `.cfnlintrc` switches off rules of cfn-lint, of AWS's "
        "cloudformation-validate and of Moorage, by their ids or the beginnings of ids. An id that "
        "no rule has switches off nothing: it is misspelled, or the rule has been removed.",
        "Correct the id, or remove it.",
        """\
# .cfnlintrc
ignore_checks: [W9936]  # not W99936
""",
        ("cfn-lint, README.md, Configuration",),
    ),
    Code(
        "M1026",
        "A rule that is switched off finds nothing.",
        "`check --unused-ignores` reports which ids in `ignore_checks` of `.cfnlintrc` have no "
        "effect on what was checked. What they were written for is corrected or gone, and they "
        "would hide the next such mistake.",
        "Remove the id. Keep it if other templates, which were not checked now, need it.",
        """\
# .cfnlintrc
ignore_checks: []  # W9936 is no longer found
""",
    ),
)
