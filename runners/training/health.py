"""Is what a training leaves what it has learnt? Looked at in the files, and by loading them as a stranger would."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.model_sources.check import check_tensors
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.distributed import is_first
from tunewright.runners.training.fresh import FreshProcess, FreshProcessLostError
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.reload import answer
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import Start, training_tuner
from tunewright.spec.tuners import TUNERS

#: The largest difference of a logit that rounding explains, as a share of the largest logit. Adapters are stored as
#: they were trained; whole models that learnt in fp32 are stored at the step's precision.
TOLERANCES = {"fp32": 1e-4, "bf16": 8e-2, "fp16": 2e-2}
#: Of the change that an adapter makes, so much may be lost on the way to the files; but rounding alone, on a
#: processor after an accelerator, is never counted as a loss (seen: 3 % between two ways to compute in bf16).
_LOST_SHARE = 0.1
_ROUNDING = {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}

_PROBE_FILE = "probe.safetensors"
_PROBE_ROWS, _PROBE_LENGTH, _PROBE_STRIDE = 2, 24, 7919
#: Parts that see only some rows: their adapters may rightly have learnt nothing.
_SOMETIMES_UNUSED = ("expert", "vision", "visual", "audio")


@dataclass(slots=True)
class HealthCheck:
    """The check of one step's result: `fresh` is the process that reloads it, on the first process only."""

    settings: TrainSettings
    work: Path
    base: Path
    fresh: FreshProcess | None = None

    @staticmethod
    def prepare(model_folder: Path, settings: TrainSettings, work: Path) -> "HealthCheck":
        """Fork the process that will reload the result; call it before threads, devices and weights are there."""
        if not is_first():
            return HealthCheck(settings, work, model_folder)
        _import_what_reloading_needs()
        fresh = FreshProcess.fork(lambda question: answer(question, model_folder, settings))
        return HealthCheck(settings, work, model_folder, fresh)

    def check_trained(self, count: int, expected: int | None) -> None:
        """Before anything is trained: as many parameters must be set to learn as the plan counted (None: not known)."""
        if expected is not None and count != expected:
            raise StepFailedError(
                f"{count:,} parameters would learn, and the plan counts {expected:,}: adapters are on other layers",
                reason="TRAINED_OTHERWISE",
                help="name the layers in `target_modules`, and plan again",
            )

    def probe(self, model: Any) -> None:
        """Keep what the trained model in memory answers; all processes take part, a sharded model needs them."""
        import torch

        vocabulary = int(model.get_input_embeddings().weight.shape[0]) or int(model.config.vocab_size)
        numbers = torch.arange(_PROBE_ROWS * _PROBE_LENGTH) * _PROBE_STRIDE % max(vocabulary, 1)
        probe = {"input_ids": numbers.reshape(_PROBE_ROWS, _PROBE_LENGTH)}
        model.eval()
        with torch.no_grad():
            probe["logits"] = self._answer(model, probe["input_ids"])
            if self._adapter_can_be_disabled():
                with model.disable_adapter():
                    probe["without_adapter"] = self._answer(model, probe["input_ids"])
        if is_first():
            from safetensors.torch import save_file

            save_file(probe, self.work / _PROBE_FILE)

    def start_reloading(self, outputs: Path) -> None:
        """Let the fresh process load the result while this one goes on."""
        if self.fresh is not None:
            self.fresh.ask({"outputs": str(outputs), "probe": str(self.work / _PROBE_FILE)})

    def check_files(self, outputs: Path, report: Reporter) -> None:
        """Look at the files themselves: complete, finite, changed; raise StepFailedError."""
        report.phase("checking the outputs")
        needed = "adapter_config.json" if self.settings.tuner.makes_adapter else "config.json"
        for name in ("tokenizer_config.json", needed):
            if not (outputs / name).exists():
                raise _incomplete(name)
        if check_tensors(outputs, report)["parameters"] == 0:
            raise _incomplete("weights")
        if self.settings.tuner.makes_adapter:
            _check_learnt(outputs, training_tuner(self.settings).start, report)

    def finish(self, report: Reporter) -> dict[str, Any]:
        """Return what the fresh process found, as figures for the summary; raise StepFailedError when it differs."""
        if self.fresh is None:
            return {}
        report.phase("reloading the result in a fresh process")
        try:
            found = self.fresh.answer()
        except FreshProcessLostError as error:
            if not error.killed:
                lost = _unhealthy(f"the result does not load in a fresh process: {error}; see the log")
                raise self._gone() or lost from error
            found = {"skipped": "the process that loads it was killed, as a machine without memory does"}
        finally:
            (self.work / _PROBE_FILE).unlink(missing_ok=True)
        if "skipped" in found:
            report.emit(
                "warning", code="reload-not-checked", message=f"the result was not reloaded: {found['skipped']}"
            )
            return {}
        self._judge(found)
        return {"reload_difference": found["difference"], "reload_seconds": found["seconds"]}

    def _judge(self, found: Mapping[str, Any]) -> None:
        if problem := found.get("problem"):
            raise self._gone() or _unhealthy(problem)
        allowed = TOLERANCES[self.settings.precision] * found["largest"]
        if found["effect"] is not None:
            # What a small adapter does can be less than rounding in general: then that is the measure.
            rounding = _ROUNDING[self.settings.precision] * found["largest"]
            allowed = min(allowed, max(_LOST_SHARE * found["effect"], rounding))
        if not found["difference"] <= allowed:
            raise _unhealthy(
                f"reloaded in a fresh process its logits differ by up to {found['difference']:.3g} from those of the "
                f"trained model in memory ({allowed:.3g} is allowed)"
            )

    def _answer(self, model: Any, tokens: Any) -> Any:
        placed = tokens.to(self.settings.device)
        output = model(input_ids=placed, attention_mask=placed.new_ones(placed.shape), use_cache=False)
        answer = training_method(self.settings.method).answer(output)
        full = answer.full_tensor() if hasattr(answer, "full_tensor") else answer
        return full.float().cpu().contiguous().clone()

    def _gone(self) -> StepFailedError | None:
        """Return what to say when there is nothing to hold the result to: somebody took the base model away."""
        if not self.settings.tuner.makes_adapter or (self.base / "config.json").exists():
            return None
        return StepFailedError(
            f"the base model was taken away while the step worked: {self.base} is gone",
            reason="MODEL_GONE",
            help="put it back; then `tunewright retry` goes on from the last checkpoint",
        )

    def _adapter_can_be_disabled(self) -> bool:
        """Tell whether base and adapter can be told apart in memory; on sharded weights it is not tried."""
        sharded = self.settings.parallelism.strategy in ("zero3", "fsdp2")
        tuner = TUNERS[self.settings.tuner.type]
        return tuner.makes_adapter and tuner.merges and tuner.keeps_base and not sharded


def _import_what_reloading_needs() -> None:
    import peft  # noqa: F401 - in the fork it is there at once
    import safetensors.torch  # noqa: F401
    import torch  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401


def _check_learnt(outputs: Path, start: Start, report: Reporter) -> None:
    """A module whose weights are still what they start with, LoRA's B zero, was never reached by a gradient."""
    from safetensors import safe_open

    unchanged, learnt = [], 0
    for path in sorted(outputs.glob("*.safetensors")):
        with safe_open(path, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a dict
                changed = bool((tensors.get_tensor(name) != start.value).any())
                if not start.name or start.name not in name:
                    learnt += changed and (not start.name or start.beside not in name)
                elif changed:
                    learnt += 1
                else:
                    unchanged.append(name.partition(f".{start.name}")[0].removeprefix("base_model.model."))
    if not learnt:
        raise _nothing_learnt("the adapter is all zero: nothing was learnt")
    wrong = [name for name in unchanged if not any(word in name for word in _SOMETIMES_UNUSED)]
    if wrong:
        share = f"{len(wrong)} of {len(unchanged) + learnt} adapted modules"
        raise _nothing_learnt(f"{share} learnt nothing (they are as they started), such as `{wrong[0]}`")
    if unchanged:
        report.emit(
            "warning",
            code="modules-not-reached",
            message=f"no row reached {len(unchanged)} adapted modules, such as `{unchanged[0]}`",
        )


def _incomplete(what: str) -> StepFailedError:
    return StepFailedError(f"the training left no {what}", reason="OUTPUT_INCOMPLETE", help="see the step's log")


def _nothing_learnt(message: str) -> StepFailedError:
    return StepFailedError(
        message,
        reason="NOTHING_LEARNT",
        help="check that `learning_rate` is above 0, that the rows have replies, and that `target_modules` are used",
    )


def _unhealthy(message: str) -> StepFailedError:
    return StepFailedError(
        message,
        reason="RESULT_UNHEALTHY",
        help="nothing was kept of it; the checkpoints are: run again with the pinned `train` environment",
    )
