"""GPTQ: settings of gptqmodel's `QuantizeConfig`, and how much calibration text it reads."""

from typing import Any

from tunewright.compiler.ir.resolved import ResolvedQuantize

CALIBRATION_ROWS = 128
CALIBRATION_TOKENS = 2048


def gptq_settings(quantize: ResolvedQuantize) -> dict[str, Any]:
    """Return the settings of a GPTQ export: `quantize` for gptqmodel, `calibration` for the rows it is given."""
    return {
        "quantize": {
            "bits": quantize.bits,
            "group_size": quantize.group_size or -1,  # gptqmodel's word for one group a row
            "sym": True,
            "desc_act": False,  # engines with fast kernels want groups in their order
            "true_sequential": True,
            "lm_head": False,
            "damp_percent": 0.05,
        },
        "calibration": {"rows": CALIBRATION_ROWS, "max_length": CALIBRATION_TOKENS},
    }
