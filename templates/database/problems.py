"""Problems of the params of a database."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.facts.databases import (
    CLASSES_WITHOUT_INSIGHTS,
    MAX_IDENTIFIER,
    MAX_SIZE_FACTOR,
    RESERVED_NAMES,
)
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_or, near
from moorage.model import Environment

from ..common.days import whole_days_problems
from ..common.existing import existing_problems
from ..common.regions import key_region_problems, region_problems
from ..network import private_subnet_problems
from .params import Aurora, Params


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of combinations of params, and of values that do not fit engine or region."""
    if found := params.existing:
        yield from existing_problems(params, "database", ("engine", "rotation"))
        yield from region_problems(found.secret, ("existing", "secret"), env, "secret")
        yield from key_region_problems(found.kms_key, ("existing", "kms_key"), env)
        return
    yield from private_subnet_problems(env, params.network, "database")
    yield from _identifier_problems(env.stack_name(name))
    yield from _engine_problems(params)
    yield from _name_problems(name, params)
    if params.aurora is None:
        yield from _storage_problems(params)
    else:
        yield from _aurora_problems(params, params.aurora)
    yield from _insights_problems(params)
    yield from whole_days_problems(params.backups, ("backups",))
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
    if params.logs:
        yield from key_region_problems(params.logs.kms_key, ("logs", "kms_key"), env)


def _identifier_problems(identifier: str) -> Iterator[Problem]:
    if len(identifier) > MAX_IDENTIFIER:
        message = (
            f"The identifier of the database is `{identifier}`, which has {len(identifier)} "
            "characters"
        )
        hint = f"Shorten the name of the stack: RDS allows {MAX_IDENTIFIER} characters."
        yield Problem("M3651", (), message, hint)


def _engine_problems(params: Params) -> Iterator[Problem]:
    engine = params.engine_facts
    product = f"{'Aurora' if params.aurora is not None else 'RDS'} with `{params.engine}`"
    if params.major_version not in engine.versions:
        versions = join_or(f'`"{version}"`' for version in engine.versions)
        message = f"{product} has no major version `{params.version}`"
        hint = f"Write {versions}."
        because = [("engine",), ("aurora",)]
        yield Problem("M3652", ("version",), message, hint, because=because)
    if params.instance_class and not engine.has_class(params.instance_class):
        message = f"{product} has no instance class `{params.instance_class}`"
        closest = near(params.instance_class, engine.all_classes)
        hint = f"Did you mean `{closest}`?" if closest else "Write for example `db.r8g.large`."
        because = [("engine",), ("aurora",)]
        yield Problem("M3653", ("instance_class",), message, hint, because=because)


def _name_problems(stack: str, params: Params) -> Iterator[Problem]:
    reserved = RESERVED_NAMES[params.engine]
    name = params.database_name(stack)
    if name.lower() in reserved:
        path: Path = ("name",) if params.name else ()
        message = f"`{name}` cannot be the name of a database of `{params.engine}`"
        yield Problem("M3654", path, message, f"Write another `name`, such as `{name}_data`.")
    if params.user.lower() in reserved:
        message = f"`{params.user}` cannot be a user of `{params.engine}`"
        yield Problem("M3654", ("user",), message, "Write another name, such as `dbadmin`.")


def _storage_problems(params: Params) -> Iterator[Problem]:
    size, max_size = params.storage.size, params.storage.max_size
    if max_size is None or max_size == size:
        return
    least = int(-(-size * MAX_SIZE_FACTOR // 1))
    if max_size < least:
        message = f"Storage of {size} GiB cannot have a `max_size` of {max_size} GiB"
        hint = f"Write {least} or more, or {size} for storage that does not grow."
        because = [("storage", "size")]
        yield Problem("M3655", ("storage", "max_size"), message, hint, because=because)


def _aurora_problems(params: Params, aurora: Aurora) -> Iterator[Problem]:
    hints = {
        "storage": "Remove `storage`: Aurora's storage grows by itself.",
        "multi_az": "Remove `multi_az`, and write `aurora: {readers: 1}`.",
    }
    for key in sorted(params.model_fields_set & hints.keys()):
        if getattr(params, key) is not False:
            message = f"`{key}` has no effect with `aurora`"
            yield Problem("M3656", (key,), message, hints[key], because=[("aurora",)])
    if aurora.capacity and params.instance_class:
        message = "The instances have a class with a fixed capacity, and also `capacity`"
        hint = "Remove `capacity`, or remove `instance_class`."
        because: list[Path] = [("instance_class",)]
        yield Problem("M3657", ("aurora", "capacity"), message, hint, because=because)
    elif (capacity := params.capacity) and capacity.max < max(capacity.min, 1):
        least = f"{max(capacity.min, 1):g}"
        message = f"The greatest capacity cannot be {capacity.max:g} ACUs"
        if capacity.max >= 1:
            message += f" if the least one is {capacity.min:g}"
        because = [("aurora", "capacity", "min")]
        path = ("aurora", "capacity", "max")
        yield Problem("M3658", path, message, f"Write {least} or more.", because=because)


def _insights_problems(params: Params) -> Iterator[Problem]:
    if params.insights and params.database_class in CLASSES_WITHOUT_INSIGHTS[params.engine]:
        message = f"`{params.database_class}` does not support Database Insights with MySQL"
        hint = "Remove `insights`, or write a class such as `db.t4g.medium`."
        because = [("instance_class",)]
        yield Problem("M3660", ("insights",), message, hint, because=because)
