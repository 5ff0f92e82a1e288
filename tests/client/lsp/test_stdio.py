"""The server as editors meet it: a process, its standard input and output, pytest-lsp's client."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest
from editing.marked import HEAD, SAMPLE, Desk
from editing.session import session
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tunewright.spec.methods import METHODS


def test_a_life_in_an_editor(desk: Desk, tmp_path: Path) -> None:
    """Open a spec with a mistake, be told, look around, mend it, see the plan, rename."""

    async def live() -> None:
        async with session(tmp_path / "home", inlayHints=True) as editor:
            client, uri = editor.client, desk.uri
            editor.open(uri, SAMPLE.replace("data: rows", "data: roows"))
            found = await editor.findings(uri)
            assert "TW2001" in [item.code for item in found]

            where = types.TextDocumentIdentifier(uri)
            whole = types.Range(types.Position(0, 0), types.Position(99, 0))
            actions = await client.text_document_code_action_async(
                types.CodeActionParams(where, whole, types.CodeActionContext(found))
            )
            assert [item.title for item in actions or ()] == ["change `roows` to `rows`"]

            editor.change(uri, SAMPLE)
            assert await editor.findings(uri) == []

            hover = await client.text_document_hover_async(types.HoverParams(**editor.at(uri, "tuner", 1)))
            assert hover is not None
            assert "`16`" in str(hover.contents)
            offered = await client.text_document_completion_async(types.CompletionParams(**editor.at(uri, "sft, data")))
            assert isinstance(offered, types.CompletionList)
            assert [item.label for item in offered.items] == list(METHODS)
            targets = await client.text_document_definition_async(
                types.DefinitionParams(**editor.at(uri, "sft, suites"))
            )
            assert isinstance(targets, list | tuple)
            assert [item.range.start.line for item in targets if isinstance(item, types.Location)] == [9]
            edit = await client.text_document_rename_async(
                types.RenameParams(**editor.at(uri, "exam:"), new_name="check")
            )
            assert edit is not None
            assert len((edit.changes or {})[uri]) == 3
            with pytest.raises(JsonRpcException, match="is not a name"):
                await client.text_document_rename_async(types.RenameParams(**editor.at(uri, "exam:"), new_name="A b"))
            hints = await client.text_document_inlay_hint_async(types.InlayHintParams(where, whole))
            assert len(hints or ()) == 4
            lenses = await client.text_document_code_lens_async(types.CodeLensParams(where))
            assert len(lenses or ()) == 4
            command = (lenses or ())[0].command
            assert command is not None
            plan = await client.workspace_execute_command_async(
                types.ExecuteCommandParams(command.command, command.arguments)
            )
            assert "train_trl" in plan
            outline = await client.text_document_document_symbol_async(types.DocumentSymbolParams(where))
            assert len(outline or ()) == 7
            assert await client.text_document_folding_range_async(types.FoldingRangeParams(where))
            tidy = types.DocumentFormattingParams(where, types.FormattingOptions(2, True))
            assert not await client.text_document_formatting_async(tidy)

    asyncio.run(live())


def test_superseded_versions_are_dropped_and_requests_see_the_newest(desk: Desk, tmp_path: Path) -> None:
    async def live() -> None:
        async with session(tmp_path / "home") as editor:
            editor.open(desk.uri, SAMPLE)
            for rank in range(1, 30):
                editor.change(desk.uri, SAMPLE.replace("type: lora", f"type: lora, rank: {rank}"))
            hover = await editor.client.text_document_hover_async(types.HoverParams(**editor.at(desk.uri, "tuner", 1)))
            assert "`29`" in str(hover)
            await editor.findings(desk.uri)
            assert len(editor.published) < 10

    asyncio.run(live())


def test_a_changed_data_file_is_seen_when_something_is_saved(desk: Desk, tmp_path: Path) -> None:
    async def live() -> None:
        async with session(tmp_path / "home") as editor:
            editor.open(desk.uri, SAMPLE)
            assert await editor.findings(desk.uri) == []
            (desk.folder / "rows.jsonl").write_text('{"text": 1}\n', encoding="utf-8")
            editor.published.clear()
            editor.client.text_document_did_save(
                types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(desk.uri))
            )
            assert "TW2011" in [item.code for item in await editor.findings(desk.uri)]

    asyncio.run(live())


def test_other_yaml_is_left_alone_and_closing_clears(desk: Desk, tmp_path: Path) -> None:
    async def live() -> None:
        async with session(tmp_path / "home") as editor:
            other = (tmp_path / "compose.yaml").as_uri()
            editor.open(other, "services: {a: [}")
            assert await editor.findings(other) == []
            offered = await editor.client.text_document_completion_async(
                types.CompletionParams(types.TextDocumentIdentifier(other), types.Position(0, 0))
            )
            assert offered is None
            editor.open(desk.uri, "a: [")
            assert await editor.findings(desk.uri)
            editor.client.text_document_did_close(
                types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(desk.uri))
            )
            editor.versions[desk.uri] = None  # type: ignore[assignment]
            assert await editor.findings(desk.uri) == []

    asyncio.run(live())


@pytest.mark.parametrize(
    ("encodings", "columns"), [((), (9, 11)), (("utf-16",), (9, 11)), (("utf-8", "utf-16"), (9, 13))]
)
def test_columns_are_those_of_the_encoding_agreed_on(
    desk: Desk, tmp_path: Path, encodings: tuple[str, ...], columns: tuple[int, int]
) -> None:
    async def live() -> None:
        async with session(tmp_path / "home", *encodings) as editor:
            editor.open(desk.uri, "\ufeff# 模🦜\t\r\n" + HEAD.replace("\n", "\r\n") + "steps: { 🦜: {}}\r\n")
            [found] = [item for item in await editor.findings(desk.uri) if item.code == "TW1006"]
            assert (found.range.start.line, found.range.end.line) == (9, 9)
            assert (found.range.start.character, found.range.end.character) == columns

    asyncio.run(live())


def test_no_edits_end_it(desk: Desk, tmp_path: Path) -> None:
    """Two hundred random edits, a request after each; at the end it answers as if nothing had been."""
    chance = random.Random(7)
    pieces = ["\n", "  ", "{", "}", "- ", '"', ": ", "🦜", "\ud83d", "\x00", "\u2028", "steps:", "&a *a", "|", "\r"]

    async def live() -> None:
        async with session(tmp_path / "home") as editor:
            client, uri = editor.client, desk.uri
            editor.open(uri, SAMPLE)
            where = types.TextDocumentIdentifier(uri)
            for _ in range(200):
                text = editor.texts[uri]
                start = chance.randrange(len(text) + 1)
                piece = "".join(chance.choices(pieces, k=chance.randrange(4)))
                editor.change(uri, text[:start] + piece + text[start + chance.choice([0, 0, 2, 30]) :] or SAMPLE)
                place = types.Position(chance.randrange(25), chance.randrange(50))
                await client.text_document_completion_async(types.CompletionParams(where, place))
                await client.text_document_hover_async(types.HoverParams(where, place))
                await client.text_document_document_symbol_async(types.DocumentSymbolParams(where))
            editor.change(uri, SAMPLE)
            assert await editor.findings(uri) == []

    asyncio.run(live())


def message(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def test_no_bytes_end_it(tmp_path: Path) -> None:
    """Messages that are none are passed over; the one request among them is answered; the end of input ends it."""
    noise = [b"{", b"[]", b'"x"', b"\xff\xfe", b'{"jsonrpc": "2.0"}', b'{"jsonrpc": "2.0", "id": 1, "method": "no"}']
    noise += [b'{"jsonrpc": "2.0", "id": 2, "method": "textDocument/hover", "params": {"position": -1}}', b"[" * 9000]
    hello = b'{"jsonrpc": "2.0", "id": 77, "method": "initialize", "params": {"capabilities": {}}}'
    talk = b"".join(map(message, [*noise, hello])) + b"Content-Length: x\r\n\r\nrubbish\r\n" + b"\x00" * 99
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tunewright", "lsp"], input=talk, capture_output=True, timeout=60, check=False
    )

    assert b'"id": 77' in done.stdout
    assert b'"hoverProvider": true' in done.stdout
    assert done.returncode == 0, done.stderr


def test_an_unreadable_policy_is_said_once(desk: Desk, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "policy.yaml").mkdir()

    async def live() -> None:
        async with session(home) as editor:
            for rank in range(3):
                text = SAMPLE.replace("type: lora", f"type: lora, rank: {rank + 1}")
                editor.change(desk.uri, text) if rank else editor.open(desk.uri, text)
                await editor.findings(desk.uri)
            assert len(editor.messages) == 1
            assert "policy" in editor.messages[0]

    asyncio.run(live())
