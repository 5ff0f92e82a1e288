"""Every reply of a conversation as tokens that are learned from, whatever the model's chat template.

The places of the replies are found by rendering the conversation a second time with a mark in place of each reply:
templates need not say where replies begin, and may write earlier turns otherwise than the last one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewright.runners.sdk import StepFailedError

#: Labels of tokens that are read but not learned (PyTorch's own number for it).
IGNORED = -100
_MARK = "REPLY#{number}#HERE"


def reply_tokens(
    tokenizer: Any, messages: Sequence[Mapping[str, Any]], tools: Any | None = None
) -> dict[str, list[int]]:
    """Return `input_ids` and `labels` of a conversation; learned are the replies with the tokens that end them.

    Raises StepFailedError where the template hides the replies or the tokenizer can't say where its tokens lie.
    """
    text, segments = _rendered(tokenizer, messages, tools)
    spans = [*_spans(text, segments, messages)]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    special = set(tokenizer.all_special_ids)
    labels = [IGNORED] * len(ids)
    for begin, end in spans:
        for index, (left, right) in enumerate(offsets):
            if left < end and right > begin:
                labels[index] = ids[index]
            elif left == end and ids[index] in special:
                labels[index] = ids[index]
                break
    return {"input_ids": list(ids), "labels": labels}


def _rendered(tokenizer: Any, messages: Sequence[Mapping[str, Any]], tools: Any | None) -> tuple[str, list[str]]:
    """Return the conversation as text, and what the template writes around its replies."""
    if not getattr(tokenizer, "is_fast", False):
        raise _hidden("its tokenizer does not say where tokens lie in a text")
    marked: list[dict[str, Any]] = []
    marks: list[str] = []
    for message in messages:
        if message["role"] == "assistant":
            marks.append(_MARK.format(number=len(marks)))
            marked.append({"role": "assistant", "content": marks[-1]})
        else:
            marked.append(dict(message))
    try:
        text = tokenizer.apply_chat_template(list(messages), tools=tools, tokenize=False)
        rest = tokenizer.apply_chat_template(marked, tools=tools, tokenize=False)
    except Exception as error:  # templates are programs: jinja2 raises whatever their author wrote
        raise _hidden(f"its chat template refuses the messages: {error}") from error
    segments = []
    for mark in marks:
        before, found, rest = rest.partition(mark)
        if not found:
            raise _hidden("its chat template does not write every reply")
        segments.append(before)
    return text, [*segments, rest]


def _spans(text: str, segments: Sequence[str], messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield where each reply lies in the text."""
    replies = [message.get("content") or "" for message in messages if message["role"] == "assistant"]
    if not text.startswith(segments[0]):
        raise _hidden("its chat template writes a conversation otherwise when replies differ")
    begin = len(segments[0])
    for number, reply in enumerate(replies, start=1):
        following = segments[number]
        end = next(
            (
                begin + len(written)
                for written in (reply, reply.strip())
                if text.startswith(written + following, begin) and (written or not reply)
            ),
            -1,
        )
        if end < 0:  # the template changed the reply, as those do that take thoughts out of earlier turns
            is_last = number == len(replies)
            end = len(text) - len(following) if is_last and text.endswith(following) else text.find(following, begin)
        if end < begin or (not following and number < len(replies)):
            raise _hidden("its chat template does not part the turns")
        yield begin, end
        begin = end + len(following)


def _hidden(why: str) -> StepFailedError:
    return StepFailedError(
        f"the replies of a conversation can't be found in the model's text: {why}",
        reason="REPLIES_HIDDEN",
        help="write `loss_on: completion`, which learns the last reply of each row",
    )
