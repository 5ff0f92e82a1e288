"""`megatron sft|pt|rlhf` of ms-swift: batches are counted over all processes, layers are split."""

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.ms_swift_call import Call
from tunewright.compiler.importers.ms_swift_tuners import set_tuner
from tunewright.compiler.importers.ms_swift_vocabulary import ADAPTER_RATE, FULL_RATE
from tunewright.compiler.importers.options import as_integer
from tunewright.compiler.importers.schedule import set_floor, set_warmup
from tunewright.compiler.importers.training import (
    Training,
    translate_attention,
    translate_optimizer,
    translate_scheduler,
)

_GLOBAL_BATCH = 16
_SPLITS = (
    ("tensor_parallel", "tensor_model_parallel_size"),
    ("pipeline_parallel", "pipeline_model_parallel_size"),
    ("virtual_pipeline_parallel", "virtual_pipeline_model_parallel_size"),
    ("context_parallel", "context_parallel_size"),
    ("expert_parallel", "expert_model_parallel_size"),
)
#: The splits that multiply to the processes of one copy of the model.
_OF_A_COPY = frozenset({"tensor_parallel", "pipeline_parallel", "context_parallel"})


def train(call: Call) -> None:
    """Add the training step that a Megatron command means."""
    options, life = call.options, call.life
    step = Training(life.drafting)
    if not call.set_method(step):
        return
    options.take("template")
    source = call.model()
    if source not in (None, "base"):
        step.set("from", Said(source, "the model of the step before"))
    if (adapter := options.take("adapters", "mcore_adapter", "adapter_load")) is not None:
        _continue(call, step, adapter.origin, str(adapter.value))
    call.set_data(step)
    set_tuner(call, step, call.said("full"))
    rate = call.said(FULL_RATE if step.get("tuner.type") == "full" else ADAPTER_RATE)
    step.set("learning_rate", options.number("lr", "learning_rate"), rate)
    scheduler = options.word("lr_decay_style", "lr_scheduler_type") or call.said("cosine")
    step.set("lr_scheduler_type", translate_scheduler(scheduler, life.drafting))
    step.set("max_steps", options.integer("train_iters", "max_steps"))
    step.set("num_train_epochs", options.number("num_train_epochs"), call.said(3.0))
    _warm_up(call, step)
    _spread(call, step)
    _rest(call, step)
    call.finish(step)


def _warm_up(call: Call, step: Training) -> None:
    share = call.options.number("lr_warmup_fraction")
    if share is not None:
        step.set("warmup_ratio", share)
        call.options.take("lr_warmup_iters", "warmup_ratio")
    else:
        set_warmup(call.options, step, call.said(0.0), "lr_warmup_iters")
    set_floor(call.options, step, call.life, lowest="min_lr")


def _continue(call: Call, step: Training, origin: str, written: str) -> None:
    earlier = call.life.step_of(written)
    if earlier is None:
        call.life.drafting.refuse(origin, call.FOREIGN_ADAPTER)
    else:
        step.set("from", Said(earlier, origin))


def _spread(call: Call, step: Training) -> None:
    """Set the splits, the processes, and the accumulation that the global batch leaves for each process."""
    options = call.options
    step.set("parallelism.strategy", Said("megatron", call.name))
    product = 1
    for ours, theirs in _SPLITS:
        said = options.integer(theirs)
        if said is not None and said.value > 1:
            step.set(f"parallelism.{ours}", said)
            product *= said.value if ours in _OF_A_COPY else 1
    sequence = options.flag("sequence_parallel")
    if sequence is not None and sequence.value:
        step.set("parallelism.sequence_parallel", sequence)
    world = (call.invocation.processes or 1) * (call.invocation.nodes or 1)
    # Groups of experts are divided among copies of the data and parts of a sequence.
    experts = as_integer(step.get("parallelism.expert_parallel")) or 1
    context = as_integer(step.get("parallelism.context_parallel")) or 1
    needed = product * max(1, experts // context)
    if world < needed:
        call.life.drafting.assume("NPROC_PER_NODE", f"at least {needed} processes, which the splits need")
        world = needed
    step.set("parallelism.processes", Said(world, "NPROC_PER_NODE"))
    micro = options.integer("micro_batch_size", "per_device_train_batch_size") or call.said(1)
    whole = options.integer("global_batch_size") or call.said(_GLOBAL_BATCH)
    step.set("per_device_train_batch_size", micro)
    groups = max(1, world // product)
    accumulation = max(1, whole.value // max(1, micro.value * groups))
    step.set(
        "gradient_accumulation_steps",
        Said(accumulation, f"{whole.origin}: {micro.value} rows x {groups} data-parallel groups"),
    )
    if accumulation * micro.value * groups != whole.value:
        call.life.drafting.lose(whole.origin, f"{micro.value} x {groups} does not divide it")
    call.life.machine(call.invocation.processes or world, call.invocation.nodes, sharded=True)


def _rest(call: Call, step: Training) -> None:
    options = call.options
    step.set("max_length", options.integer("max_length", "seq_length"), call.default("max_length"))
    step.set("packing", options.flag("packing"), call.default("packing"))
    call.set_loss(step)
    step.set("weight_decay", options.number("weight_decay"), call.default("weight_decay"))
    step.set("max_grad_norm", options.number("clip_grad", "max_grad_norm"), call.default("max_grad_norm"))
    optimizer = options.word("optim")
    name = Said("adamw_torch", optimizer.origin) if optimizer and optimizer.value == "adam" else optimizer
    step.set("optim", translate_optimizer(name or call.said("adamw_torch"), call.life.drafting))
    step.set("seed", options.integer("seed"), call.default("seed"))
    call.set_precision(step)
    call.set_system(step)
    granularity = options.word("recompute_granularity")
    checkpointing = Said(granularity.value == "full", granularity.origin) if granularity else call.said(False)
    step.set("gradient_checkpointing", checkpointing)
    if (backend := options.word("attention_backend", "attn_impl")) is not None:
        step.set("attention", translate_attention(backend, call.life.drafting))
    step.set("evaluation_share", options.number("split_dataset_ratio"), call.default("split_dataset_ratio"))
    for key in ("logging_steps", "save_steps", "save_total_limit"):
        step.set(key, options.integer(key), call.default(key))
    call.check_rest(step)
