"""YAML files checked against a schema: every fault at once, each with its file and path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from hebbgraph.errors import Fault, Invalid

M = TypeVar("M", bound=BaseModel)

#: What is needed and what to do, by the kind of error pydantic reports; {x} is its context.
TEXTS: Mapping[str, tuple[str, str]] = {
    "missing": ("is needed", "add it"),
    "finite_number": ("must be a finite number", "remove NaN and infinity"),
    "float_type": ("must be a number", "write it without quotes, 1.0e-3 rather than 1e-3"),
    "int_type": ("must be a whole number", "write it without quotes and decimal point"),
    "greater_than_equal": ("must be {ge:g} or more", "check the sign"),
    "string_type": ("must be text", "put it in quotes"),
    "string_too_short": ("must not be empty", "write it"),
    "string_pattern_mismatch": ("must match {pattern}", ""),
    "literal_error": ("must be one of {expected}", ""),
    "model_type": ("must be a mapping of keys to values", "indent its keys below it"),
    "mapping_type": ("must be a mapping of keys to values", "indent its keys below it"),
    "dict_type": ("must be a mapping of keys to values", "indent its keys below it"),
    "too_short": ("must hold at least {min_length}", "add one"),
}


class _Loader(yaml.SafeLoader):
    """The safe loader, refusing a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"key {key.value!r} twice, first in line {seen[key.value]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen[key.value] = line
        return super().construct_mapping(node, deep)


def parse_mapping(raw: bytes, file: str) -> dict[str, Any]:
    """Return the one mapping that the YAML text `raw` holds; `file` is named in errors.

    Raises `Invalid` for text that is not UTF-8 or not YAML (with line and column), a key that
    stands twice, an empty file, or anything but a mapping at the top.
    """
    try:
        data = yaml.load(raw.decode(), Loader=_Loader)
    except UnicodeDecodeError as error:
        fault = Fault(
            file, f"byte {error.start} is not UTF-8", "must be UTF-8 text", "save it anew"
        )
        raise Invalid(file, [fault]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(file, [_syntax_fault(file, error)]) from error
    if data is None:
        fault = Fault(file, "an empty file", "must be a mapping of keys to values", "restore it")
        raise Invalid(file, [fault])
    if not isinstance(data, dict):
        need = "must be a mapping of keys to values at the top"
        raise Invalid(file, [Fault(file, f"a {type(data).__name__}", need, "write key: value")])
    return data


def lines_of(raw: bytes) -> dict[str, int]:
    """Return the line of every key and item in a YAML text that `parse_mapping` took, by path."""
    lines: dict[str, int] = {}
    waiting = [("", yaml.compose(raw.decode(), Loader=_Loader))]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:  # an alias, perhaps to what holds it
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            entries = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            entries = [(str(i), item, item) for i, item in enumerate(node.value)]
        else:
            continue
        for name, mark, value in entries:
            below = f"{path}.{name}" if path else name
            lines[below] = mark.start_mark.line + 1
            waiting.append((below, value))
    return lines


def _syntax_fault(file: str, error: Exception) -> Fault:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}: line {mark.line + 1}, column {mark.column + 1}" if mark else file
    got = getattr(error, "problem", None) or str(error).splitlines()[0]
    remedy = "remove one of the two" if " twice, " in got else "check quotes, colons, indentation"
    return Fault(where, got, "must be valid YAML, each key once", remedy)


def check(model: type[M], data: Mapping[str, Any]) -> tuple[M | None, list[Fault]]:
    """Return `data` as `model`, or None and every fault, each at its dotted path in `data`."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_fault(model, data, dict(e)) for e in error.errors(include_url=False)]


def _fault(model: type[BaseModel], data: Any, error: dict[str, Any]) -> Fault:
    kind, where = error["type"], _dotted(data, error["loc"])
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys(model, error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        remedy = f"write {close[0]}, or remove it" if close else "remove it"
        return Fault(where, "an unknown key", f"keys here are: {', '.join(known)}", remedy)
    got = "nothing" if kind == "missing" else _short(error["input"])
    need, remedy = TEXTS.get(kind, (error["msg"], ""))
    return Fault(where, got, need.format(**context), context.get("remedy", remedy))


def _dotted(data: Any, loc: tuple[Any, ...]) -> str:
    """Return the path as the file has it: no index where one item stands for a list of one."""
    parts: list[str] = []
    for part in loc:
        if isinstance(part, int) and not isinstance(data, list | Mapping):
            continue
        if part == "[key]" or (isinstance(part, int) and isinstance(data, Mapping)):
            continue
        parts.append(str(part))
        inside = isinstance(data, Mapping) and part in data
        in_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        data = data[part] if inside or in_list else None
    return ".".join(parts)


def _keys(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """Return the keys that the schema has at `loc`."""
    at: Any = model
    for part in loc:
        at = _plain(at)
        if isinstance(at, type) and issubclass(at, BaseModel):
            at = at.model_fields[str(part)].annotation
        else:
            at = get_args(at)[0 if isinstance(part, int) else 1]
    at = _plain(at)
    return list(at.model_fields)


def _plain(annotation: Any) -> Any:
    """Return an annotation without its metadata and without None."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        options = [a for a in get_args(annotation) if a is not type(None)]
        annotation = options[0]
    return annotation


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
