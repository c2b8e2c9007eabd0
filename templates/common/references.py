"""Fields that take a literal value, or a reference to a value of another stack or from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeVar, get_args

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, core_schema
from troposphere import AWSHelperFn, ImportValue, Join, Select, Split, Sub

from moorage.facts.dynamic_references import EXPORT_NAME, PARAMETER_AND_VERSION, ssm_reference
from moorage.facts.return_kinds import ANY_ARN
from moorage.findings.wording import as_flow, join_and, near, shown
from moorage.model import Base, Environment, wrong
from moorage.records import record
from moorage.references import (
    ImportForm,
    ObjectForm,
    Reference,
    ReferenceForm,
    SecretForm,
    is_reference,
)

from .fields import TextForm

T = TypeVar("T")

_KEYS = ("stack", "output", "export", "ssm", "key")
_FORMS = {
    "stack": "{stack: NAME, output: NAME}",
    "export": "{export: NAME}",
    "ssm": "{ssm: /NAME}",
}


@record
class _Referable:
    """Annotation of a value that can be a reference."""

    form: type[Base] = ReferenceForm
    what: str = ""
    """What the reference must be, if that is not what the literal is."""
    example: str = ""
    needs_key: bool = False

    @property
    def _keys(self) -> list[str]:
        return [key for key in _KEYS if key in self.form.model_fields]

    def _validate(
        self,
        value: Any,
        literal: ValidatorFunctionWrapHandler,
        info: ValidationInfo,
        kind: tuple[str, str],
    ) -> Any:
        if is_reference(value):
            return self._parse(value, info, kind)
        if isinstance(value, Mapping):
            self._refuse_map(value)
        # Sidecars are containers too: their values have been validated, or are functions.
        return value if isinstance(value, AWSHelperFn) else literal(value)

    def _parse(
        self, value: Mapping[str, Any], info: ValidationInfo, kind: tuple[str, str]
    ) -> Reference:
        if "ssm" in value and "ssm" not in self._keys:
            self._refuse_parameter()
        for key, text in value.items():
            if key not in self._keys:
                guess = near(str(key), self._keys)
                hint = f"Did you mean `{guess}`?" if guess else f"Write {self._forms()}."
                here = "" if guess else " here"
                raise wrong("M1900", f"A reference has no key {shown(key)}{here}", hint)
            if not isinstance(text, str) or not text:
                message = f"`{key}` must be a text, not {shown(text)}"
                raise wrong("M1900", message, f"Write {self._forms()}.")
        sources = [source for source in ("stack", "export", "ssm") if source in value]
        if len(sources) > 1 or ("output" in value and sources not in ([], ["stack"])):
            both = sources if len(sources) > 1 else ["output", *sources]
            names = join_and(f"`{key}`" for key in both)
            raise wrong("M1900", f"{names} name two values", f"Write {self._forms()}.")
        for key in ("stack", "output") if not sources or sources == ["stack"] else ():
            if key not in value:
                raise wrong("M1900", f"`{key}` is missing", f"Write `{_FORMS['stack']}`.")
        if self.needs_key and "key" not in value:
            whole = {**value, "key": "shop/web.env"}
            hint = f"Write `{as_flow({key: whole[key] for key in _KEYS if key in whole})}`."
            raise wrong("M1900", "`key` is missing, the name of the object in the bucket", hint)
        if issubclass(self.form, SecretForm) and ":" in value.get("key", ""):
            message = "`key` is the key in the secret's JSON, and cannot contain a colon"
            raise wrong("M1900", message, "Write the key alone, such as `key: password`.")
        return Reference(dict(value), _data(value, info), *kind)

    def _refuse_map(self, value: Mapping[str, Any]) -> NoReturn:
        """Reports a map that is neither a value nor a reference."""
        for key in value:
            if guess := near(str(key), self._keys):
                message, hint = f"A reference has no key {shown(key)}", f"Did you mean `{guess}`?"
                raise wrong("M1900", message, hint)
        message = "A map is neither a value nor a reference"
        raise wrong("M1900", message, f"Write the value itself, {self._forms()}.")

    def _refuse_parameter(self) -> NoReturn:
        message = "`ssm` cannot be used here: a part of the value is needed, and CloudFormation "
        message += "reads parameters only after it has evaluated functions such as `Fn::Split`"
        raise wrong("M1903", message, f"Write the value itself, {self._forms()}.")

    def _forms(self) -> str:
        forms = [f"`{_FORMS[key]}`" for key in ("stack", "export", "ssm") if key in self._keys]
        return f"{', '.join(forms[:-1])} or {forms[-1]}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        literal = get_args(source)[0]
        forms = [part for part in get_args(literal) if isinstance(part, TextForm)]
        own = (forms[0].what, forms[0].example) if forms else ("", "")
        kind = (self.what, self.example) if self.what else own

        def validate(value: Any, inner: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
            return self._validate(value, inner, info, kind)

        return core_schema.with_info_wrap_validator_function(
            validate, handler.generate_schema(literal)
        )

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [handler(core)], "reference": self.form.__name__}


def _data(value: Mapping[str, str], info: ValidationInfo) -> Any:
    """What the template has in place of the reference."""
    if "ssm" in value:
        _check_form(value["ssm"], PARAMETER_AND_VERSION, "a parameter", "/shared/vpc-id")
        return ssm_reference(value["ssm"])
    if "export" in value:
        _check_form(value["export"], EXPORT_NAME, "an export", "shared-VpcId")
        return ImportValue(value["export"]).data
    export_name = (info.context or {})["export_name"]
    return ImportValue(export_name(value["stack"], value["output"])).data


def _check_form(text: str, pattern: str, what: str, example: str) -> None:
    if not re.fullmatch(pattern, text):
        message = f"{shown(text)} is not the name of {what}"
        raise wrong("M1503", message, f"Write for example `{example}`.")


External = Annotated[T | Reference, _Referable()]
"""A literal value, or a reference: `vpc: External[VpcId]`."""

Importable = Annotated[T | Reference, _Referable(ImportForm)]
"""A literal value, or a value that another stack exports. For values that are taken apart."""

_SECRET = (
    "the ARN of a secret in Secrets Manager",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf",
)
ExternalSecret = Annotated[T | Reference, _Referable(SecretForm, *_SECRET)]
"""A literal reference to a secret, or a reference to the secret's ARN."""

WholeExternalSecret = Annotated[T | Reference, _Referable(ReferenceForm, *_SECRET)]
"""An ExternalSecret, of which no key is needed."""

_BUCKET = ("the ARN of a bucket", "arn:aws:s3:::my-bucket")
ExternalObject = Annotated[T | Reference, _Referable(ObjectForm, *_BUCKET, needs_key=True)]
"""The ARN of an object in a bucket, or a reference to the ARN of the bucket, with a `key`."""


_ANY_ARN = (ANY_ARN, "arn:aws:s3:::my-bucket")
ExternalResource = Annotated[T | Reference, _Referable(ObjectForm, *_ANY_ARN)]
"""The ARN of a resource, or a reference to it. A `key` follows the ARN and a slash."""


def sub_values(text: str, **values: str | Reference) -> Sub:
    """`Fn::Sub` of a text with `${Name}` for each of the values. Texts are written into it."""
    for name, value in values.items():
        if isinstance(value, str):
            text = text.replace(f"${{{name}}}", value)
    references = {name: value for name, value in values.items() if not isinstance(value, str)}
    return Sub(text, **references)


def output_of(env: Environment, stack: str, output: str) -> Reference:
    """A reference to an output of a stack."""
    data = ImportValue(env.export_name(stack, output)).data
    return Reference({"stack": stack, "output": output}, data)


def object_arn(file: str | Reference) -> Any:
    """The ARN of an object in a bucket, of an ExternalObject or ExternalResource."""
    return file if isinstance(file, str) or not file.key else Join("", [file, f"/{file.key}"])


def bucket_arn(file: str | Reference) -> str | Reference:
    """The ARN of the bucket of an ExternalObject."""
    return file.split("/")[0] if isinstance(file, str) else file.without_key()


def id_words(value: str | Reference) -> list[str]:
    """Words for a logical ID."""
    return [value] if isinstance(value, str) else value.words


def arn_field(arn: str | Reference, index: int) -> Any:
    """A part of an ARN between colons, counted from 0. A reference must be Importable."""
    return arn.split(":")[index] if isinstance(arn, str) else Select(index, Split(":", arn))
