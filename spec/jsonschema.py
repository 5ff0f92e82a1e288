"""The language as JSON Schema, shaped for editors: what pydantic says, minus its noise, plus our docstrings."""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from tunewright.spec.model.document import API_VERSION, Spec
from tunewright.spec.model.train import Parallelism, Train, Tuner
from tunewright.spec.shaping import shape_for_editors
from tunewright.spec.vocabulary import SHORT_FORMS

DIALECT = "http://json-schema.org/draft-07/schema#"

#: Short forms that pydantic's schema does not know: section, field, the section behind it, its key, other words.
_SHORT_FORMS: tuple[tuple[type[BaseModel], str, type[BaseModel], str, tuple[str, ...]], ...] = (
    (Train, "tuner", Tuner, *SHORT_FORMS[Tuner]),
    (Train, "parallelism", Parallelism, *SHORT_FORMS[Parallelism]),
)


def schema() -> dict[str, Any]:
    """Return the schema as a JSON object (draft-07)."""
    raw = Spec.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    sections = _sections(Spec)
    definitions = {name: _section(body, sections.get(name)) for name, body in raw.pop("$defs").items()}
    for model, field, inner, key, more in _SHORT_FORMS:
        _allow_short(definitions, model, field, inner, key, more)
    root = _section(raw, Spec)
    shape_for_editors({**definitions, Spec.__name__: root})
    return {
        "$schema": DIALECT,
        "title": f"Tunewright life-cycle spec ({API_VERSION})",
        **{name: value for name, value in root.items() if name != "title"},
        "definitions": definitions,
    }


def schema_text() -> str:
    """Return the schema as text, keys in a stable order."""
    return json.dumps(schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstring below each field of a section says, by the field's written name.

    Read from the source: pydantic's own reading of it would slow down every start of the program.
    """
    tree = ast.parse(inspect.getsource(model).lstrip())
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    texts: dict[str, str] = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (words := _text_of(text)):
            info = model.model_fields.get(field.target.id)
            texts[info.alias if info is not None and info.alias else field.target.id] = words
    return texts


def _text_of(statement: ast.stmt) -> str:
    constant = statement.value if isinstance(statement, ast.Expr) else None
    is_text = isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    return " ".join(ast.literal_eval(constant).split()) if is_text and constant is not None else ""


def _sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    waiting = [model]
    while waiting:
        current = waiting.pop()
        if current.__name__ not in found:
            found[current.__name__] = current
            waiting += [inner for field in current.model_fields.values() for inner in _models_in(field.annotation)]
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def _section(body: dict[str, Any], model: type[BaseModel] | None) -> dict[str, Any]:
    shaped: dict[str, Any] = _shaped(body)
    texts = field_texts(model) if model is not None else {}
    for name, prop in shaped.get("properties", {}).items():
        if name in texts:
            # Beside `$ref` draft-07 reads nothing: the reference goes into an `allOf`.
            if "$ref" in prop:
                shaped["properties"][name] = {"allOf": [prop], "description": texts[name]}
            else:
                prop["description"] = texts[name]
    return shaped


def _shaped(value: Any) -> Any:
    """Take off what disturbs editors: titles, defaults of nothing, `X or null`, one-valued constants."""
    if isinstance(value, list):
        return [_shaped(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _shaped(item) for name, item in value.items() if not _is_noise(name, item)}
    if isinstance(value.get("properties"), dict):
        # Keys of `properties` are words of the language (`title` might be one), not keywords.
        kept["properties"] = {name: _shaped(item) for name, item in value["properties"].items()}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    choices = [item for item in kept.get("anyOf", ()) if item != {"type": "null"}]
    if "anyOf" in kept and len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
    if kept.get("type") == "array":
        kept = _one_or_many(kept)
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)
    return kept


def _is_noise(name: str, value: Any) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value in (None, [], {}))


def _one_or_many(array: dict[str, Any]) -> dict[str, Any]:
    """Lists of names and texts may be written as one (`data: tickets`).

    pydantic shows those, and only those, as arrays with the bound of a text: the check in front hides the list from it.
    """
    if "minLength" not in array:
        return array
    items = array["items"]
    many = {**array, "minItems": array["minLength"]}
    del many["minLength"]
    return {"anyOf": [items, many]}


def _allow_short(
    definitions: dict[str, Any],
    model: type[BaseModel],
    field: str,
    inner: type[BaseModel],
    key: str,
    more: tuple[str, ...],
) -> None:
    prop = definitions[model.__name__]["properties"][field]
    words = definitions[inner.__name__]["properties"][key]["enum"]
    text = prop.get("description", "")
    definitions[model.__name__]["properties"][field] = {
        "anyOf": [{"type": "string", "enum": [*more, *words]}, {"$ref": f"#/definitions/{inner.__name__}"}],
        **({"description": text} if text else {}),
    }
