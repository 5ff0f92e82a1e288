"""A trainer of transformers that learns by PPO: it generates replies, has them paid, and learns from them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, Trainer
from trl.models.utils import unwrap_model_for_generation
from trl.trainer.utils import RepeatSampler, disable_dropout_in_model

from tunewright.runners.training.ppo import objective
from tunewright.runners.training.ppo.policy import as_reference, judge, with_value_head

_HEAD = "value_head.pt"
Batch = dict[str, Any]


class PPOTrainer(Trainer):  # type: ignore[misc]
    """Each batch of prompts is answered once and learnt from in `num_iterations` optimizer steps."""

    def __init__(
        self,
        *,
        model: Any,
        args: Any,
        train_dataset: Any,
        eval_dataset: Any,
        processing_class: Any,
        peft_config: Any | None,
        rewards: list[Callable[..., list[float]]],
        options: Mapping[str, Any],
    ) -> None:
        torch.manual_seed(args.seed)
        model = with_value_head(model, peft_config)
        disable_dropout_in_model(model)
        if args.gradient_checkpointing:
            model.enable_input_require_grads()
        self._rewards, self._options = rewards, options
        self._plain = model
        self._replies: list[Batch] = []
        self._next = 0
        self._figures: dict[str, list[float]] = defaultdict(list)
        super().__init__(
            model=model,
            args=args,
            data_collator=list,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
        )
        self.model_accepts_loss_kwargs = False

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        arguments = self.args
        together = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
        return RepeatSampler(
            train_dataset if train_dataset is not None else self.train_dataset,
            mini_repeat_count=1,
            batch_size=together,
            repeat_count=self._options["num_iterations"],
            seed=arguments.seed,
        )

    def _prepare_inputs(self, inputs: list[Batch]) -> Batch:
        """Return replies to the prompts: new ones, or those already there when the prompts come again."""
        if not self.model.training:
            return self._answered(inputs)
        parts = self.args.gradient_accumulation_steps
        if self.state.global_step % self._options["num_iterations"] == 0 and self._next == 0:
            self._replies = []
        # After a resume between two rounds the replies are gone: then they are generated anew.
        if self._next >= len(self._replies):
            self._replies.append(self._answered(inputs))
        part, self._next = self._next, (self._next + 1) % parts
        return self._replies[part]

    def _answered(self, rows: list[Batch]) -> Batch:
        """Return tokens of prompts and replies with what is needed to learn from them."""
        with torch.no_grad():
            return self._answered_and_paid(rows)

    def _answered_and_paid(self, rows: list[Batch]) -> Batch:
        tokens, mask, length = self._generated([row["prompt"] for row in rows])
        replies = mask[:, -length:]
        said = self.processing_class.batch_decode(tokens[:, -length:], skip_special_tokens=True)
        scores = self._scores(rows, said)
        temperature = self._options["temperature"]
        old = judge(self._plain, tokens, mask, length, temperature)
        with as_reference(self._plain):
            reference = judge(self._plain, tokens, mask, length, temperature)
        log_ratio = (old.log_probabilities - reference.log_probabilities) * replies
        paid = objective.token_rewards(scores, log_ratio, replies, self._options["beta"])
        advantages, returns = objective.advantages_of(
            paid, old.values, replies, gamma=self._options["gamma"], lam=self._options["lam"]
        )
        self._note(reward=scores.mean(), kl=log_ratio.sum(dim=1).mean(), reply_tokens=replies.sum(dim=1).float().mean())
        return {
            "input_ids": tokens,
            "attention_mask": mask,
            "reply_mask": replies.float(),
            "old_log_probabilities": old.log_probabilities,
            "old_values": old.values,
            "advantages": objective.whitened(advantages, replies.float()),
            "returns": returns,
        }

    def _generated(self, prompts: list[Any]) -> tuple[Any, Any, int]:
        """Return tokens and mask of prompts (padded on the left) with replies, and the length of the longest reply."""
        texts = [
            self.processing_class.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            for prompt in prompts
        ]
        asked = self.processing_class(
            texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
        )
        asked = {name: asked[name].to(self.accelerator.device) for name in ("input_ids", "attention_mask")}
        settings = GenerationConfig(
            max_new_tokens=self._options["max_completion_length"],
            do_sample=True,
            temperature=self._options["temperature"],
            top_k=0,
            top_p=1.0,
            pad_token_id=self.processing_class.pad_token_id,
            eos_token_id=self.processing_class.eos_token_id,
        )
        with unwrap_model_for_generation(self.model_wrapped, self.accelerator) as model:
            model.eval()
            tokens = model.generate(**asked, generation_config=settings)
            model.train(self.model.training)
        length = tokens.shape[1] - asked["input_ids"].shape[1]
        ended = tokens[:, -length:] == self.processing_class.eos_token_id
        before_end = (ended.long().cumsum(dim=1) - ended.long()) == 0  # up to the first end of text, that included
        return tokens, torch.cat([asked["attention_mask"], before_end.long()], dim=1), length

    def _scores(self, rows: list[Batch], said: list[str]) -> Any:
        replies = [[{"role": "assistant", "content": text}] for text in said]
        prompts, columns = [row["prompt"] for row in rows], [row["row"] for row in rows]
        total = torch.zeros(len(rows), device=self.accelerator.device)
        for function, reward in zip(self._rewards, self._options["rewards"], strict=True):
            paid = function(prompts=prompts, completions=replies, row=columns)
            total += float(reward["weight"]) * torch.tensor(paid, dtype=torch.float32, device=total.device)
        return total

    def compute_loss(self, model: Any, inputs: Batch, *_: Any, **__: Any) -> Any:
        """Return the clipped loss of the policy and, `vf_coef` times, that of the value head."""
        mask, epsilon = inputs["reply_mask"], self._options["epsilon"]
        now = judge(
            model,
            inputs["input_ids"],
            inputs["attention_mask"],
            mask.shape[1],
            self._options["temperature"],
        )
        log_ratio = (now.log_probabilities - inputs["old_log_probabilities"]) * mask
        policy, cut_off = objective.policy_loss(log_ratio, inputs["advantages"], mask, epsilon)
        value = objective.value_loss(now.values, inputs["old_values"], inputs["returns"], mask, epsilon)
        self._note(policy_loss=policy, value_loss=value, clip_fraction=cut_off)
        return policy + self._options["vf_coef"] * value

    def prediction_step(self, model: Any, inputs: list[Batch], *_: Any, **__: Any) -> tuple[Any, None, None]:
        """Return the loss on new replies to held-out prompts."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    def log(self, logs: dict[str, float], *rest: Any, **named: Any) -> None:
        """Log the means since the last line beside what every trainer logs."""
        prefix = "eval_" if any(name.startswith("eval_") for name in logs) else ""
        means = {prefix + name: sum(values) / len(values) for name, values in self._figures.items()}
        self._figures.clear()
        super().log(logs | means, *rest, **named)

    def _note(self, **figures: Any) -> None:
        for name, value in figures.items():
            self._figures[name].append(float(self.accelerator.gather(value.detach()).float().mean()))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
            torch.save(self._plain.value_head.state_dict(), folder / _HEAD)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        state = torch.load(Path(resume_from_checkpoint) / _HEAD, map_location="cpu", weights_only=True)
        self._plain.value_head.load_state_dict(state)
