"""The words of the language: which keys exist where, what they are called elsewhere, and what an unknown one was meant
to be.
"""

from collections.abc import Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from tunewright.spec.document import Path, dotted
from tunewright.spec.model.document import Spec
from tunewright.spec.model.train import Parallelism, Tuner
from tunewright.spec.record import record
from tunewright.spec.suggest import listed, nearest

#: Keys of other frameworks or older habits, and where the same thing is said here (None: nothing to say, the compiler
#: sees to it).
SUCCESSORS: dict[str, str] = {
    "lora_rank": "tuner.rank",
    "lora_r": "tuner.rank",
    "lora_alpha": "tuner.alpha",
    "lora_dropout": "tuner.dropout",
    "lora_target": "tuner.target_modules",
    "lora_target_modules": "tuner.target_modules",
    "use_dora": "tuner.type: dora",
    "use_rslora": "tuner.type: rslora",
    "finetuning_type": "tuner.type",
    "train_type": "tuner.type",
    "tuner_type": "tuner.type",
    "sft_type": "tuner.type",
    "adapter": "tuner.type",
    "load_in_4bit": "tuner.type: qlora",
    "quantization_bit": "tuner.type: qlora",
    "lr": "learning_rate",
    "epochs": "num_train_epochs",
    "num_epochs": "num_train_epochs",
    "batch_size": "per_device_train_batch_size",
    "micro_batch_size": "per_device_train_batch_size",
    "grad_accum": "gradient_accumulation_steps",
    "cutoff_len": "max_length",
    "max_seq_length": "max_length",
    "max_seq_len": "max_length",
    "sequence_len": "max_length",
    "max_source_length": "max_length",
    "pref_beta": "beta",
    "dpo_beta": "beta",
    "rlhf_type": "method",
    "stage": "method",
    "rl": "method",
    "dataset": "data",
    "datasets": "data",
    "bf16": "precision: bf16",
    "fp16": "precision: fp16",
    "torch_dtype": "precision",
    "attn_implementation": "attention",
    "flash_attn": "attention",
    "attn_impl": "attention",
    "deepspeed": "parallelism: zero2",
    "fsdp": "parallelism: fsdp2",
    "tensor_model_parallel_size": "parallelism.tensor_parallel",
    "pipeline_model_parallel_size": "parallelism.pipeline_parallel",
    "min_lr_ratio": "min_lr_rate",
    "cosine_min_lr_ratio": "min_lr_rate",
    "adam_eps": "adam_epsilon",
    "assistant_only_loss": "loss_on: replies",
    "lr_scheduler": "lr_scheduler_type",
    "optimizer": "optim",
    "gradient_clipping": "max_grad_norm",
    "sample_packing": "packing",
    "sft_packing": "packing",
    "train_on_inputs": "loss_on: all",
    "train_on_prompt": "loss_on: all",
    "completion_only_loss": "loss_on: completion",
    "system": "system_prompt",
    "val_set_size": "evaluation_share",
    "split_dataset_ratio": "evaluation_share",
    "base_model": "base.model",
    "model_name_or_path": "base.model",
    "checkpoint_dir": "from",
    "resume_from_checkpoint": "from",
    "max_samples": "data.NAME.limit",
    "quant_bits": "quantize.bits",
    "quant_method": "quantize.method",
    "tensor_parallel_size": "tensor_parallel",
    "model_name": "served_model_name",
    "depends_on": "from, model or data (steps follow from what they refer to)",
    "apiVersion": "api_version",
    "version": "api_version",
}

#: Sections that may be written as one word: the key that the word stands for, and other words.
SHORT_FORMS: dict[type[BaseModel], tuple[str, tuple[str, ...]]] = {
    Tuner: ("type", ()),
    Parallelism: ("strategy", ("auto",)),
}


@record
class UnknownKey:
    """What to say about an unknown key."""

    code: str
    message: str
    label: str
    help: str | None
    replacement: str | None


def known_keys(path: Path, language: type[BaseModel] = Spec) -> tuple[str, ...]:
    """Return the keys that may stand in the mapping at a path, in the order of the language."""
    model = section_at(path, language)
    return _keys(model) if model else ()


def explain_unknown_key(path: Path, language: type[BaseModel] = Spec, missing: Sequence[str] = ()) -> UnknownKey:
    """Say what an unknown key was probably meant to be: a typo, a word of another framework, a key of another place.

    `missing` are the keys that must stand beside it and do not: it may be one of them.
    """
    key = str(path[-1])
    here = known_keys(path[:-1], language)
    where = f" in `{dotted(path[:-1])}`" if path[:-1] else ""
    keys_help = f"keys here: {listed(here, 14)}"
    if language is Spec and (successor := SUCCESSORS.get(key)):
        replacement = successor if successor in here else None
        return UnknownKey("TW1010", f"`{key}` is called `{successor}` here", "", f"write `{successor}`", replacement)
    near = nearest(key, here)
    if near:
        return UnknownKey("TW1003", f"unknown key `{key}`{where}", f"did you mean `{near}`?", keys_help, near)
    places = [place for place, keys in _places() if key in keys] if language is Spec else []
    if places:
        return UnknownKey(
            "TW1011", f"`{key}` does not belong{where or ' here'}", "", f"it belongs in {listed(places, 3)}", None
        )
    if missing:
        keys_help = f"`{missing[0]}` is missing: is it meant? ({keys_help})"
    return UnknownKey("TW1003", f"unknown key `{key}`{where}", "", keys_help, None)


def section_at(path: Path, language: type[BaseModel] = Spec) -> type[BaseModel] | None:
    """Return the section model of the mapping at a path, or None for free mappings and what is not a mapping."""
    annotation = annotation_at(path, language)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def annotation_at(path: Path, language: type[BaseModel] = Spec) -> Any:
    """Return the type of what stands at a path, without `| None` and constraints; None where nothing may stand."""
    current: Any = language
    for part in path:
        current = _inside(current, part)
        if current is None:
            return None
    return current


def known_values(path: Path) -> tuple[str, ...]:
    """Return the words that may stand at a path: of an enumeration, `true` and `false`, the short form of a section."""
    return _words(annotation_at(path))


def _words(annotation: Any) -> tuple[str, ...]:
    if annotation is bool:
        return "true", "false"
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    if annotation in SHORT_FORMS:
        key, more = SHORT_FORMS[annotation]
        return (*more, *_words(_inside(annotation, key)))
    return ()


def _inside(current: Any, part: str | int) -> Any:
    if isinstance(current, type) and issubclass(current, BaseModel):
        for name, field in current.model_fields.items():
            if part == (field.alias or name):
                return _strip(field.annotation)
        return None
    arguments = get_args(current)
    if get_origin(current) is dict:
        return _strip(arguments[1])
    if get_origin(current) is tuple:
        return _strip(arguments[0])
    return None


def _strip(annotation: Any) -> Any:
    """Take Annotated[...] and `| None` off an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _strip(get_args(annotation)[0])
    if origin in (Union, UnionType):
        inner = [item for item in get_args(annotation) if item is not type(None)]
        return _strip(inner[0]) if len(inner) == 1 else annotation
    return annotation


@cache
def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


@cache
def _places() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every section of the language with a readable address and its keys."""
    from tunewright.spec.model import base, data, document, evaluate, release, train

    return (
        ("the top level", _keys(document.Spec)),
        ("`base`", _keys(base.Base)),
        ("a set of `data`", _keys(data.DataSet)),
        ("a suite of `suites`", _keys(data.Suite)),
        ("a step, beside its verb", _keys(document.Step)),
        ("`train`", _keys(train.Train)),
        ("`train.tuner`", _keys(train.Tuner)),
        ("`train.parallelism`", _keys(train.Parallelism)),
        ("`evaluate`", _keys(evaluate.Evaluate)),
        ("`gate`", _keys(evaluate.Gate)),
        ("`approve`", _keys(evaluate.Approve)),
        ("`export`", _keys(release.Export)),
        ("`export.quantize`", _keys(release.Quantize)),
        ("`deploy`", _keys(release.Deploy)),
        ("`deploy.canary`", _keys(release.Canary)),
        ("`resources`", _keys(document.Resources)),
        ("`triggers`", _keys(document.Triggers)),
    )
