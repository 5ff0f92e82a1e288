"""textDocument/completion: keys of the section, words of an enumeration, names of this spec, layers of this model."""

from lsprotocol import types

from tunewright.client.lsp.candidates import Candidate, candidates, requirement_word
from tunewright.client.lsp.context import Context, context_at
from tunewright.client.lsp.fields import (
    deciding_key,
    is_foreign,
    is_section,
    keys_at,
    kind_at,
    language_path,
    text_at,
    words_at,
)
from tunewright.client.lsp.names import Kind
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.model.document import VERBS
from tunewright.spec.syntax import MappingNode, ScalarNode

TRIGGERS = [":", " ", ".", "-", "[", "{", ",", "/", '"']
_KINDS = {
    Kind.STEP: types.CompletionItemKind.Module,
    Kind.DATA: types.CompletionItemKind.File,
    Kind.SUITE: types.CompletionItemKind.File,
    Kind.BASE: types.CompletionItemKind.Module,
}


def completion(snapshot: Snapshot, position: types.Position) -> types.CompletionList:
    """Return what may be written at a position."""
    offset = snapshot.offset(position)
    context = context_at(snapshot.body, offset)
    items: list[types.CompletionItem] = []
    if context is not None:
        if context.is_key:
            items = _keys(snapshot, context, offset, context.path)
        else:
            items = _values(snapshot, context, offset)
            # `- ` may begin a word or a mapping.
            items += _keys(snapshot, context, offset, context.path) if context.may_be_key else []
    return types.CompletionList(is_incomplete=False, items=items)


def _keys(snapshot: Snapshot, context: Context, offset: int, path: tuple[str | int, ...]) -> list[types.CompletionItem]:
    present = _present(snapshot, context, path)
    known = [key for key in keys_at(path) if key not in present]
    if any(verb in present for verb in VERBS) and _is_step(path):
        known = [key for key in known if key not in VERBS]
    if (deciding := deciding_key(path)) and (word := _word(snapshot, (*path, deciding))):
        known = [key for key in known if not is_foreign(path, key, word)]
    end = _word_end(snapshot.body, offset)
    return [
        types.CompletionItem(
            label=key,
            kind=types.CompletionItemKind.Property,
            detail=kind_at((*path, key)) or None,
            documentation=_markdown(text_at((*path, key))),
            sort_text=f"{index:03}",
            filter_text=key,
            text_edit=types.TextEdit(
                range=snapshot.range(context.start, end),
                new_text=key + _behind_key(snapshot.body[end : end + 1], (*path, key), context),
            ),
        )
        for index, key in enumerate(known)
    ]


def _behind_key(following: str, path: tuple[str | int, ...], context: Context) -> str:
    """Return the colon where there is none yet; what is inside a section begins on the next line."""
    if following == ":":
        return ""
    return ":" if is_section(path) and not context.in_flow else ": "


def _values(snapshot: Snapshot, context: Context, offset: int) -> list[types.CompletionItem]:
    start = context.start
    if language_path(context.path)[2:4] == ("gate", "require"):
        start = offset - len(requirement_word(context.prefix))
    end = _word_end(snapshot.body, offset)
    # Directly behind `key:` YAML wants a blank.
    gap = " " if snapshot.body[start - 1 : start] == ":" and not context.prefix else ""
    return [
        types.CompletionItem(
            label=item.word,
            kind=_KINDS[item.kind] if item.kind else types.CompletionItemKind.EnumMember,
            detail=item.detail or None,
            documentation=_markdown(item.text),
            sort_text=f"{index:03}",
            filter_text=gap + item.word,
            text_edit=types.TextEdit(range=snapshot.range(start, end), new_text=gap + item.word),
            command=_again() if _goes_on(item) else None,
        )
        for index, item in enumerate(candidates(snapshot, context.path, context.prefix))
    ]


def _present(snapshot: Snapshot, context: Context, path: tuple[str | int, ...]) -> set[str]:
    """Return the keys that the mapping has already, without the one that is being written."""
    node = snapshot.tree.node(path) if snapshot.tree is not None else None
    entries = node.entries if isinstance(node, MappingNode) else {}
    return {key for key, entry in entries.items() if entry.key.start != context.start}


def _word(snapshot: Snapshot, path: tuple[str | int, ...]) -> str | None:
    """Return the word that is written at a path, if it is one that the language knows there."""
    node = snapshot.tree.node(path) if snapshot.tree is not None else None
    return str(node.value) if isinstance(node, ScalarNode) and node.value in words_at(path) else None


def _is_step(path: tuple[str | int, ...]) -> bool:
    inner = language_path(path)
    return len(inner) == 2 and inner[0] == "steps"


def _word_end(text: str, offset: int) -> int:
    while offset < len(text) and (text[offset].isalnum() or text[offset] == "_"):
        offset += 1
    return offset


def _goes_on(item: Candidate) -> bool:
    return item.word.endswith((".", "://", ":"))


def _again() -> types.Command:
    """Ask the editor to offer completions again; editors that do not know the command leave it."""
    return types.Command(title="complete further", command="editor.action.triggerSuggest")


def _markdown(text: str) -> types.MarkupContent | None:
    return types.MarkupContent(kind=types.MarkupKind.Markdown, value=text) if text else None
