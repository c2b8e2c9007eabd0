"""A table of Amazon DynamoDB, or an existing one.

    orders:
      template: table
      partition_key: customer
      sort_key: {name: created, type: number}
      indexes:
        by-state: {partition_key: state, sort_key: {name: created, type: number}}
    web:
      template: service
      uses: {orders: [read, write]}

The containers of `web` get the name of the table as `ORDERS_TABLE`, and its task role may read and
write the items. The table is billed by request and has point-in-time recovery. It is protected from
deletion, and stays when its stack is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from awacs import dynamodb as actions
from awacs import kms
from awacs.aws import Statement
from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from troposphere import GetAtt, Ref, Sub, Template, dynamodb

from moorage.facts.dynamodb_tables import (
    ATTRIBUTE_NAME,
    INDEX_NAME,
    MAX_INDEXES,
    MAX_PROJECTED_ATTRIBUTES,
    TABLE_NAME,
)
from moorage.findings.finding import Path, Problem
from moorage.model import Base, Environment
from moorage.references import Reference

from .common.existing import existing_problems
from .common.exports import export_output, import_value
from .common.fields import KeyArn, UniqueList, text
from .common.iam import allow
from .common.references import External, sub_values
from .common.regions import key_region_problems
from .common.usable import Usable, Usage

AttributeName = Annotated[str, text(ATTRIBUTE_NAME, "a name of at most 255 characters", "customer")]
IndexName = Annotated[
    str,
    text(INDEX_NAME, "a name of 3 to 255 letters, digits, `-`, `_` and `.`", "by-state"),
]
TableName = Annotated[
    str,
    text(TABLE_NAME, "the name of a table", "orders"),
]

_TYPES = {"string": "S", "number": "N", "binary": "B"}


class Key(Base):
    """An attribute of the key of a table or an index."""

    name: AttributeName = Field(description="Name of the attribute.")
    type: Literal["string", "number", "binary"] = Field(
        "string", description="Type of the attribute."
    )


class _KeySchema:
    """JSON Schema of a key, which may be written as its name alone."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


KeyField = Annotated[
    Key,
    BeforeValidator(lambda value: {"name": value} if isinstance(value, str) else value),
    _KeySchema(),
]
"""The name of an attribute that is text, or a map with name and type."""


class Index(Base):
    """A global secondary index, which has all attributes of the items by default."""

    partition_key: KeyField = Field(examples=["state"], description="Partition key of the index.")
    sort_key: KeyField | None = Field(None, description="Sort key of the index.")
    attributes: UniqueList[AttributeName] | None = Field(
        None,
        max_length=MAX_PROJECTED_ATTRIBUTES,
        description="Attributes that the index has besides the keys, if not all; `[]` for none.",
    )


class ExistingTable(Base):
    """A table that already exists in the account and region."""

    name: External[TableName] = Field(description="Name of the table.")
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the customer managed KMS key that encrypts it, if there is one."
    )


class Params(Usable):
    """A table that is billed by request, with point-in-time recovery."""

    key_use: ClassVar[str | None] = "tables"
    accesses: ClassVar[tuple[str, ...]] = ("read", "write")
    endpoints: ClassVar[tuple[str, ...]] = ("dynamodb",)

    partition_key: KeyField | None = Field(
        None,
        examples=["customer", {"name": "id", "type": "number"}],
        description="Partition key: the name of an attribute that is text, or a map with name and "
        "type. Changing it replaces the table.",
    )
    sort_key: KeyField | None = Field(None, description="Sort key. Changing it replaces the table.")
    indexes: dict[IndexName, Index] = Field(
        {},
        max_length=MAX_INDEXES,
        examples=[{"by-state": {"partition_key": "state"}}],
        description="Global secondary indexes by name. DynamoDB adds or removes one index with "
        "each deployment.",
    )
    expire_at: AttributeName | None = Field(
        None,
        examples=["expires"],
        description="Attribute with the time, in seconds since 1970, at which DynamoDB deletes an "
        "item (time to live).",
    )
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of a KMS key that encrypts the table, instead of a key of DynamoDB."
    )
    keep: bool = Field(
        True,
        description="Protect the table from deletion, and keep it when its stack is deleted.",
    )
    existing: ExistingTable | None = Field(None, description="Use a table that already exists.")

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The name of the table, and permissions on the table and its indexes."""
        if self.existing:
            name: Any = self.existing.name
            arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
            table: Any = sub_values(arn, Table=name)
            indexes: Any = sub_values(f"{arn}/index/*", Table=name)
            key = self.existing.kms_key
        else:
            name = import_value(env, stack, "TableName")
            table = import_value(env, stack, "TableArn")
            indexes = Sub("${Table}/index/*", Table=table) if self.indexes else None
            key = self.kms_key
        statements = [
            *(_read_statements(table, indexes) if "read" in access else ()),
            *(_write_statements(table) if "write" in access else ()),
            *(_key_statements(key, access) if key else ()),
        ]
        return Usage(variables={"TABLE": name}, statements=tuple(statements))


def _read_statements(table: Any, indexes: Any) -> Iterator[Statement]:
    """Service Authorization Reference, Amazon DynamoDB. Libraries that map items to objects call
    DescribeTable first."""
    yield allow(
        "ReadItems",
        [
            actions.BatchGetItem,
            actions.ConditionCheckItem,
            actions.DescribeTable,
            actions.GetItem,
            actions.Query,
            actions.Scan,
        ],
        [table],
    )
    if indexes is not None:
        yield allow("ReadIndexes", [actions.Query, actions.Scan], [indexes])


def _write_statements(table: Any) -> Iterator[Statement]:
    yield allow(
        "WriteItems",
        [
            actions.BatchWriteItem,
            actions.DeleteItem,
            actions.DescribeTable,
            actions.PutItem,
            actions.UpdateItem,
        ],
        [table],
    )


def _key_statements(key: str | Reference, access: frozenset[str]) -> Iterator[Statement]:
    """DynamoDB uses a customer managed key with the permissions of the caller. The actions are
    those that the AWS CDK grants (aws/aws-cdk, aws-dynamodb/lib/perms.ts)."""
    read = [kms.Decrypt, kms.DescribeKey]
    write = [
        kms.Encrypt,
        kms.GenerateDataKey,
        kms.GenerateDataKeyWithoutPlaintext,
        kms.ReEncryptFrom,
        kms.ReEncryptTo,
    ]
    yield allow("UseKey", [*read, *(write if "write" in access else [])], [key])


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a table."""
    if params.existing:
        yield from existing_problems(params, "table")
        key = params.existing.kms_key
        yield from key_region_problems(key, ("existing", "kms_key"), env)
        return
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
    if params.partition_key is None:
        message = "The table has no partition key"
        hint = "Add the attribute that identifies an item, such as `partition_key: id`, or write "
        hint += "`existing: {name: ...}`."
        yield Problem("M3608", (), message, hint)
    yield from _key_problems(params)


def _keys(params: Params) -> Iterator[tuple[Path, Key]]:
    """The keys of the table and its indexes, with their paths."""
    holders: list[tuple[Path, Params | Index]] = [((), params)]
    holders += [(("indexes", name), index) for name, index in params.indexes.items()]
    for path, holder in holders:
        for field in ("partition_key", "sort_key"):
            if key := getattr(holder, field):
                yield (*path, field), key


def _key_problems(params: Params) -> Iterator[Problem]:
    """Keys with the same attribute: two types of it, or twice in one key."""
    first: dict[str, tuple[Path, Key]] = {}
    in_key: dict[tuple[Path, str], Path] = {}
    for path, key in _keys(params):
        other_path, other = first.setdefault(key.name, (path, key))
        if (path[:-1], key.name) in in_key:
            message = f"The attribute `{key.name}` is both partition key and sort key"
            hint = "Use another attribute for one of them, or remove `sort_key`."
            because = [in_key[path[:-1], key.name]]
            yield Problem("M3609", path, message, hint, because=because)
        elif other.type != key.type:
            message = f"The attribute `{key.name}` is {key.type} here, but {other.type} in another "
            message += "key"
            hint = f"Write `{{name: {key.name}, type: {other.type}}}`, or use another attribute."
            yield Problem("M3609", path, message, hint, because=[other_path])
        in_key[path[:-1], key.name] = path


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The table; None for an existing one."""
    if params.existing:
        return None
    template = Template(f"{env.app} {env.name}: the table `{name}`")
    template.set_version()
    template.add_resource(_table(params))
    arn = GetAtt("Table", "Arn")
    template.add_output(
        [
            export_output(env, name, "TableName", Ref("Table"), "Name of the table"),
            export_output(env, name, "TableArn", arn, "ARN of the table"),
        ]
    )
    return template


def _table(params: Params) -> dynamodb.Table:
    """The table. With `keep`, it is deleted only when its own creation is rolled back."""
    optional: dict[str, Any] = {
        "DeletionProtectionEnabled": params.keep or None,
        "GlobalSecondaryIndexes": [
            _index(name, index) for name, index in sorted(params.indexes.items())
        ],
        "SSESpecification": _encryption(params.kms_key),
        "TimeToLiveSpecification": _time_to_live(params.expire_at),
    }
    types = {key.name: key.type for _, key in _keys(params)}
    return dynamodb.Table(
        "Table",
        DeletionPolicy="RetainExceptOnCreate" if params.keep else "Delete",
        UpdateReplacePolicy="Retain" if params.keep else "Delete",
        AttributeDefinitions=_attribute_definitions(types),
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_key_schema(params.partition_key, params.sort_key),
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
            PointInTimeRecoveryEnabled=True
        ),
        **{key: value for key, value in optional.items() if value},
    )


def _attribute_definitions(types: Mapping[str, str]) -> list[dynamodb.AttributeDefinition]:
    return [
        dynamodb.AttributeDefinition(AttributeName=name, AttributeType=_TYPES[type_])
        for name, type_ in sorted(types.items())
    ]


def _key_schema(partition: Key | None, sort: Key | None) -> list[dynamodb.KeySchema]:
    keys = (("HASH", partition), ("RANGE", sort))
    return [
        dynamodb.KeySchema(AttributeName=key.name, KeyType=key_type)
        for key_type, key in keys
        if key is not None
    ]


def _index(name: str, index: Index) -> dynamodb.GlobalSecondaryIndex:
    projection = dynamodb.Projection(ProjectionType="ALL")
    if index.attributes is not None:
        projection = dynamodb.Projection(ProjectionType="KEYS_ONLY")
    if index.attributes:
        projection = dynamodb.Projection(
            ProjectionType="INCLUDE", NonKeyAttributes=sorted(index.attributes)
        )
    return dynamodb.GlobalSecondaryIndex(
        IndexName=name,
        KeySchema=_key_schema(index.partition_key, index.sort_key),
        Projection=projection,
    )


def _encryption(key: str | Reference | None) -> dynamodb.SSESpecification | None:
    if key is None:
        return None
    return dynamodb.SSESpecification(SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=key)


def _time_to_live(attribute: str | None) -> dynamodb.TimeToLiveSpecification | None:
    if attribute is None:
        return None
    return dynamodb.TimeToLiveSpecification(AttributeName=attribute, Enabled=True)
