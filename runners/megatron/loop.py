"""The training loop on Megatron Core: forward and backward through the pipeline, gradients finished, one update."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tunewright.runners.megatron.architecture import Architecture
from tunewright.runners.megatron.layout import Layout
from tunewright.runners.training.settings import TrainSettings

if TYPE_CHECKING:
    from tunewright.runners.megatron.tuning import DividedModel


@dataclass(slots=True, kw_only=True)
class Trainer:
    """A wrapped model with its optimizer; `rates` are the learning rates of the steps as factors of the highest."""

    chunks: list[Any]
    config: Any
    optimizer: Any
    rates: Any
    settings: TrainSettings
    layout: Layout
    architecture: Architecture
    device: Any

    def forward_backward(self, batches: list[dict[str, Any]], *, learns: bool = True) -> tuple[float, float]:
        """Compute one step's gradients; return the sum of the losses of this process's tokens, and their number.

        Both are 0 on processes that are not at the end of the pipeline, and on all but one of those that share a row.
        """
        from megatron.core.pipeline_parallel.schedules import get_forward_backward_func

        for chunk in self.chunks:
            chunk.train(learns)
            if learns:
                chunk.zero_grad_buffer()
        if learns:
            self.optimizer.zero_grad()
        parts = get_forward_backward_func()(
            forward_step_func=self._forward,
            data_iterator=[iter(batches) for _ in self.chunks],
            model=self.chunks,
            num_microbatches=len(batches),
            seq_length=batches[0]["tokens"].shape[1],
            micro_batch_size=batches[0]["tokens"].shape[0],
            forward_only=not learns,
        )
        if not self.counts_rows:
            return 0.0, 0.0
        return sum(float(part["loss"]) for part in parts), sum(float(part["tokens"]) for part in parts)

    @property
    def counts_rows(self) -> bool:
        """Say whether this process counts the rows it reads: one of those that read the same."""
        from megatron.core import parallel_state

        return bool(
            parallel_state.get_tensor_model_parallel_rank() == 0
            and parallel_state.get_context_parallel_rank() == 0
            and parallel_state.is_pipeline_last_stage(ignore_virtual=True)
        )

    def logits(self, tokens: Any) -> Any:
        """Return the logits of all words for `tokens`, `[batch, length, words]` in fp32, on every process."""
        import torch
        from megatron.core import parallel_state
        from megatron.core.pipeline_parallel.schedules import get_forward_backward_func

        rows, length = tokens.shape
        positions = torch.arange(length).expand(rows, length).contiguous()
        batch = {"tokens": tokens, "position_ids": positions, "labels": torch.zeros_like(tokens)}
        # The interleaved schedule works in groups as large as the pipeline.
        rounds = self.layout.pipeline_parallel if self.layout.virtual_pipeline_parallel > 1 else 1
        parts = get_forward_backward_func()(
            forward_step_func=lambda batches, model: (self._forward(batches, model)[0], _all_words),
            data_iterator=[iter([batch] * rounds) for _ in self.chunks],
            model=self.chunks,
            num_microbatches=rounds,
            seq_length=length,
            micro_batch_size=rows,
            forward_only=True,
            collect_non_loss_data=True,
        )
        whole = torch.empty(rows, length, self.architecture.padded_vocabulary, device=self.device)
        if parts:
            whole.copy_(parts[0])
        if self.layout.pipeline_parallel > 1:
            source = parallel_state.get_pipeline_model_parallel_last_rank()
            torch.distributed.broadcast(whole, source, group=parallel_state.get_pipeline_model_parallel_group())
        return whole[..., : self.architecture.vocabulary]

    def gradient_norm(self) -> float:
        """Return the norm of the gradients computed last, over the whole model, before they are clipped."""
        self.optimizer.prepare_grads()
        return float(self.optimizer.get_grad_norm())

    def update(self, rate: float) -> None:
        """Change the weights by the gradients computed last, at a learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
            group["weight_decay"] = self.settings.weight_decay * group.get("wd_mult", 1.0)
        self.optimizer.step()

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of step `step`, counted from 0."""
        return float(self.settings.learning_rate * self.rates(step))

    def _forward(self, batches: Iterator[dict[str, Any]], model: Any) -> tuple[Any, Any]:
        batch = _on_this_process(next(batches), self.layout, self.device)
        output = model(batch["tokens"], batch["position_ids"], causal_mask(batch["tokens"].shape[1], self.device))
        return output, partial(_loss, batch["labels"], self.architecture)


def causal_mask(length: int, device: Any) -> Any:
    """Return True where a position must not look, `[1, 1, length, length]`.

    Megatron would make it itself, but anew on CUDA when it computes layers again. TransformerEngine has its own.
    """
    import torch

    return torch.ones(length, length, dtype=torch.bool, device=device).triu(1)[None, None]


def make_trainer(
    model: "DividedModel", settings: TrainSettings, planned: Mapping[str, Any], device: Any, steps: int
) -> Trainer:
    """Wrap the loaded parts of the model for data-parallel training and give them an optimizer."""
    from megatron.core.distributed import DistributedDataParallel, DistributedDataParallelConfig, finalize_model_grads
    from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer
    from megatron.core.transformer.module import Float16Module

    wishes, config = planned["optimizer"], model.config
    short = wishes["bf16"] or wishes["fp16"]
    placed = [Float16Module(config, chunk.to(device)) if short else chunk.to(device) for chunk in model.chunks]
    parallel = DistributedDataParallelConfig(
        grad_reduce_in_fp32=True,
        overlap_grad_reduce=False,
        use_distributed_optimizer=wishes["use_distributed_optimizer"],
        check_for_nan_in_grad=False,  # our own check stops the step with a sentence
    )
    wrapped = [
        DistributedDataParallel(config, parallel, chunk, disable_bucketing=number > 0)
        for number, chunk in enumerate(placed)
    ]
    optimizer = get_megatron_optimizer(OptimizerConfig(**wishes), wrapped)
    config.finalize_model_grads_func = finalize_model_grads
    config.grad_scale_func = optimizer.scale_loss
    return Trainer(
        chunks=wrapped,
        config=config,
        optimizer=optimizer,
        rates=_rates(settings, steps),
        settings=settings,
        layout=model.layout,
        architecture=model.architecture,
        device=device,
    )


def _rates(settings: TrainSettings, steps: int) -> Any:
    """Return transformers' own schedule as a function of the step: the same curve as `train.trl`."""
    import math

    import torch
    from transformers import get_scheduler

    idle = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    lowest = {} if settings.min_lr_rate is None else {"min_lr_rate": settings.min_lr_rate}
    schedule = get_scheduler(
        settings.lr_scheduler_type,
        idle,
        num_warmup_steps=settings.warmup_steps or math.ceil(steps * settings.warmup_ratio),
        num_training_steps=steps,
        scheduler_specific_kwargs=lowest,
    )
    return schedule.lr_lambdas[0]


def _on_this_process(batch: dict[str, Any], layout: Layout, device: Any) -> dict[str, Any]:
    moved = {name: batch[name].to(device) for name in ("tokens", "labels", "position_ids")}
    if layout.context_parallel == 1:
        return moved
    from megatron.core.utils import get_batch_on_this_cp_rank

    parts: dict[str, Any] = get_batch_on_this_cp_rank(moved)
    return parts


def _all_words(logits: Any, non_loss_data: bool = True) -> Any:  # noqa: ARG001 - the schedule names it
    from megatron.core.tensor_parallel import gather_from_tensor_model_parallel_region

    return gather_from_tensor_model_parallel_region(logits.float())


def _loss(labels: Any, architecture: Architecture, logits: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Return the summed loss, the number of tokens learnt, and both for the report; `logits` hold words in part."""
    import torch
    from megatron.core import parallel_state
    from megatron.core.tensor_parallel import vocab_parallel_cross_entropy

    width = logits.shape[-1]
    first = parallel_state.get_tensor_model_parallel_rank() * width
    real = min(max(architecture.vocabulary - first, 0), width)
    logits = logits.float()
    if real < width:
        # Rows that only fill the table up are no words: they must not share in the probability.
        logits = torch.cat((logits[..., :real], logits.new_full((*logits.shape[:-1], width - real), -1e9)), dim=-1)
    learnt = labels >= 0
    each = vocab_parallel_cross_entropy(logits, labels.clamp(min=0))
    total = (each * learnt).sum()
    count = learnt.sum().to(torch.int)
    # The schedule divides the loss in place: what is reported is a copy.
    return total, count, {"loss": total.detach().clone(), "tokens": count.clone()}
