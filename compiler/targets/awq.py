"""AWQ: the recipe of llm-compressor, as it would be written in its YAML form."""

from typing import Any

from tunewright.compiler.ir.resolved import ResolvedQuantize

CALIBRATION_ROWS = 128
CALIBRATION_TOKENS = 512


def awq_settings(quantize: ResolvedQuantize) -> dict[str, Any]:
    """Return the settings of an AWQ export: smooth by activations, then round the linear layers inside blocks."""
    weights = {
        "num_bits": quantize.bits,
        "type": "int",
        "symmetric": False,
        "strategy": "group" if quantize.group_size else "channel",
        "group_size": quantize.group_size or None,
    }
    return {
        "recipe": {
            "AWQModifier": {"duo_scaling": True, "n_grid": 20},
            "QuantizationModifier": {
                "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
                "ignore": ["lm_head"],
            },
        },
        "calibration": {"rows": CALIBRATION_ROWS, "max_length": CALIBRATION_TOKENS},
    }
