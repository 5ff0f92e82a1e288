"""Count what a training step changes, tuner by tuner: `learns` of spec/tuners.py names the way to count."""

from collections.abc import Callable, Iterator, Mapping

from tunewright.compiler.estimate.parameters import LinearShape, linear_shapes, lora_parameters
from tunewright.compiler.estimate.storage import block_parameters, embedding_parameters, parameters_of
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTrain, ResolvedTuner
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS


def trained_parameters(tuner: ResolvedTuner, model: ModelFacts) -> int:
    """Return how many parameters learn at a time."""
    return int(_COUNTS[TUNERS[tuner.type].learns](tuner, model)) + _saved(tuner, model)


def head_parameters(train: ResolvedTrain, model: ModelFacts) -> int:
    """Return the parameters of a new head, which learns in full beside an adapter: one output, or one a label."""
    labels = train.options.get("labels")
    outputs = {"score": 1, "label": len(labels) if isinstance(labels, tuple) else 0}
    return outputs.get(METHODS[train.method].makes, 0) * (model.hidden_size or 0) if train.tuner.is_adapter else 0


def stepped_parameters(tuner: ResolvedTuner, model: ModelFacts) -> int:
    """Return for how many parameters the optimizer keeps state: those that learn, or their projections."""
    if TUNERS[tuner.type].makes_adapter or not tuner.rank:
        return trained_parameters(tuner, model)
    projected = 0.0
    for shape in linear_shapes(model).values():
        short, long = sorted((shape.in_features, shape.out_features))
        rank = min(tuner.rank, short)
        # Two moments of the projected gradient; the projection is half of such a pair, in 4 bits an eighth of that.
        projected += shape.count * rank * (long + short * _PROJECTION_SHARE.get(tuner.type, 0.5))
    return int(projected) + parameters_of(model) - block_parameters(model)


_PROJECTION_SHARE = {"q_galore": 0.5 / 8}


def _layer_size(model: ModelFacts) -> float:
    inside = (
        parameters_of(model) - embedding_parameters(model) - (model.hidden_size or 0)
    )  # one norm is after all blocks
    return inside / max(1, model.num_hidden_layers or 1)


def _low_rank(tuner: ResolvedTuner, model: ModelFacts) -> float:
    return lora_parameters(model, tuner.rank, _modules(tuner), dora=TUNERS[tuner.type].learns == "dora")


def _modules(tuner: ResolvedTuner) -> tuple[str, ...] | str:
    return "all-linear" if tuner.target_modules == ("all-linear",) else tuner.target_modules


def _targets(tuner: ResolvedTuner, model: ModelFacts) -> Iterator[tuple[str, LinearShape]]:
    wanted = _modules(tuner)
    for name, shape in linear_shapes(model).items():
        inside = wanted == "all-linear" or any(name == item or name.endswith(f".{item}") for item in wanted)
        if inside and not name.startswith("experts."):
            yield name, shape


def _all(_tuner: ResolvedTuner, model: ModelFacts) -> float:
    return parameters_of(model)


def _layers(tuner: ResolvedTuner, model: ModelFacts) -> float:
    if tuner.options.get("patterns"):
        return parameters_of(model)  # names are not known before the weights are: at most all of them
    return len(set(_numbers(tuner.options.get("layers")))) * _layer_size(model)


def _drawn_layers(tuner: ResolvedTuner, model: ModelFacts) -> float:
    return embedding_parameters(model) + (model.hidden_size or 0) + _number(tuner, "active_layers") * _layer_size(model)


def _factors(tuner: ResolvedTuner, model: ModelFacts) -> float:
    # Keys and values are scaled where they leave their layer, inner features of the MLP where they enter the next one.
    return sum(
        shape.count * (shape.out_features if shape.in_features == model.hidden_size else shape.in_features)
        for _, shape in _targets(tuner, model)
    )


def _vectors(tuner: ResolvedTuner, model: ModelFacts) -> float:
    return sum(shape.count * (shape.out_features + tuner.rank) for _, shape in _targets(tuner, model))


def _rotations(tuner: ResolvedTuner, model: ModelFacts) -> float:
    below = (_number(tuner, "block_size") - 1) / 2
    return sum(shape.count * shape.in_features * below for _, shape in _targets(tuner, model))


def _products(tuner: ResolvedTuner, model: ModelFacts) -> float:
    return 2 * lora_parameters(model, tuner.rank, _modules(tuner))


def _virtual_tokens(tuner: ResolvedTuner, model: ModelFacts) -> float:
    return _number(tuner, "num_virtual_tokens") * (model.hidden_size or 0)


def _virtual_keys(tuner: ResolvedTuner, model: ModelFacts) -> float:
    heads = model.num_attention_heads or 1
    width = (model.head_dim or (model.hidden_size or 0) // heads) * (model.num_key_value_heads or heads)
    return _number(tuner, "num_virtual_tokens") * 2 * (model.num_hidden_layers or 0) * width


def _bottlenecks(tuner: ResolvedTuner, model: ModelFacts) -> float:
    hidden = model.hidden_size or 0
    return (model.num_hidden_layers or 0) * (2 * hidden * tuner.rank + tuner.rank + hidden)


def _interventions(tuner: ResolvedTuner, model: ModelFacts) -> float:
    layers = len(set(_numbers(tuner.options.get("layers")))) or (model.num_hidden_layers or 0)
    return layers * tuner.rank * (2 * (model.hidden_size or 0) + 1)


def _number(tuner: ResolvedTuner, key: str) -> int:
    value = tuner.options.get(key)
    return value if isinstance(value, int) else 0


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(item for item in value if isinstance(item, int)) if isinstance(value, tuple) else ()


def _saved(tuner: ResolvedTuner, model: ModelFacts) -> int:
    """Return the parameters of embeddings that learn in full beside an adapter."""
    saved = tuner.options.get("modules_to_save")
    names = saved if isinstance(saved, tuple) else ()
    table = (model.vocab_size or 0) * (model.hidden_size or 0)
    return table * len({name.rpartition(".")[2] for name in names} & {"embed_tokens", "lm_head"})


_COUNTS: Mapping[str, Callable[[ResolvedTuner, ModelFacts], float]] = {
    "all": _all,
    "low_rank": _low_rank,
    "dora": _low_rank,
    "layers": _layers,
    "drawn_layers": _drawn_layers,
    "factors": _factors,
    "vectors": _vectors,
    "rotations": _rotations,
    "products": _products,
    "virtual_tokens": _virtual_tokens,
    "virtual_keys": _virtual_keys,
    "bottlenecks": _bottlenecks,
    "interventions": _interventions,
}
