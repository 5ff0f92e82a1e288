"""Make a tokenizer agree with its own chat template: which token ends a reply, which one pads."""

from typing import Any

_MARK = "TUNEWRIGHT-REPLY"

#: Tokens that publishers reserve for padding or leave unused in chats, best first.
_PAD_CANDIDATES = ("<|finetune_right_pad_id|>", "<|pad|>", "<pad>", "[PAD]", "<|endoftext|>", "<unk>")


def repair_tokenizer(tokenizer: Any, model: Any) -> None:
    """Set EOS to what the template writes after a reply, PAD to another token, the length limit to the model's.

    With a wrong EOS generation never stops; with PAD equal to EOS training masks the end of every reply, and the
    model never learns to stop.
    """
    ending = reply_end_token(tokenizer)
    if ending is not None and ending != tokenizer.eos_token:
        tokenizer.eos_token = ending
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        tokenizer.pad_token = _unused_token(tokenizer) or tokenizer.eos_token
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is not None:
        tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
    for settings in (model.config, model.generation_config):
        settings.eos_token_id = tokenizer.eos_token_id
        settings.pad_token_id = tokenizer.pad_token_id


def reply_end_token(tokenizer: Any) -> str | None:
    """Return the special token that the chat template writes right after a reply, or None when there is none."""
    if not tokenizer.chat_template:
        return None
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": _MARK}]
    rest = tokenizer.apply_chat_template(turns, tokenize=False).rpartition(_MARK)[2].lstrip()
    special = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return max((token for token in special if rest.startswith(token)), key=len, default=None)


def _unused_token(tokenizer: Any) -> str | None:
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    special -= {tokenizer.eos_token, tokenizer.bos_token}
    return next((token for token in (*_PAD_CANDIDATES, tokenizer.unk_token) if token in special), None)
