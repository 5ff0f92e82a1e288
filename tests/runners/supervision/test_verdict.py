"""The verdict is a pure function: each ending in its word."""

import signal

import pytest

from tunewright.runners.supervision.stopping import StopRequest
from tunewright.runners.supervision.verdict import Evidence, judge
from tunewright.runners.supervision.watch import Ending

CANCEL = StopRequest("CANCELLED", "asked to")
NAN = {"reason": "NAN_LOSS", "message": "the loss is NaN"}


@pytest.mark.parametrize(
    ("ending", "evidence", "expected"),
    [
        (Ending(code=0), Evidence(), (0, "SUCCEEDED")),
        (Ending(code=0, stop=CANCEL), Evidence(), (0, "SUCCEEDED")),  # it was done before it heard
        (Ending(code=0, stop=CANCEL), Evidence(service=True), (130, "CANCELLED")),
        (Ending(code=0), Evidence(service=True), (1, "SERVICE_ENDED")),
        (Ending(code=130, stop=CANCEL), Evidence(), (130, "CANCELLED")),
        (Ending(code=1, stop=CANCEL), Evidence(failure=NAN), (130, "CANCELLED")),
        (Ending(signal=9, stop=CANCEL, forced=True), Evidence(memory_kills=1), (130, "CANCELLED")),
        (Ending(code=130, stop=StopRequest("DEADLINE", "late")), Evidence(), (1, "DEADLINE")),
        (Ending(code=130), Evidence(), (130, "CANCELLED")),
        (Ending(code=1), Evidence(failure=NAN, memory_kills=1), (1, "NAN_LOSS")),
        (Ending(code=1), Evidence(failure={}), (1, "FAILED")),
        (Ending(code=1), Evidence(memory_kills=1), (1, "OUT_OF_MEMORY")),  # a launcher whose rank was killed
        (
            Ending(code=1),
            Evidence(last_lines=("torch.OutOfMemoryError: CUDA out of memory.", "x")),
            (1, "OUT_OF_MEMORY"),
        ),
        (
            Ending(code=1),
            Evidence(last_lines=("the disk is full: [Errno 28] No space left on device", "x")),
            (1, "DISK_FULL"),
        ),
        (Ending(signal=signal.SIGKILL), Evidence(memory_kills=1), (137, "OUT_OF_MEMORY")),
        (Ending(signal=signal.SIGKILL), Evidence(), (137, "KILLED")),
        (Ending(signal=signal.SIGABRT), Evidence(last_lines=("what(): std::bad_alloc",)), (134, "OUT_OF_MEMORY")),
        (Ending(signal=signal.SIGSEGV), Evidence(memory_kills=1), (139, "CRASHED")),
        (Ending(code=0, resisting=frozenset({7})), Evidence(), (1, "UNKILLABLE")),
        (Ending(forced=True, stop=CANCEL), Evidence(), (1, "UNKILLABLE")),
        (Ending(code=42), Evidence(), (42, "FAILED")),
    ],
)
def test_each_ending_has_its_word(ending, evidence, expected):
    verdict = judge(ending, evidence)
    assert (verdict.code, verdict.reason) == expected
    assert verdict.message or verdict.reason == "SUCCEEDED" or evidence.failure == {}


@pytest.mark.parametrize("ending", [Ending(signal=signal.SIGKILL), Ending(code=1)])
def test_a_limit_of_memory_is_told_as_such(ending):
    own = judge(ending, Evidence(limit_kills=3, memory_limit_bytes=3 * 2**29))
    assert own.reason == "OUT_OF_MEMORY"
    assert "the step's memory limit of 1.5 GiB is used up (`resources.memory`)" in own.message
    assert "the machine's memory is used up" in judge(ending, Evidence(memory_kills=1)).message
