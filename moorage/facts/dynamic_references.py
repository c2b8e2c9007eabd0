"""Dynamic references to parameters of Parameter Store, and names of exports.

CloudFormation user guide, "Get a plaintext value from Systems Manager Parameter Store": the value
of a `String` or `StringList` parameter, of the latest version if the reference names none. A list
is one text, since intrinsic functions such as `Fn::Split` are evaluated before a dynamic reference
is replaced by its value (aws-cloudformation/cfn-lint#2181; aws/aws-cdk#14476).
"""

from __future__ import annotations

from moorage.facts.secret_references import PARAMETER_NAME

PARAMETER_AND_VERSION = rf"{PARAMETER_NAME}(:[1-9][0-9]*)?"
"""What follows `resolve:ssm:`. The same page, "Reference pattern"."""

MAX_DYNAMIC_REFERENCES = 60
"""In one template. CloudFormation user guide, "Get values stored in other services using dynamic
references", general considerations (read on 2026-11-27)."""

EXPORT_NAME = "[A-Za-z0-9:-]+"
"""CloudFormation's message for other names: "The Name field of every Export member must be
specified and consist only of alphanumeric characters, colons, or hyphens." (aws/aws-cdk#28563)."""


def ssm_reference(name: str) -> str:
    """The dynamic reference to a parameter, optionally with its version.

    >>> ssm_reference("/shared/vpc-id")
    '{{resolve:ssm:/shared/vpc-id}}'
    """
    return f"{{{{resolve:ssm:{name}}}}}"
