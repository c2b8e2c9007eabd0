"""M1100 to M1199: keys and values that do not have the right form."""

from __future__ import annotations

from moorage.findings.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "M1101",
        "The key is unknown.",
        "The map has no key of that name, so its value would have no effect. Keys are case "
        "sensitive and are written with underscores.",
        "Write the key that the message names, or remove the key. The params reference, "
        "`docs/params.md`, lists all keys; an editor that uses the JSON Schema completes them.",
        """\
template: service
desired_count: 2  # not `desired-count` or `desiredCount`
""",
        rules=("E3002",),
    ),
    Code(
        "M1102",
        "A required key is missing.",
        "The map cannot be understood without this key, and no default is right for everybody.",
        "Add the key. What it takes is in the message and in the params reference.",
        """\
template: service
containers:
  web:
    image: ecr:shop/web:1.0  # a container needs an image
""",
        rules=("E3003",),
    ),
    Code(
        "M1103",
        "The value has the wrong type.",
        "Nothing is converted: text, numbers, `true` and `false`, lists and maps are different "
        'types. `8080` is a number and `"8080"` is text; a number has no unit.',
        "Write a value of the type that the message names.",
        """\
template: service
cpu: 512  # CPU units: 1024 are one vCPU
memory: 1024  # MiB
containers:
  web:
    command: ["--port", "8080"]  # arguments are text
""",
        rules=("E3012",),
    ),
    Code(
        "M1104",
        "The value is not one of the allowed values.",
        "The key accepts only certain values.",
        "Write one of the values that the message lists.",
        """\
template: network
egress: nat  # public, nat, nat-per-az or endpoints
""",
        rules=("E3030",),
    ),
    Code(
        "M1105",
        "The value is too small, too large, too short or too long.",
        "AWS refuses values outside this range, or Moorage does where a value that AWS accepts "
        "could never work.",
        "Write a value within the range that the message names.",
        """\
containers:
  web:
    image: ecr:shop/web:1.0
    stop_timeout: 30s  # 2s to 2m
""",
        rules=("E3034",),
    ),
    Code(
        "M1106",
        "There is no stack kind of that name.",
        "`template:` says what a stack is. Without it, the name of the stack says so.",
        "Write `template:` with one of the kinds that the message lists, or name the stack after "
        "its kind.",
        """\
stacks:
  network: {}  # of kind `network`, by its name
  web:
    template: service
""",
    ),
    Code(
        "M1109",
        "The value does not match the pattern.",
        "The setting takes text of a certain form only, and AWS would refuse any other.",
        "Write text that matches the pattern in the message.",
        """\
containers:
  web:  # letters, digits, hyphens and underscores
    image: ecr:shop/web:1.0
""",
        rules=("E3031",),
    ),
    Code(
        "M1110",
        "The key belongs in another place.",
        "The key exists, but in another map of this stack or of another kind of stack. Here it "
        "would have no effect.",
        "Move the key to the place that the message names.",
        """\
template: service
containers:
  web:
    image: ecr:shop/web:1.0
    ports: [8080]
    environment: {LOG_LEVEL: info}  # of a container, not of the service
expose:  # of the service, not of a container
  - {via: public, paths: [/]}
""",
    ),
    Code(
        "M1111",
        "The key is a word of another tool.",
        "Docker Compose, AWS Copilot, Kubernetes and the API of ECS have other names for this "
        "setting, and other forms of its value.",
        "Write the setting as the message says.",
        """\
template: service
desired_count: 2  # `count` in Copilot, `replicas` in Kubernetes, `desiredCount` in ECS
containers:
  web:
    image: ecr:shop/web:1.0
    ports: [8080]  # `portMappings` in ECS
""",
    ),
    Code(
        "M1112",
        "A list is written where a map belongs.",
        "Containers, variables and the like have names that are keys of a map, so that "
        "`params/<env>.yaml` can change one of them and keep the others. A list could be replaced "
        "as a whole only.",
        "Write the names as keys, as the message shows.",
        """\
containers:
  web:  # not `- name: web`
    image: ecr:shop/web:1.0
    environment:
      LOG_LEVEL: info  # not `- LOG_LEVEL=info`
    depends_on:
      db: HEALTHY  # not `- db`
  db:
    image: ecr:shop/db:1.0
    health_check: {command: pg_isready}
""",
    ),
    Code(
        "M1113",
        "The key has no value.",
        "A key without a value is `null`. In `params/<env>.yaml` that deletes the key of "
        "`params/base.yaml`. There is no such key to delete, so this key would be dropped without "
        "notice: a variable would not be set at all.",
        'Write the value, `""` for an empty string, or remove the key.',
        """\
containers:
  web:
    image: ecr:shop/web:1.0
    environment:
      FEATURES: ""  # set, and empty
""",
        ("RFC 7386, JSON Merge Patch, section 2",),
    ),
    Code(
        "M1114",
        "The stack has no params.",
        "A stack name without a value is `null`. In `params/<env>.yaml` that deletes the stack of "
        "`params/base.yaml`. There is no such stack to delete.",
        "Write `{}` for a stack that has its defaults only, or remove the name.",
        """\
stacks:
  network: {}  # not `network:`
""",
        ("RFC 7386, JSON Merge Patch, section 2",),
    ),
)
