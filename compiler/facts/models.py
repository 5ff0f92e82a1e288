"""The catalogue of known model shapes (models.json): what a hub model is like without having its files."""

import functools
import json
from pathlib import Path
from typing import Any

from tunewright.compiler.estimate.parameters import count_parameters
from tunewright.compiler.facts.families import linear_names
from tunewright.compiler.ir.facts import LatentAttention, ModelFacts, VisionTower

_CATALOGUE = Path(__file__).with_name("models.json")


def known_model(hub_id: str, source: str) -> ModelFacts | None:
    """Return the facts of a hub model (`org/name` in any case of letters) as those of `source`; None when unknown."""
    entry = _by_id().get(hub_id.lower())
    if entry is None:
        return None
    shape, chat = entry
    fields: dict[str, Any] = {"dtype": "bfloat16", **shape}
    if latent := fields.pop("latent_attention", None):
        fields["latent_attention"] = LatentAttention(**latent)
    if tower := fields.pop("vision_tower", None):
        fields["vision_tower"] = VisionTower(**tower)
    facts = ModelFacts(source=source, origin="catalogue", **fields)
    return ModelFacts(
        source=source,
        origin="catalogue",
        **fields,
        chat_template=True if chat else None,
        num_parameters=count_parameters(facts),
        linear_modules=linear_names(facts.family),
    )


def known_ids() -> tuple[str, ...]:
    """Return every hub id of the catalogue as its hub spells it."""
    return tuple(hub_id for row in _rows() for hub_id in (*row.get("ids", ()), *row.get("chat_ids", ())))


@functools.cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(_CATALOGUE.read_text(encoding="utf-8"))
    return rows


@functools.cache
def _by_id() -> dict[str, tuple[dict[str, Any], bool]]:
    found = {}
    for row in _rows():
        found.update({hub_id.lower(): (row["shape"], False) for hub_id in row.get("ids", ())})
        found.update({hub_id.lower(): (row["shape"], True) for hub_id in row.get("chat_ids", ())})
    return found
