"""The data of a training step: as inputs, as parameters, and as what decides about reuse."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.ir.plan import StepInput
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.work import Work
from tunewright.spec.images import PREPARED
from tunewright.spec.record import record


@record(kw_only=True)
class TrainingData:
    """What a step reads: `inputs` by key, `parameters` and `identity` by data set and by spec path."""

    inputs: Mapping[str, StepInput]
    parameters: Mapping[str, Any]
    identity: Mapping[str, Any]


def training_data(work: Work, train: ResolvedTrain) -> TrainingData:
    """Return the data sets of a training step."""
    assert work.spec is not None
    assert work.facts is not None
    inputs: dict[str, StepInput] = {}
    parameters: dict[str, Any] = {}
    identity: dict[str, Any] = {}
    for name in train.data:
        facts, written = work.facts.data[name], work.spec.data[name]
        inputs |= lowering.data_inputs(work, f"data.{name}", name)
        form = written.format or facts.format
        reading = lowering.reading_of(written)
        parameters[name] = {"format": form, "weight": written.weight or 1.0, "limit": written.limit, **reading}
        if facts.images:
            parameters[name]["images"] = PREPARED if lowering.is_prepared(written) else facts.images_digest
        identity |= {
            **lowering.data_digest(work, name),
            f"data.{name}.format": form,
            f"data.{name}.weight": written.weight,
            f"data.{name}.limit": written.limit,
            **{f"data.{name}.{key}": value for key, value in reading.items()},
        }
    return TrainingData(inputs=inputs, parameters=parameters, identity=identity)


def tokenizes_ahead(train: ResolvedTrain) -> bool:
    """True when a step of its own makes the tokens; the Megatron runner makes them itself."""
    return train.tokenize == "ahead" and train.parallelism.strategy != "megatron"
