"""When memory runs out, the figures and what would have fitted stand beside each other."""

from typing import Any

from tunewright.runners.memory_advice import memory_help, memory_message, refused_bytes
from tunewright.runners.supervision.verdict import Evidence, judge
from tunewright.runners.supervision.watch import Ending

ESTIMATE: dict[str, Any] = {
    "memory_bytes": 10_000_000_000,
    "capacity_bytes": 12_000_000_000,
    "seconds": 100.0,
    "savings": (
        {"change": "`a`", "memory_bytes": 9_500_000_000, "seconds": 101.0},
        {"change": "`b`", "memory_bytes": 6_000_000_000, "seconds": 130.0},
        {"change": "`c`", "memory_bytes": 5_000_000_000, "seconds": None},
        {"change": "`d`", "memory_bytes": 4_000_000_000, "seconds": 150.0},
        {"change": "`e`", "memory_bytes": 3_000_000_000, "seconds": 160.0},
    ),
}


def test_the_estimate_stands_beside_the_measured_peak() -> None:
    message = memory_message("the memory is used up", ESTIMATE, 11_500_000_000)
    assert message == "the memory is used up: measured peak 11.5 GB, estimated 10.0 GB, available 12.0 GB"
    assert memory_message("the memory is used up", {}, None) == "the memory is used up"


def test_the_three_cheapest_changes_that_fit_are_named() -> None:
    """It took more than estimated, so `a` would not fit either, and the others need a fifth more than estimated."""
    told = memory_help(ESTIMATE, 15_000_000_000)
    assert told == (
        "what would fit, the cheapest first: `b` (9.0 GB, +30 % time); `c` (7.5 GB); `d` (6.0 GB, +50 % time)"
    )
    assert "no single change" in memory_help({**ESTIMATE, "savings": ()}, None)
    assert memory_help({}, None).startswith("use a smaller batch")


def test_a_kill_by_the_kernel_says_the_same() -> None:
    evidence = Evidence(memory_kills=1, estimate=ESTIMATE, peak_memory_bytes=11_900_000_000)
    verdict = judge(Ending(signal=9), evidence)
    assert verdict.reason == "OUT_OF_MEMORY"
    assert "measured peak 11.9 GB, estimated 10.0 GB" in verdict.message
    assert "`b` (" in verdict.help


def test_what_was_refused_counts_as_needed() -> None:
    """One large allocation: little was held when it failed, and all of the memory would not have been enough."""
    words = "CUDA out of memory. Tried to allocate 6.00 GiB. GPU 0 has a total capacity of 12.00 GiB"
    assert refused_bytes(words) == 6 * 2**30
    assert refused_bytes("you tried to allocate 1048576 bytes. Error code 12") == 2**20
    message = memory_message("the memory is used up", ESTIMATE, 7_000_000_000, 6 * 2**30)
    assert "measured peak 7.0 GB and 6.4 GB more refused" in message
    assert "other processes" not in message
    assert memory_help(ESTIMATE, 7_000_000_000, 6 * 2**30).startswith("what would fit, the cheapest first: `b` (8.1 GB")


def test_memory_that_others_hold_is_not_blamed_on_the_step() -> None:
    message = memory_message("the memory is used up", ESTIMATE, 900_000_000)
    assert message.endswith(
        "available 12.0 GB; of 12.0 GB this step could not have more: other processes, or a limit, kept it"
    )
    told = memory_help(ESTIMATE, 900_000_000)
    assert told.startswith("leave it 10.0 GB, by ending other processes or raising the limit; what needs least: `e`")
    assert "what would fit, the cheapest first: `d`" in memory_help(ESTIMATE, 4_500_000_000)
