"""Constraints of KMS keys, and of what is encrypted with them."""

from __future__ import annotations

from moorage.rules.constraints.combinations import All, Each, Either, IsReference, Not, Refers, Some
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Is,
    IsTrue,
    Matches,
    Present,
    StartsWith,
)
from moorage.rules.constraints.relations import Allows

_KEY, _REPLICA = "AWS::KMS::Key", "AWS::KMS::ReplicaKey"
_TOPIC, _QUEUE = "AWS::SNS::Topic", "AWS::SQS::Queue"
_KMS = "AWS KMS API reference"
_PREFLIGHT = "AWS's error message, reproduced by cdk-preflight"

_USES_OF_KEYS = (
    "AWS::Logs::LogGroup KmsKeyId",
    "AWS::SecretsManager::Secret KmsKeyId",
    "AWS::ECR::Repository EncryptionConfiguration.KmsKey",
    "AWS::ECR::RepositoryCreationTemplate EncryptionConfiguration.KmsKey",
    "AWS::EFS::FileSystem KmsKeyId",
    f"{_TOPIC} KmsMasterKeyId",
    f"{_QUEUE} KmsMasterKeyId",
    "AWS::EC2::Volume KmsKeyId",
    "AWS::ECS::Cluster Configuration.ExecuteCommandConfiguration.KmsKeyId",
    "AWS::ECS::Cluster Configuration.ManagedStorageConfiguration.FargateEphemeralStorageKmsKeyId",
    "AWS::ECS::Cluster Configuration.ManagedStorageConfiguration.KmsKeyId",
    "AWS::S3::Bucket BucketEncryption.ServerSideEncryptionConfiguration[]"
    ".ServerSideEncryptionByDefault.KMSMasterKeyID",
)

_USAGES = (
    ("SYMMETRIC_DEFAULT", ("ENCRYPT_DECRYPT",)),
    ("RSA_.*", ("ENCRYPT_DECRYPT", "SIGN_VERIFY")),
    ("ECC_NIST_P.*", ("SIGN_VERIFY", "KEY_AGREEMENT")),
    ("ECC_SECG_P256K1|ECC_NIST_EDWARDS25519|ML_DSA_.*", ("SIGN_VERIFY",)),
    ("HMAC_.*", ("GENERATE_VERIFY_MAC",)),
)
"""The usages of each kind of key. AWS KMS API reference, CreateKey, KeyUsage."""

_ACCOUNT = r"arn:[^:]*:iam::[0-9]{12}:root|[0-9]{12}"


CONSTRAINTS = (
    Constraint(
        "E9813",
        (_KEY, _REPLICA),
        "Nobody may change the policy of a key.",
        when=All(Present("KeyPolicy.Statement"), Not(IsTrue("BypassPolicyLockoutSafetyCheck"))),
        must=Some(
            "KeyPolicy.Statement[*]",
            All(
                Not(Is("Effect", "Deny")),
                Either(Present("Principal.AWS"), Is("Principal", "*"), Present("NotPrincipal")),
                Either(
                    Some("Action[*]", Matches("", r"(?i)\*|kms:(putkeypolicy|.*[*?].*)")),
                    Present("NotAction"),
                ),
            ),
        ),
        message="The policy of key {id} does not allow any principal to change it",
        fix="Allow `kms:*` to the principal "
        "`!Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:root`.",
        error_messages=(
            "The new key policy will not allow you to update the key policy in the future.",
        ),
        sources=("AWS KMS developer guide: Default key policy", f"{_KMS}: CreateKey, Policy"),
    ),
    Constraint(
        "E9814",
        _KEY,
        "A key that cannot rotate has rotation enabled.",
        when=IsTrue("EnableKeyRotation"),
        must=All(
            Is("KeySpec", "SYMMETRIC_DEFAULT", default="SYMMETRIC_DEFAULT"),
            Not(Is("Origin", "EXTERNAL")),
        ),
        message="Key {id} has rotation, but is asymmetric, for HMAC or with imported material",
        fix="Remove `EnableKeyRotation`.",
        error_messages=(
            "You cannot set the EnableKeyRotation property to true on asymmetric or external keys.",
        ),
        sources=(f"{_KMS}: EnableKeyRotation",),
    ),
    Constraint(
        "E9815",
        _KEY,
        "A key that is not symmetric has no usage.",
        when=Matches("KeySpec", "(?!SYMMETRIC_DEFAULT).*"),
        must=Present("KeyUsage"),
        message="Key {id} has the specification {KeySpec}, but no `KeyUsage`",
        fix="Write `KeyUsage`, such as `SIGN_VERIFY`.",
        error_messages=(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        ),
        sources=(f"{_KMS}: CreateKey, KeyUsage",),
    ),
    Constraint(
        "E9816",
        _KEY,
        "The usage of a key does not fit its specification.",
        when=All(Present("KeyUsage"), Present("KeySpec")),
        must=All(
            *(
                Either(Not(Matches("KeySpec", specs)), Is("KeyUsage", *usages))
                for specs, usages in _USAGES
            )
        ),
        message="Key {id} has the usage {KeyUsage}, which {KeySpec} does not have",
        fix="Write another `KeyUsage` or `KeySpec`: symmetric keys encrypt, HMAC keys generate "
        "MACs, elliptic curves sign.",
        error_messages=("is not compatible with KeySpec",),
        sources=(f"{_KMS}: CreateKey, KeyUsage",),
    ),
    Constraint(
        "E9817",
        _USES_OF_KEYS,
        "A resource is encrypted with a key that is not symmetric.",
        must=Refers("", _KEY, Is("KeySpec", "SYMMETRIC_DEFAULT", default="SYMMETRIC_DEFAULT")),
        message="{id} is encrypted with a key that is not symmetric",
        fix="Remove `KeySpec` and `KeyUsage` of the key, or use another key.",
        why="AWS services use symmetric keys only.",
        sources=(f"{_KMS}: CreateKey, KeySpec",),
    ),
    Constraint(
        "E9818",
        _USES_OF_KEYS,
        "A resource is encrypted with a disabled key.",
        must=Refers("", _KEY, IsTrue("Enabled", default=True)),
        message="{id} is encrypted with a key that is disabled",
        fix="Remove `Enabled: false` of the key.",
        error_messages=("DisabledException", "KMSInvalidStateException"),
        sources=("AWS KMS developer guide: Key states of AWS KMS keys",),
    ),
    Constraint(
        "E9819",
        "AWS::KMS::Alias",
        "The target of an alias is an alias.",
        must=Not(
            Either(
                IsReference("TargetKeyId", "AWS::KMS::Alias"),
                Matches("TargetKeyId", "alias/.*|arn:[^:]*:kms:[^:]*:[^:]*:alias/.*"),
            )
        ),
        message="The target of alias {id} is an alias",
        fix="Write the ID or the ARN of the key.",
        error_messages=("Aliases must refer to keys. Not aliases",),
        sources=(f"{_KMS}: CreateAlias, TargetKeyId", _PREFLIGHT),
    ),
    Constraint(
        "E9824",
        "AWS::ECS::Service",
        "A task role may not use the key for ECS Exec.",
        when=All(
            IsTrue("EnableExecuteCommand"),
            Refers(
                "Cluster",
                "AWS::ECS::Cluster",
                Refers(
                    "Configuration.ExecuteCommandConfiguration.KmsKeyId",
                    _KEY,
                    All(
                        Present("KeyPolicy.Statement"),
                        # The policy gives no role the permission itself.
                        Each(
                            "KeyPolicy.Statement[*]",
                            Either(
                                All(Absent("Principal.AWS"), Present("Principal.Service")),
                                Each("Principal.AWS[*]", Matches("", _ACCOUNT)),
                            ),
                        ),
                    ),
                ),
            ),
        ),
        must=Refers(
            "TaskDefinition", "AWS::ECS::TaskDefinition", Allows("TaskRoleArn", "kms:Decrypt")
        ),
        message="The task role of service {id} does not allow `kms:Decrypt` on the key for ECS "
        "Exec of its cluster",
        fix="Allow `kms:Decrypt` on the key in a policy of the task role.",
        why="The agent of ECS Exec decrypts the session key with the task role. No session starts.",
        sources=("Amazon ECS developer guide: Using ECS Exec, AWS KMS key",),
    ),
    Constraint(
        "E9830",
        "AWS::SecretsManager::Secret",
        "A secret is encrypted with the AWS managed key of another service.",
        when=StartsWith("KmsKeyId", ("alias/aws/",)),
        must=Is("KmsKeyId", "alias/aws/secretsmanager"),
        message="Secret {id} is encrypted with {KmsKeyId}",
        fix="Remove `KmsKeyId`, or write the ARN of a customer managed key.",
        error_messages=("Access to KMS is not allowed",),
        sources=("AWS Secrets Manager user guide: Secret encryption and decryption", _PREFLIGHT),
    ),
    Constraint(
        "E9838",
        (
            "AWS::Logs::LogGroup KmsKeyId",
            "AWS::ECR::RepositoryCreationTemplate EncryptionConfiguration.KmsKey",
        ),
        "A key is named by its ID where AWS needs the ARN.",
        must=Not(Either(IsReference("", _KEY, "Ref"), IsReference("", _KEY, "KeyId"))),
        message="The key of {id} is named by its ID, not by its ARN",
        fix="Write `!GetAtt <key>.Arn`.",
        error_messages=("Specified key ARN is not valid",),
        sources=(
            "Amazon CloudWatch Logs API reference: CreateLogGroup, kmsKeyId",
            "Amazon ECR API reference: EncryptionConfigurationForRepositoryCreationTemplate",
        ),
    ),
    Constraint(
        "E9820",
        "AWS::KMS::ReplicaKey",
        "A replica of a key is in the region of its primary key.",
        must=Not(
            Either(IsReference("PrimaryKeyArn", _KEY), IsReference("PrimaryKeyArn", _REPLICA))
        ),
        message="The primary key of replica {id} is in the same stack, so in the same region",
        fix="Create the replica in a stack of another region, with the ARN as a parameter.",
        error_messages=("cannot have a replica because it contains the primary.",),
        sources=(f"{_KMS}: ReplicateKey", _PREFLIGHT),
    ),
    Constraint(
        "E9822",
        tuple(f"{kind} KeyPolicy.Statement[*]" for kind in (_KEY, _REPLICA)),
        "The name of a statement of a key policy has letters beyond Latin-1.",
        must=Matches("Sid", r"[\t\n\r\x20-\xff]*"),
        message="A statement in the policy of key {id} is named {Sid}",
        fix="Write Latin letters only.",
        sources=(f"{_KMS}: PutKeyPolicy, Policy", _PREFLIGHT),
    ),
)
