"""JSON files as frozen dataclasses, read strictly: an unknown, missing or wrongly typed key is an error."""

import dataclasses
import json
import os
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from pavdm_cli import whole
from pavdm_cli.errors import ConfigError

Config = TypeVar("Config")


def read(cls: type[Config], path: Path) -> Config:
    """Read the dataclass `cls` from a JSON object.

    Fields are bool, int, float, str, Path, Literal, another dataclass, tuples of these (JSON lists), or one
    of these `| None`, or one of several dataclasses, told apart by their `kind`.
    A field with a default may be left out. What values are allowed is for the
    class's own `__post_init__` to check, which raises ConfigError.

    Raises:
        ConfigError: the file is missing or not JSON, or a key is unknown, missing, doubled or wrongly typed.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a JSON file ({error}); restore or correct it") from error
    try:
        return parse(cls, found)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(cls: type[Config], found: object) -> Config:
    """Read the dataclass `cls` from JSON that is loaded already, as `read` does.

    Raises:
        ConfigError: a key is unknown, missing or wrongly typed.
    """
    return cast(Config, _value(cls, found, ""))


def write(config: object, path: Path) -> None:
    """Write a dataclass instance as the JSON that `read` takes, beside the target and then renamed."""
    assert dataclasses.is_dataclass(config) and not isinstance(config, type)
    write_json(path, dataclasses.asdict(config))


def write_json(path: Path, found: object, indent: int | None = 2) -> None:
    """Write JSON beside the target, then rename; numbers must be finite, and paths become texts."""
    text = json.dumps(found, indent=indent, default=os.fspath, allow_nan=False)
    whole.write(path, f"{text}\n".encode(), flush=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key given twice: {next(n for n in names if names.count(n) > 1)}")
    return found


def _value(kind: Any, found: object, key: str) -> object:
    """Check one value against its type; `key` is its dotted place in the file, empty at the top."""
    if dataclasses.is_dataclass(kind):
        return _instance(cast(type, kind), found, key)
    if get_origin(kind) is UnionType:
        if found is None and NoneType in get_args(kind):
            return None
        return _value(_chosen(get_args(kind), found, key), found, key)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), found, key)
    if get_origin(kind) is Literal:
        if not any(found == choice and type(found) is type(choice) for choice in get_args(kind)):
            raise ConfigError(f"{key} is {found!r}; choose from {', '.join(map(repr, get_args(kind)))}")
        return found
    if kind is float and type(found) is int:
        return float(found)
    if kind is Path and type(found) is str and "\0" not in found:
        return Path(found)
    if type(found) is not kind:
        raise ConfigError(f"{key or 'the file'} is {found!r}; write {_called(kind)}")
    return found


def _chosen(kinds: tuple[Any, ...], found: object, key: str) -> Any:
    """Return the one of several dataclasses whose default `kind` is the one found; a single one as it is."""
    named = {one.kind: one for one in kinds if dataclasses.is_dataclass(one) and hasattr(one, "kind")}
    if len(named) < 2:
        return kinds[0]
    said = found.get("kind") if isinstance(found, dict) else None
    if said not in named:
        raise ConfigError(f"{key}.kind is {said!r}; choose from {', '.join(map(repr, named))}")
    return named[said]


def _instance(cls: type, found: object, key: str) -> object:
    if not isinstance(found, dict):
        raise ConfigError(
            f"{key or 'the file'} is {found!r}; write an object with the keys of {cls.__name__}"
        )
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    place = f"{key}." if key else ""
    unknown = [place + name for name in found if name not in fields]
    if unknown:
        raise ConfigError(f"unknown key {', '.join(unknown)}; known are {', '.join(fields)}")
    missing = [place + name for name, field in fields.items() if name not in found and not _optional(field)]
    if missing:
        raise ConfigError(f"missing key {', '.join(missing)}; add it")
    types = get_type_hints(cls)
    return cls(**{name: _value(types[name], value, place + name) for name, value in found.items()})


def _optional(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _tuple(kinds: tuple[Any, ...], found: object, key: str) -> tuple[object, ...]:
    if not isinstance(found, list):
        raise ConfigError(f"{key} is {found!r}; write a list")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(found)
    if len(kinds) != len(found):
        raise ConfigError(f"{key} has {len(found)} entries; write {len(kinds)}")
    return tuple(
        _value(kind, one, f"{key}[{i}]") for i, (kind, one) in enumerate(zip(kinds, found, strict=True))
    )


def _called(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path in quotes"}
    return words.get(kind, "a text in quotes")
