"""What editors need beyond a plain JSON Schema: texts for values, skeletons, references, and refusals that say why.

The extra keywords (`errorMessage`, `enumDescriptions`, `defaultSnippets`, ...) are those of VS Code and of
yaml-language-server; other readers of draft-07 pass over them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tunewright.spec import methods, tuners
from tunewright.spec.meanings import MEANINGS
from tunewright.spec.model.document import VERBS
from tunewright.spec.model.section import NAME_PATTERN
from tunewright.spec.snippets import SNIPPETS
from tunewright.spec.vocabulary import SUCCESSORS

Json = dict[str, Any]

#: Sections by name, as `definitions` holds them, and the root as `Spec`.
Sections = Mapping[str, Json]

_REFERENCE = r"\$\{env:[A-Za-z_][A-Za-z0-9_]{0,63}\}"
_SECRET = r"^\$\{(secret|env):[A-Za-z_][A-Za-z0-9_]{0,63}\}$"  # noqa: S105 - the form of a reference, no secret
_SECRET_FIELDS = (("Base", "token"), ("Deploy", "api_key"))
_DURATIONS = (
    ("Step", "timeout"), ("Approve", "expires"), ("Canary", "hold"), ("Objectives", "p95_latency"),
)  # fmt: skip
_DURATION = rf"^(\s*\d+(\.\d+)?\s*(d|h|m|s|ms))+\s*$|{_REFERENCE}"
_SIZE = rf"^\s*\d+(\.\d+)?\s*(MiB|GiB|TiB|MB|GB|TB)\s*$|{_REFERENCE}"
_SPEC_NAME = r"^[a-z][a-z0-9-]{0,62}$"
_PATTERN_TEXTS = {
    NAME_PATTERN: "a name has lower-case letters, digits and `_`, and begins with a letter",
    _SPEC_NAME: "a spec's name has lower-case letters, digits and `-`, and begins with a letter",
    r"^TW\d{4}$": "a code is `TW` and four digits, such as `TW2011`",
}
_KINDS = {
    "integer": "a whole number",
    "number": "a number without quotes, such as `2.0e-4`",
    "boolean": "`true` or `false`",
}


def _foreign(
    section: str, tag: str, words: Iterable[str], owners: Mapping[str, tuple[str, ...]]
) -> Iterable[tuple[str, str, tuple[str, ...], str, str]]:
    for key, own in owners.items():
        if others := tuple(word for word in words if word not in own):
            yield section, tag, others, key, f"`{key}` means nothing to this {tag}: it is for {', '.join(own)}"


#: Section, the key that decides, the words for which another key means nothing, that key, why.
_FOREIGN: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    *_foreign("Train", "method", methods.METHODS, methods.OWNERS),
    *_foreign("Tuner", "type", tuners.TUNERS, tuners.OWNERS),
    ("Quantize", "method", ("bnb", "fp8"), "group_size", "`group_size` is for gptq and awq"),
)  # fmt: skip


def shape_for_editors(sections: Sections) -> None:
    """Add in place what editors show and accept."""
    for name, section in sections.items():
        for key, prop in section.get("properties", {}).items():
            if "description" in prop:
                prop["markdownDescription"] = prop["description"]
            if meanings := MEANINGS.get(f"{name}.{key}"):
                _explain_words(prop, meanings)
    for name, field in _SECRET_FIELDS:
        sections[name]["properties"][field] |= {
            "pattern": _SECRET,
            "patternErrorMessage": "a secret never stands in a spec: write a reference such as `${secret:NAME}`",
        }
    for name, field in _DURATIONS:
        sections[name]["properties"][field] |= {
            "pattern": _DURATION,
            "errorMessage": "a duration needs a unit: `10m`, `1h 30m`, `45s` or `800ms`",
        }
    sections["StepResources"]["properties"]["memory"] |= {
        "pattern": _SIZE,
        "errorMessage": "a size needs a unit: `32GiB` or `500MB`",
    }
    for section in sections.values():
        if "properties" in section:
            for prop in section["properties"].values():
                _explain_names(prop)
            section["properties"] = {key: _with_references(prop) for key, prop in section["properties"].items()}
    _refuse_foreign_keys(sections)
    _demand_one_verb(sections["Step"])
    for section in sections.values():
        _name_successors(section)
    _offer_snippets(sections)


def refused(message: str) -> Json:
    """Return a schema that no value satisfies and that says why.

    `not: {}` alone is shown with a text of the editor's own: a type that can't be is shown with ours.
    """
    return {
        "doNotSuggest": True,
        "if": {"type": "null"},
        "then": {"not": {}},
        "else": {"type": "null", "errorMessage": message},
    }


def _explain_words(body: Json, meanings: Mapping[str, str]) -> None:
    for part in (body, *body.get("anyOf", ())):
        if "enum" in part:
            part["enumDescriptions"] = [meanings[word] for word in part["enum"]]


def _explain_names(body: Json) -> None:
    """Say what a name is where a mapping refuses one; the same text serves where no mapping is written."""
    if patterns := body.get("patternProperties"):
        text = next(text for pattern, text in _PATTERN_TEXTS.items() if pattern in patterns)
        body["errorMessage"] = f"names and what they stand for belong here; {text}"


def _with_references(schema: Json) -> Json:
    """Let `${env:NAME}` stand where one fixed form is wanted, and say what the form is where the editor would not."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [_with_references(item) for item in schema["anyOf"]]}
    schema = dict(schema)
    if isinstance(schema.get("items"), dict):
        schema["items"] = _with_references(schema["items"])
    if "enum" in schema:
        words = {key: schema.pop(key) for key in ("type", "enum", "enumDescriptions") if key in schema}
        # The words come first: of alternatives that all fail, the first one's message is shown.
        return {**schema, "anyOf": [words, {"type": "string", "pattern": _REFERENCE, "doNotSuggest": True}]}
    kind = schema.get("type")
    if kind in _KINDS:
        # Bounds hold for numbers and patterns for texts: one schema says both, and messages stay short.
        schema["type"] = [kind, "string"]
        schema |= {"pattern": _REFERENCE, "patternErrorMessage": f"this must be {_KINDS[kind]}"}
        schema.setdefault("errorMessage", f"this must be {_KINDS[kind]}")
    elif (pattern := schema.get("pattern")) in _PATTERN_TEXTS:
        schema["pattern"] = f"{pattern}|{_REFERENCE}"
        schema["patternErrorMessage"] = _PATTERN_TEXTS[pattern]
    return schema


def _refuse_foreign_keys(sections: Sections) -> None:
    for name, tag, words, key, message in _FOREIGN:
        sections[name].setdefault("allOf", []).append(
            {
                "if": {"properties": {tag: {"enum": list(words)}}, "required": [tag]},
                "then": {"properties": {key: refused(message)}},
            }
        )


def _demand_one_verb(step: Json) -> None:
    verbs = ", ".join(f"`{verb}`" for verb in VERBS)
    conditions: list[Json] = [
        {
            "if": {"required": [verb]},
            "then": {
                "properties": {
                    other: refused(f"a step does one thing and has `{verb}` already: make `{other}` a step of its own")
                    for other in VERBS[number:]
                }
            },
        }
        for number, verb in enumerate(VERBS[:-1], start=1)
    ]
    nothing = {"type": "null", "errorMessage": f"a step needs one of {verbs}"}
    one = [{"required": [verb]} for verb in VERBS]
    step["allOf"] = [*conditions, {"if": {"type": "object", "not": {"anyOf": one}}, "then": nothing}]


def _name_successors(section: Json) -> None:
    """Words of other frameworks are refused with the word that is used here."""
    properties = section.get("properties")
    if properties is None:
        return
    for word, successor in SUCCESSORS.items():
        if word not in properties and successor.partition(".")[0].partition(":")[0] in properties:
            properties[word] = {
                **refused(f"`{word}` is called `{successor}` here"),
                "description": f"Called `{successor}` here.",
            }


def _offer_snippets(sections: Sections) -> None:
    for snippet in SNIPPETS:
        if snippet.place != "Spec":
            sections[snippet.place].setdefault("defaultSnippets", []).append(
                {"label": snippet.label, "description": snippet.description, "bodyText": snippet.body}
            )


def words_without_meaning(sections: Sections) -> Iterable[str]:
    """Yield `Section.key` of every choice whose words are not all explained."""
    for name, section in sections.items():
        for key, prop in section.get("properties", {}).items():
            for part in (prop, *prop.get("anyOf", ())):
                known = MEANINGS.get(f"{name}.{key}", {})
                if "enum" in part and not set(part["enum"]) <= set(known):
                    yield f"{name}.{key}"
