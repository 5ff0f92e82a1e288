"""Teach transformers to load packed weights as they are, wherever it meets them: no kernels, no further packages."""

from collections.abc import Iterable, Mapping
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.packed_weights.layouts import LAYOUTS, SCALES
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.packed_weights import Packing, UnreadableWeightsError, packing_of


def teach_transformers() -> None:
    """Let `from_pretrained` read every form of the table by `PackedLinear`; doing it twice changes nothing."""
    from transformers.quantizers import auto
    from transformers.quantizers.base import HfQuantizer
    from transformers.utils.quantization_config import QuantizationConfigMixin

    class PackedSettings(QuantizationConfigMixin):  # type: ignore[misc]
        """The `quantization_config` of a model as its folder has it; transformers' own classes ask for packages."""

        def __init__(self, settings: Mapping[str, Any]) -> None:
            self.settings, self.quant_method = dict(settings), settings["quant_method"]

        @classmethod
        def from_dict(cls, config_dict: Mapping[str, Any], *_: Any, **__: Any) -> "PackedSettings":
            return cls(config_dict)

        def to_dict(self) -> dict[str, Any]:
            return self.settings

    class PackedWeights(HfQuantizer):  # type: ignore[misc]
        """What transformers asks while it loads such a model."""

        def _process_model_before_weight_loading(self, model: Any, checkpoint_files: Any = None, **_: Any) -> None:
            replace_linears(model, self.quantization_config.settings, checkpoint_files or ())

        def is_serializable(self) -> bool:
            """Say yes: the tensors are those of the files, under the same names."""
            return True

        @property
        def is_trainable(self) -> bool:
            return True

    for method in LAYOUTS:
        auto.AUTO_QUANTIZATION_CONFIG_MAPPING[method] = PackedSettings
        auto.AUTO_QUANTIZER_MAPPING[method] = PackedWeights


def replace_linears(model: Any, settings: Mapping[str, Any], files: Iterable[str]) -> None:
    """Put a PackedLinear in the place of each linear layer that is packed in the files; raise StepFailedError."""
    from tunewright.runners.packed_weights.linear import PackedLinear

    try:
        packing = packing_of(settings)
    except UnreadableWeightsError as error:
        raise _impossible(str(error)) from error
    if packing is None:
        raise _impossible(f"its form `{settings.get('quant_method')}` is not in the table")
    packed, formats = _packed_layers(packing, files)
    for name in sorted(packed):
        parent, _, child = name.rpartition(".")
        try:
            plain = getattr(model.get_submodule(parent), child)
        except AttributeError as error:
            raise _impossible(f"the layer `{name}` of the files is not one of the model's own") from error
        for length in (plain.in_features, plain.out_features):
            if length * packing.bits % 32:
                raise _impossible(f"the layer `{name}` does not fill whole words")
        setattr(model.get_submodule(parent), child, PackedLinear(plain, packing, formats[name]))


def _packed_layers(packing: Packing, files: Iterable[str]) -> tuple[set[str], dict[str, Any]]:
    """Return the names of packed layers, and the number format of each one's scales."""
    import torch
    from safetensors import safe_open

    known = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
    marker, names, formats = LAYOUTS[packing.method].marker, set(), {}
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - not a dict
                layer, _, kind = key.rpartition(".")
                if kind == marker:
                    names.add(layer)
                elif kind in SCALES:
                    formats[layer] = known[tensors.get_slice(key).get_dtype()]
    return names, formats


def _impossible(why: str) -> StepFailedError:
    return StepFailedError(
        f"the quantised model can't be read: {why}",
        reason="WEIGHTS_UNREADABLE",
        help="use the model before it was quantised, with `tuner: qlora` where memory is short",
        code=ExitCode.IMPOSSIBLE,
    )
