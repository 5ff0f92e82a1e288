"""Quantise a model folder by plain rounding and write it in a packed form, as the tools of that form do.

python packed_weights.py MODEL FOLDER FORM-BITS...     in the `train` environment: FOLDER/gptq-4, FOLDER/awq-4, ...
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

GROUP = 32
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


def words(values: Any, bits: int) -> Any:
    """Return int32 words that hold integers [..., n], the first in the lowest bits: bit by bit, as a check on ours."""
    import torch

    bit = (values.unsqueeze(-1).long() >> torch.arange(bits)) & 1
    stream = bit.flatten(-2).unflatten(-1, (-1, 32))
    whole = (stream << torch.arange(32)).sum(-1)
    return torch.where(whole >= 2**31, whole - 2**32, whole).to(torch.int32)


def rounded(weight: Any, bits: int, group: int, *, symmetric: bool) -> tuple[Any, Any, Any]:
    """Return integers [out, groups, group], zeros [out, groups] and scales of a weight [out, in]."""
    import torch

    grouped = weight.float().unflatten(1, (-1, group))
    most = 2**bits - 1
    low, high = grouped.amin(-1), grouped.amax(-1)
    if symmetric:
        scale = (grouped.abs().amax(-1) * 2 / most).clamp(min=1e-6).half().float()
        zero = torch.full_like(scale, 2 ** (bits - 1))
    else:
        scale = ((high - low) / most).clamp(min=1e-6).half().float()
        zero = (-low / scale).round().clamp(0, most)
    integers = (grouped / scale[..., None] + zero[..., None]).round().clamp(0, most)
    return integers.long(), zero.long(), scale


def gptq(weight: Any, bits: int, group: int) -> dict[str, Any]:
    """Return the tensors of one layer, with its inputs' groups in another order than they come in."""
    import torch

    order = torch.randperm(weight.shape[1], generator=torch.Generator().manual_seed(1))
    of_input = torch.empty_like(order)
    of_input[order] = torch.arange(len(order)) // group
    integers, zeros, scales = rounded(weight[:, order], bits, group, symmetric=False)
    integers = integers.flatten(1)[:, torch.argsort(order)]
    return {
        "qweight": words(integers, bits).T,
        "qzeros": words((zeros.T - 1) % 2**bits, bits),
        "scales": scales.T.half(),
        "g_idx": of_input.to(torch.int32),
    }


def awq(weight: Any, bits: int, group: int) -> dict[str, Any]:
    """Return the tensors of one layer."""
    integers, zeros, scales = rounded(weight, bits, group, symmetric=False)

    def in_order(values: Any) -> Any:
        return words(values.unflatten(-1, (-1, 8))[..., AWQ_ORDER].flatten(-2), bits)

    return {"qweight": in_order(integers.flatten(1).T), "qzeros": in_order(zeros.T), "scales": scales.T.half()}


def compressed(weight: Any, bits: int, group: int) -> dict[str, Any]:
    """Return the tensors of one layer."""
    import torch

    integers, _, scales = rounded(weight, bits, group, symmetric=True)
    return {
        "weight_packed": words(integers.flatten(1), bits),
        "weight_scale": scales.bfloat16(),
        "weight_shape": torch.tensor(weight.shape),
    }


def settings(form: str, bits: int, group: int) -> dict[str, Any]:
    """Return the `quantization_config` of a form."""
    if form == "compressed-tensors":
        scheme = {"num_bits": bits, "type": "int", "strategy": "group", "group_size": group, "symmetric": True}
        return {
            "quant_method": form,
            "format": "pack-quantized",
            "quantization_status": "compressed",
            "ignore": ["lm_head"],
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": scheme}},
        }
    more = {"gptq": {"desc_act": True, "sym": False}, "awq": {"version": "gemm", "zero_point": True}}[form]
    return {"quant_method": form, "bits": bits, "group_size": group, **more}


def main(model: Path, folder: Path, form: str, bits: int, group: int) -> None:
    """Write the packed folder."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, folder)
    layer = {"gptq": gptq, "awq": awq, "compressed-tensors": compressed}[form]
    tensors = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        if "_proj" not in name:
            tensors[name] = tensor
            continue
        packed = layer(tensor, bits, group)
        tensors |= {f"{name.removesuffix('.weight')}.{part}": value.contiguous() for part, value in packed.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": settings(form, bits, group)}))


if __name__ == "__main__":
    for name in sys.argv[3:]:
        form, _, bits = name.rpartition("-")
        main(Path(sys.argv[1]), Path(sys.argv[2]) / name, form, int(bits), GROUP)
