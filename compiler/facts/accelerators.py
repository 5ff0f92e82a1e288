"""Known accelerators, as a planner sees them. Memory is what the driver reports: less than the name says."""

import re

from tunewright.spec.record import record

_MIB = 2**20
_GIB = 2**30
_TERA = 10**12
_GIGA = 10**9


@record(kw_only=True)
class AcceleratorModel:
    """One row of the table.

    `peak_flops`: dense 16-bit matrix multiplication a second (bf16, or fp16 where `bf16` is False). Bandwidths are in
    bytes a second; `interconnect_bandwidth` is one direction between two devices of a machine. `backend`: torch's name.
    `marks` is the pattern by which a driver's own name of the device is recognised.
    """

    name: str
    vendor: str
    memory_bytes: int
    peak_flops: int
    memory_bandwidth: int
    interconnect_bandwidth: int
    backend: str = "cuda"
    compute_capability: tuple[int, int] | None = None
    bf16: bool = True
    fp8: bool = False
    marks: str | None = None


def _nvidia(
    name: str,
    memory_mib: int,
    teraflops: int,
    gigabytes_a_second: int,
    link_gigabytes: int,
    capability: tuple[int, int],
    marks: str,
) -> AcceleratorModel:
    return AcceleratorModel(
        name=name,
        vendor="nvidia",
        memory_bytes=memory_mib * _MIB,
        peak_flops=teraflops * _TERA,
        memory_bandwidth=gigabytes_a_second * _GIGA,
        interconnect_bandwidth=link_gigabytes * _GIGA,
        compute_capability=capability,
        bf16=capability >= (8, 0),
        fp8=capability >= (8, 9),
        marks=marks,
    )


def _ascend(
    name: str, memory_gib: int, teraflops: int, gigabytes_a_second: int, link_gigabytes: int, *, bf16: bool
) -> AcceleratorModel:
    return AcceleratorModel(
        name=name,
        vendor="huawei",
        memory_bytes=memory_gib * _GIB,
        peak_flops=teraflops * _TERA,
        memory_bandwidth=gigabytes_a_second * _GIGA,
        interconnect_bandwidth=link_gigabytes * _GIGA,
        backend="npu",
        bf16=bf16,
    )


ACCELERATORS: tuple[AcceleratorModel, ...] = (
    _nvidia("t4-16gb", 15360, 65, 320, 16, (7, 5), r"\bT4\b"),
    _nvidia("v100-16gb", 16384, 125, 900, 150, (7, 0), r"V100.*16GB"),
    _nvidia("v100-32gb", 32768, 125, 900, 150, (7, 0), r"V100.*32GB"),
    _nvidia("a10-24gb", 23028, 125, 600, 31, (8, 6), r"\bA10\b"),
    _nvidia("a10g-24gb", 23028, 70, 600, 31, (8, 6), r"\bA10G\b"),
    _nvidia("a40-48gb", 46068, 150, 696, 56, (8, 6), r"\bA40\b"),
    _nvidia("l4-24gb", 23034, 121, 300, 31, (8, 9), r"\bL4\b"),
    _nvidia("l40s-48gb", 46068, 362, 864, 31, (8, 9), r"\bL40S\b"),
    _nvidia("rtx3090-24gb", 24576, 71, 936, 31, (8, 6), r"RTX 3090$"),
    # No peer-to-peer: everything between two cards goes through the host.
    _nvidia("rtx4090-24gb", 24564, 165, 1008, 15, (8, 9), r"RTX 4090$"),
    _nvidia("a100-40gb", 40960, 312, 1555, 300, (8, 0), r"A100.*40GB"),
    _nvidia("a100-80gb", 81920, 312, 2039, 300, (8, 0), r"A100.*80GB"),
    _nvidia("h20-96gb", 97871, 148, 4000, 450, (9, 0), r"\bH20\b"),
    _nvidia("h100-80gb", 81559, 989, 3350, 450, (9, 0), r"H100.*(HBM3|SXM)"),
    _nvidia("h100-pcie-80gb", 81559, 756, 2039, 63, (9, 0), r"H100 PCIe"),
    _nvidia("h200-141gb", 143771, 989, 4800, 450, (9, 0), r"\bH200\b"),
    _nvidia("b200-192gb", 183359, 2250, 8000, 900, (10, 0), r"\bB200\b"),
    _nvidia("b300-288gb", 275040, 2250, 8000, 900, (10, 3), r"\bB300\b"),
    AcceleratorModel(
        name="mi300x-192gb",
        vendor="amd",
        memory_bytes=192 * _GIB,
        peak_flops=1307 * _TERA,
        memory_bandwidth=5300 * _GIGA,
        interconnect_bandwidth=64 * _GIGA,
        fp8=True,
    ),
    _ascend("ascend-910b-64gb", 64, 313, 1600, 196, bf16=True),
    _ascend("ascend-910b-32gb", 32, 280, 1600, 28, bf16=True),
    _ascend("ascend-310p-24gb", 24, 70, 204, 16, bf16=False),
    # Unified memory: how much there is, the machine itself says.
    AcceleratorModel(
        name="mps",
        vendor="apple",
        memory_bytes=16 * _GIB,
        peak_flops=14 * _TERA,
        memory_bandwidth=400 * _GIGA,
        interconnect_bandwidth=0,
        backend="mps",
    ),
)

_BY_NAME = {model.name: model for model in ACCELERATORS}

#: What `resources.accelerator` may say; `cpu` means none.
ACCELERATOR_NAMES: tuple[str, ...] = ("cpu", *_BY_NAME)


def accelerator_model(name: str) -> AcceleratorModel | None:
    """Return the accelerator of that name, in any case of letters, or None."""
    return _BY_NAME.get(name.lower())


def recognise(driver_name: str) -> AcceleratorModel | None:
    """Return the accelerator that a driver's own name (`NVIDIA A100-SXM4-80GB`) means, or None."""
    for model in ACCELERATORS:
        if model.marks and re.search(model.marks, driver_name):
            return model
    return None
