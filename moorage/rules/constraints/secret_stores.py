"""Constraints of Secrets Manager and of Parameter Store."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Either, IsReference, Not, Refers
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Length,
    Matches,
    Present,
    Within,
)
from moorage.rules.constraints.relations import CreatedAfter, HasReferrer, NoOther

_SECRET = "AWS::SecretsManager::Secret"
_GENERATED = f"{_SECRET} GenerateSecretString"
_ROTATION = "AWS::SecretsManager::RotationSchedule"
_PARAMETER = "AWS::SSM::Parameter"
_SECRETS = "AWS Secrets Manager API reference"
_SSM = "AWS Systems Manager API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"
_EXCLUDED = tuple(
    IsTrue(f"Exclude{kind}") for kind in ("Lowercase", "Uppercase", "Numbers", "Punctuation")
)
_PERMISSION = "AWS::Lambda::Permission"
_STANDARD = Is("Tier", "Standard")

CONSTRAINTS = (
    Constraint(
        "E9825",
        _SECRET,
        "A secret has a value and is generated.",
        when=Present("GenerateSecretString"),
        must=Absent("SecretString"),
        message="Secret {id} has `SecretString` and `GenerateSecretString`",
        fix="Remove one of the two.",
        error_messages=("Can only specify either SecretString or GenerateSecretString.",),
        sources=("AWS CloudFormation template reference: AWS::SecretsManager::Secret",),
    ),
    Constraint(
        "E9826",
        _GENERATED,
        "A generated secret has a template without key, or a key without template.",
        must=Either(
            All(Present("SecretStringTemplate"), Present("GenerateStringKey")),
            All(Absent("SecretStringTemplate"), Absent("GenerateStringKey")),
        ),
        message="Secret {id} has only one of `SecretStringTemplate` and `GenerateStringKey`",
        fix="Write both: the template is a JSON object, and the key is that of the password.",
        error_messages=("SecretStringTemplate and GenerateStringKey must both be set or removed.",),
        sources=(
            "AWS CloudFormation template reference: AWS::SecretsManager::Secret "
            "GenerateSecretString",
        ),
    ),
    Constraint(
        "E9827",
        _GENERATED,
        "The template of a secret is no JSON object.",
        must=Matches("SecretStringTemplate", r"\s*\{.*\}\s*"),
        message="The `SecretStringTemplate` of secret {id} is no JSON object",
        fix='Write an object, such as `\'{"username": "app"}\'`.',
        error_messages=("Failed to parse SecretStringTemplate as JSON.",),
        sources=(
            "AWS CloudFormation template reference: AWS::SecretsManager::Secret "
            "GenerateSecretString",
            _PREFLIGHT,
        ),
    ),
    Constraint(
        "E9828",
        _GENERATED,
        "A generated secret excludes all characters.",
        must=Not(All(*_EXCLUDED)),
        message="Secret {id} excludes letters, numbers and punctuation",
        fix="Remove one of the exclusions.",
        error_messages=("All characters have been excluded from selection.",),
        sources=(f"{_SECRETS}: GetRandomPassword", _PREFLIGHT),
    ),
    Constraint(
        "E9829",
        _GENERATED,
        "A generated secret is too short for the types of its characters.",
        when=All(
            IsTrue("RequireEachIncludedType", default=True), *(Not(part) for part in _EXCLUDED)
        ),
        must=Within("PasswordLength", 4, None),
        message="Secret {id} has {PasswordLength} characters, but 4 types of them",
        fix="Write a larger `PasswordLength`.",
        error_messages=("Password length is too short based on the required types.",),
        sources=(f"{_SECRETS}: GetRandomPassword, RequireEachIncludedType", _PREFLIGHT),
    ),
    Constraint(
        "E9831",
        _ROTATION,
        "A rotation has no function, or two.",
        when=IsReference("SecretId", _SECRET),
        must=Either(
            All(Present("RotationLambdaARN"), Absent("HostedRotationLambda")),
            All(Absent("RotationLambdaARN"), Present("HostedRotationLambda")),
        ),
        message="Rotation {id} must have either `RotationLambdaARN` or `HostedRotationLambda`",
        fix="Write one of the two.",
        error_messages=("No Lambda rotation function ARN is associated with this secret.",),
        sources=("AWS CloudFormation template reference: AWS::SecretsManager::RotationSchedule",),
    ),
    Constraint(
        "E9832",
        f"{_ROTATION} RotationRules",
        "A rotation has a number of days and an expression.",
        when=Present("ScheduleExpression"),
        must=Absent("AutomaticallyAfterDays"),
        message="Rotation {id} has `AutomaticallyAfterDays` and `ScheduleExpression`",
        fix="Remove one of the two.",
        error_messages=("You cannot specify both rotation frequency and schedule expression",),
        sources=(f"{_SECRETS}: RotationRulesType",),
    ),
    Constraint(
        "E9833",
        _ROTATION,
        "Secrets Manager may not invoke the function of a rotation.",
        # Without a fixed name, only a reference can be its permission.
        when=Refers("RotationLambdaARN", "AWS::Lambda::Function", Absent("FunctionName")),
        must=HasReferrer("RotationLambdaARN", _PERMISSION, "FunctionName"),
        message="Secrets Manager may not invoke the function of rotation {id}",
        fix="Add an `AWS::Lambda::Permission` for `secretsmanager.amazonaws.com`, and write "
        "`DependsOn` with its name at the rotation.",
        error_messages=("Secrets Manager cannot invoke the specified Lambda function.",),
        sources=("AWS Secrets Manager user guide: Lambda rotation function execution role",),
    ),
    Constraint(
        "E9834",
        _ROTATION,
        "A rotation may be created before the permission to invoke its function.",
        must=CreatedAfter("RotationLambdaARN", _PERMISSION, "FunctionName"),
        message="Rotation {id} may be created before Secrets Manager may invoke its function",
        fix="Write `DependsOn: <permission>`.",
        error_messages=("Secrets Manager cannot invoke the specified Lambda function.",),
        sources=("AWS CloudFormation template reference: AWS::SecretsManager::RotationSchedule",),
    ),
    Constraint(
        "E9835",
        _PARAMETER,
        "The name of a parameter is no path.",
        must=Matches("Name", r"/?[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+)+"),
        message="Parameter {id} has the name {Name}",
        fix="Begin a name with slashes by a slash, end it without one, and write only letters, "
        "digits and `_.-` between them.",
        error_messages=("Parameter name must be a fully qualified name.",),
        sources=(f"{_SSM}: PutParameter, Name",),
    ),
    Constraint(
        "E9836",
        _PARAMETER,
        "The value of a parameter has double braces.",
        must=Not(Matches("Value", r".*\{\{(?!resolve:).*\}\}.*")),
        message="The value of parameter {id} contains double braces",
        fix="Write the value without double braces.",
        error_messages=("Parameter value can't nest another parameter.",),
        sources=(f"{_SSM}: PutParameter, Value",),
    ),
    Constraint(
        "E9837",
        _PARAMETER,
        "The value of a standard parameter has more than 4,096 characters.",
        when=_STANDARD,
        must=Length("Value", 1, 4096),
        message="The value of parameter {id} has more than 4,096 characters, or none",
        fix="Write `Tier: Advanced`, which allows 8,192 characters.",
        error_messages=("Standard tier parameters support a maximum parameter value of 4096",),
        sources=(f"{_SSM}: PutParameter, Tier",),
    ),
    Constraint(
        "E9821",
        _ROTATION,
        "A secret has two rotations.",
        must=NoOther(("SecretId",), in_stack=True),
        message="Rotation {id} is the second one of its secret",
        fix="Remove one of them.",
        error_messages=("A previous rotation isn't complete. That rotation will be reattempted.",),
        sources=(
            "AWS CloudFormation template reference: AWS::SecretsManager::RotationSchedule",
            _PREFLIGHT,
        ),
    ),
    Constraint(
        "E9823",
        "AWS::SecretsManager::SecretTargetAttachment",
        "The address of a database is to be written into a secret that is no JSON object.",
        must=Refers(
            "SecretId",
            _SECRET,
            Either(
                Absent("GenerateSecretString"), Present("GenerateSecretString.SecretStringTemplate")
            ),
        ),
        message="The secret of attachment {id} is only a password",
        fix="Write `SecretStringTemplate` and `GenerateStringKey` in the secret.",
        error_messages=("Failed to parse secret string",),
        sources=(
            "AWS CloudFormation template reference: AWS::SecretsManager::SecretTargetAttachment",
            _PREFLIGHT,
        ),
    ),
)
