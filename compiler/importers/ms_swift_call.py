"""One call of ms-swift: its options, its version's defaults, and what its training commands have in common."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewright.compiler.facts.models import known_ids
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.invocation import Invocation
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.ms_swift_vocabulary import Version, default_of
from tunewright.compiler.importers.options import Option, Options, as_number, as_word
from tunewright.compiler.importers.rows import set_mix, set_truncation
from tunewright.compiler.importers.schedule import set_adam, set_noise
from tunewright.compiler.importers.settling import write_step
from tunewright.compiler.importers.training import Training, translate_precision
from tunewright.compiler.importers.words import METHODS_MISSING
from tunewright.spec.methods import METHODS

_REFERENCE = re.compile(r"(?:(?P<hub>HF|MS|hf|ms)::)?(?P<id>[^#]+?)(?:#(?P<limit>\d{1,12}))?")
_TASKS = ("seq_cls", "embedding", "reranker", "generative_reranker", "prm")
_METHODS = {name: name for name in ("dpo", "orpo", "simpo", "cpo", "kto", "ppo", "grpo", "gkd")} | {"rm": "reward"}
#: What a method's rows are.
_FORMATS = {
    "dpo": "preference", "orpo": "preference", "simpo": "preference", "cpo": "preference", "reward": "preference",
    "kto": "kto", "ppo": "prompt", "grpo": "prompt", "rloo": "prompt", "gkd": "prompt",
}  # fmt: skip
#: Methods whose own default of `beta` is not DPO's.
_BETAS = {"simpo": 2.0}


@dataclass(slots=True)
class Call:
    """A call with everything that its steps are read from."""

    invocation: Invocation
    options: Options
    life: Life
    version: Version

    FOREIGN_ADAPTER: ClassVar[str] = (
        "an adapter from elsewhere can't be named in a spec; import it together with the command that trained it"
    )

    @property
    def name(self) -> str:
        """The call as people know it, with its line."""
        program = "" if self.invocation.verb.startswith("megatron") else "swift "
        where = f" (line {self.invocation.line})" if self.invocation.line else ""
        return f"{program}{self.invocation.verb}{where}"

    def said(self, value: Any) -> Said:
        """Return a value as a default of this version."""
        return Said(value, f"default of ms-swift {'.'.join(map(str, self.version))}")

    def default(self, name: str) -> Said | None:
        """Return the default of an option in this version, or None where it has none."""
        value = default_of(name, self.version)
        return None if value is None else self.said(value)

    def model(self) -> str | None:
        """Write the base model or find the step before; return which it is."""
        hub = "hf" if self._uses_hugging_face() else "ms"
        option = self.options.take("model", "load", "mcore_model")
        if token := self.options.take("hub_token"):
            self.life.drafting.put(("base", "token"), Said("${secret:HUB_TOKEN}", f"--{token.name}: as a secret"))
        if option is None:
            kind = self.options.take("model_type")
            if kind is not None:
                self.life.drafting.refuse(kind.origin, "names a model by its type; write `--model organisation/name`")
                return None
            adapters = self.options.items.get("adapters")
            return self.life.step_of(str(adapters.value)) if adapters else self.life.base(None, hub)
        return self.life.base(self._plain_model(option), hub, self.options.word("model_revision"))

    def set_method(self, step: Training) -> bool:
        """Set the method; return False after refusing one that the language lacks."""
        verb = self.invocation.verb.removeprefix("megatron ")
        task = self.options.word("task_type")
        if task is not None and task.value in _TASKS:
            self._refuse(
                task.origin, f"a model of kind `{task.value}` is not trained here: only models that write text are"
            )
            return False
        if verb != "rlhf":
            self.options.take("rlhf_type")
            # Megatron reads whole texts as it reads replies.
            reads = verb == "pt" and not self.invocation.verb.startswith("megatron")
            step.set("method", Said("pretrain" if reads else "sft", self.name))
            return True
        kind = self.options.word("rlhf_type") or self.said("dpo")
        if kind.value not in _METHODS:
            reason = METHODS_MISSING.get(str(kind.value), "is not a method here")
            self._refuse(kind.origin, reason)
            return False
        method = Said(_METHODS[str(kind.value)], kind.origin)
        step.set("method", method)
        if not METHODS[method.value].generates:
            self._set_pairs(method, step)
        return True

    def _set_pairs(self, method: Said, step: Training) -> None:
        usual = self.said(_BETAS[method.value]) if method.value in _BETAS else self.default("beta")
        step.set("beta", self.options.number("beta"), usual)
        if method.value in ("dpo", "cpo") and (loss := self.options.words("loss_type")) is not None:
            self._loss_type(loss, method.value, step)
        if method.value == "simpo":
            step.set("simpo_gamma", self.options.number("simpo_gamma"), self.said(1.0))
            weight = self.options.number("cpo_alpha") or self.said(1.0)
            if weight.value:
                self.life.drafting.lose(weight.origin, "SimPO learns from the pairs alone here (`cpo_alpha` 0)")
        if method.value == "cpo":
            step.set("cpo_alpha", self.options.number("cpo_alpha"), self.said(1.0))
        if method.value == "reward":
            step.set("center_rewards_coefficient", self.options.number("center_rewards_coefficient"))
        smoothing = self.options.items.get("label_smoothing")
        if smoothing is not None and str(step.get("loss_type") or "sigmoid") in METHODS[method.value].smoothed:
            step.set("label_smoothing", self.options.number("label_smoothing"))

    def set_data(self, step: Training) -> None:
        """Write the data sets of the step."""
        drafting, names = self.life.drafting, []
        option = self.options.take("dataset")
        sample = self.options.integer("train_dataset_sample")
        weights = self.options.words("interleave_prob")
        verb = self.invocation.verb.removeprefix("megatron ")
        form = "text" if verb == "pt" else _FORMATS.get(str(step.get("method")))
        for index, reference in enumerate(_references(option)):
            name = self._add_data(reference, option.origin_of(reference) if option else "")
            if name is None:
                continue
            names.append(name)
            if form:
                self.life.say_of_data(name, "format", Said(form, self.name))
            if sample is not None and sample.value > 0:
                self.life.say_of_data(name, "limit", sample)
            if weights is not None and index < len(weights.value) and (share := as_number(weights.value[index])):
                self.life.say_of_data(name, "weight", Said(share, weights.origin))
        if weights is not None:
            set_mix(self.options.word("stopping_strategy"), step, self.said("first_exhausted"))
        if not names:
            drafting.refuse("dataset", "nothing says what is learned from")
            return
        step.set("data", Said(tuple(names), option.origin if option else self.name))

    def add_first_data(self, option: Option) -> str | None:
        """Write the first data set that an option names and return its name; the others are reported."""
        first, *others = _references(option) or ("",)
        for other in others:
            self.life.drafting.lose(other, "an export is calibrated with one data set")
        return self._add_data(first, option.origin_of(first)) if first else None

    def set_loss(self, step: Training) -> None:
        """Set which tokens are learned from."""
        verb = self.invocation.verb.removeprefix("megatron ")
        scale = self.options.word("loss_scale")
        drafting = self.life.drafting
        if scale is None:
            step.set("loss_on", Said("all", self.name) if verb == "pt" else self.said(self._replies()))
        elif scale.value == "all":
            step.set("loss_on", Said("all", scale.origin))
        else:
            step.set("loss_on", Said("completion" if scale.value == "last_round" else self._replies(), scale.origin))
            if scale.value not in ("default", "last_round"):
                drafting.lose(scale.origin, "tokens of a reply all count the same here")

    def set_precision(self, step: Training) -> None:
        """Set the number format."""
        said = self.options.word("torch_dtype")
        for name in ("bf16", "fp16"):
            flag = self.options.flag(name)
            if said is None and flag is not None and flag.value:
                said = Said(name, flag.origin)
        step.set("precision", translate_precision(said or self.said("auto"), self.life.drafting))

    def set_system(self, step: Training) -> None:
        """Set the system prompt: a text, or a file that holds it."""
        system = self.options.word("system")
        if system is None:
            return
        if str(system.value).endswith(".txt"):
            text = self.life.neighbours.text(str(system.value))
            if text is None:
                self.life.drafting.lose(system.origin, "the file with the system prompt is not here")
                return
            system = Said(text.strip(), f"{system.origin}: its text")
        step.set("system_prompt", system)

    def check_rest(self, step: Training) -> None:
        """Say what the options about rows and optimizer, or their defaults, mean differently."""
        set_truncation(self.options.word("truncation_strategy") or self.said("delete"), step)
        set_adam(self.options, step, self.default("adam_beta2"))
        set_noise(self.options, step)
        step.set_weights(self.options, ("rpo_alpha",), "desirable_weight", "undesirable_weight")
        if step.get("method") == "dpo" and not self.options.has("rpo_alpha"):
            step.set("sft_weight", self.default("rpo_alpha"))

    def finish(self, step: Training) -> None:
        """Write the step, and remember the folder it leaves behind."""
        name = self.life.step_name(str(step.get("method") or "sft"))
        write_step(step, name)
        output = self.options.take("output_dir")
        self.life.wrote(str(output.value) if output else "output", name)
        if output is not None:
            self.life.drafting.leave(output.origin, "every result has a folder of its own, named by its digest")

    def _replies(self) -> str:
        """Return which replies count: every one of a conversation; rows of other formats have only one."""
        drafting = self.life.drafting
        formats = {drafting.value(("data", name, "format")) for name in drafting.names("data")}
        return "replies" if formats & {"messages", None} else "completion"

    def _refuse(self, subject: str, reason: str) -> None:
        self.options.taken.update(self.options.items)
        self.life.drafting.refuse(subject, reason)

    def _uses_hugging_face(self) -> bool:
        flag = self.options.flag("use_hf")
        return bool(flag.value) if flag else self.invocation.environment.get("USE_HF", "0").lower() in ("1", "true")

    def _plain_model(self, option: Option) -> Said | None:
        """Return the model, or the one that a folder in Megatron's own format was made from."""
        written = as_word(option.value)
        if written is None:
            return None
        if origin := self.life.converted.get(written.rstrip("/")):
            return Said(origin, f"{option.origin}: made from it")
        if option.name in ("load", "mcore_model") or written.endswith("-mcore"):
            wanted = written.rstrip("/").rsplit("/", 1)[-1].removesuffix("-mcore").lower()
            found = next((known for known in known_ids() if known.lower().endswith(f"/{wanted}")), None)
            if found:
                self.life.drafting.assume(option.origin, f"a folder in Megatron's format that was made from {found}")
                return Said(found, option.origin)
        return Said(written, option.origin)

    def _loss_type(self, loss: Said, method: str, step: Training) -> None:
        known = METHODS[method].words["loss_type"]
        if len(loss.value) == 1 and loss.value[0] in known:
            step.set("loss_type", Said(loss.value[0], loss.origin))
        elif loss.value == ("simpo",):
            step.set("method", Said("simpo", loss.origin))
        else:
            self.life.drafting.refuse(
                loss.origin, f"losses of {method.upper()} here: {', '.join(sorted(known))}, one at a time"
            )

    def _add_data(self, reference: str, origin: str) -> str | None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            self.life.drafting.lose(reference, "is no reference to a data set")
            return None
        hub_id, sign, subset = match["id"], "", ""
        if not hub_id.startswith(("/", ".")) and ":" in hub_id and "\\" not in hub_id:
            hub_id, sign, subset = hub_id.partition(":")
        hub = (match["hub"] or ("hf" if self._uses_hugging_face() else "ms")).lower()
        name = self.life.add_data(hub_id, origin, hub=hub)
        if hub_id.endswith("/self-cognition"):
            self._self_cognition(name, hub_id)
        if match["limit"] and int(match["limit"]) > 0:
            self.life.say_of_data(
                name, "limit", Said(int(match["limit"]), f"#{match['limit']}: the first, not drawn by lot")
            )
        if sign and subset not in ("default", "train"):
            self.life.say_of_data(name, "subset", Said(subset, f"{hub_id}:{subset}"))
        return name

    def _self_cognition(self, name: str, hub_id: str) -> None:
        """Say how the columns are called, and which names are put in for the placeholders."""
        origin = f"rows of {hub_id}"
        self.life.say_of_data(name, "format", Said("prompt_completion", origin))
        for ours, theirs in (("prompt", "query"), ("completion", "response")):
            self.life.drafting.put(("data", name, "columns", ours), Said(theirs, origin))
        for key, place in (("model_name", "{{NAME}}"), ("model_author", "{{AUTHOR}}")):
            said = self.options.words(key)
            if said is None:
                continue
            self.life.drafting.put(("data", name, "replace", place), Said(said.value[0], said.origin))
            if len(said.value) > 1:
                self.life.drafting.lose(said.origin, "one name is put in, not one for each tongue")


def _references(option: Option | None) -> tuple[str, ...]:
    if option is None:
        return ()
    items = option.value if isinstance(option.value, tuple) else (option.value,)
    return tuple(text for item in items if (text := as_word(item)))
