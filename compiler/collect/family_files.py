"""Read the file in which a package describes a model family."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tunewright.compiler.facts.families import Attention, Family

_LONGEST = 2**20
_ROLES = frozenset({"q", "k", "v", "o", "gate", "up", "down"})
#: The sizes that everything is counted from.
_Size = Literal[
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
    "vocab_size", "max_position_embeddings",
]  # fmt: skip


class Description(BaseModel):
    """What a package may say of a family: what the table says of ours (compiler/facts/families.py), in its words.

    `linears` has the roles of each linear layer of a block (`{"qkv": "q k v"}`), `sizes` the keys of config.json.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sizes: dict[_Size, str] = {}
    linears: dict[str, str]
    lora_modules: tuple[str, ...] = ()
    qkv_bias: bool = False
    qk_norm: bool = False
    tied: bool = False
    norms_per_layer: int = 2
    norm_bias: bool = False
    gated: bool = True
    linear_bias: bool = False
    turn_end: str | None = None
    engines: tuple[Literal["embedded", "vllm", "sglang", "lmdeploy"], ...] = ("embedded",)
    packs: bool = False
    attention: Annotated[tuple[Attention, ...], Field(min_length=1)] = ("eager",)


class FamilyFileError(ValueError):
    """A description can't be used; the message says why in a sentence."""


def read_family(model_type: str, path: Path) -> Family:
    """Return the family that a file describes; raise FamilyFileError."""
    said = _description(path)
    played = {role for roles in said.linears.values() for role in roles.split()}
    if unknown := sorted(played - _ROLES):
        raise FamilyFileError(f"linears: `{unknown[0]}` is no role of a linear layer: {', '.join(sorted(_ROLES))}")
    targets = tuple(name for name, roles in said.linears.items() if {"q", "v"} & set(roles.split()))
    values: dict[str, Any] = {**said.model_dump(), "lora_modules": said.lora_modules or targets}
    pairs = {name: tuple(value.items()) for name, value in values.items() if isinstance(value, dict)}
    return Family(**{**values, **pairs, "model_type": model_type})


def _description(path: Path) -> Description:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise FamilyFileError(f"`{path.name}` of its package can't be read: {error.strerror or error}") from error
    if len(content) > _LONGEST:
        raise FamilyFileError(f"`{path.name}` is longer than {_LONGEST // 2**20} MiB")
    try:
        return Description.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise FamilyFileError(f"{place}: {first['msg']}" if place else str(first["msg"])) from error
