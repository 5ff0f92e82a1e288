"""The language server: which request is answered by what, and that nothing a request meets can end the server."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

import tunewright
from tunewright.client.lsp.code_actions import code_actions
from tunewright.client.lsp.code_lens import SHOW_PLAN, code_lenses, show_plan
from tunewright.client.lsp.completion import TRIGGERS, completion
from tunewright.client.lsp.definition import definition
from tunewright.client.lsp.diagnostics import diagnostics
from tunewright.client.lsp.documents import OpenDocuments, World
from tunewright.client.lsp.folding import folding
from tunewright.client.lsp.formatting import formatting
from tunewright.client.lsp.hover import hover
from tunewright.client.lsp.inlay_hints import inlay_hints
from tunewright.client.lsp.references import references
from tunewright.client.lsp.rename import RenameError, prepare_rename, rename
from tunewright.client.lsp.settings import Settings, settings_from
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.client.lsp.symbols import symbols

_LOG = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

#: The protocol's code for a request that is understood and can't be done.
_REQUEST_FAILED = -32803


class TunewrightServer(LanguageServer):
    """The server and what it holds: the open documents and the editor's settings."""

    def __init__(self, world: World) -> None:
        # Whole texts: the library behind us ends lines where the protocol does not (U+2028), so that a change of a
        # part could land elsewhere; a spec has a few kilobytes.
        super().__init__("tunewright", tunewright.__version__, types.TextDocumentSyncKind.Full)
        self.settings = Settings()
        self.documents = OpenDocuments(ThreadPoolExecutor(2, "compile"), world, self.publish, self.complain)

    def publish(self, snapshot: Snapshot) -> None:
        """Tell the editor what was found in a snapshot."""
        found = diagnostics(snapshot) if snapshot.is_spec else []
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=snapshot.uri, version=snapshot.version, diagnostics=found)
        )

    def complain(self, sentence: str) -> None:
        """Tell people that nothing can be compiled, and why."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"Tunewright: {sentence}"))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong; people in the middle of a sentence are not interrupted with it."""
        _LOG.error("%s: %s", getattr(source, "__name__", source), error)


def make_server(world: World) -> TunewrightServer:
    """Return a server that answers every request; `world` gives what the compiler is told about this machine."""
    server = TunewrightServer(world)
    _follow_documents(server)
    _answer_writing(server)
    _answer_looking(server)
    _answer_plan(server)
    return server


def _follow_documents(server: TunewrightServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.settings = settings_from(params.initialization_options)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configure(params: types.DidChangeConfigurationParams) -> None:
        if isinstance(params.settings, Mapping) and params.settings:
            server.settings = settings_from(params.settings)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.documents.put(document.uri, document.text, document.version, _encoding(server))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        text = server.workspace.get_text_document(uri).source
        server.documents.put(uri, text, params.text_document.version, _encoding(server))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(_params: types.DidSaveTextDocumentParams) -> None:
        server.documents.compile_again()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(_params: types.DidChangeWatchedFilesParams) -> None:
        server.documents.compile_again()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.documents.close(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))


def _encoding(server: TunewrightServer) -> str:
    return types.PositionEncodingKind(server.workspace.position_encoding or types.PositionEncodingKind.Utf16).value


def _answer_writing(server: TunewrightServer) -> None:
    """Requests that help with writing: they look at the text as it is this moment."""

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    def complete(params: types.CompletionParams) -> types.CompletionList | None:
        return _now(server, params, None, lambda snapshot: completion(snapshot, params.position))

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        return _now(server, params, None, lambda snapshot: prepare_rename(snapshot, params.position))

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def change_name(params: types.RenameParams) -> types.WorkspaceEdit | None:
        return _now(server, params, None, lambda snapshot: rename(snapshot, params.position, params.new_name))

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_document(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        return _now(server, params, [], formatting)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    async def act(params: types.CodeActionParams) -> list[types.CodeAction]:
        return await _compiled(server, params, [], lambda snapshot: code_actions(snapshot, params.range))


def _answer_looking(server: TunewrightServer) -> None:
    """Requests that help with reading."""

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def look(params: types.HoverParams) -> types.Hover | None:
        return await _compiled(server, params, None, lambda snapshot: hover(snapshot, params.position))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> list[types.Location]:
        return _now(server, params, [], lambda snapshot: definition(snapshot, params.position))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def refer(params: types.ReferenceParams) -> list[types.Location]:
        with_declaration = params.context.include_declaration
        return _now(server, params, [], lambda snapshot: references(snapshot, params.position, with_declaration))

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        return _now(server, params, [], symbols)

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def fold(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        return _now(server, params, [], folding)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        if not server.settings.inlay_hints:
            return []
        return await _compiled(server, params, [], lambda snapshot: inlay_hints(snapshot, params.range))


def _answer_plan(server: TunewrightServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        return await _compiled(server, params, [], code_lenses) if server.settings.code_lens else []

    @server.command(SHOW_PLAN)
    async def plan(*arguments: Any) -> str | None:
        uri, step = (*arguments, None, None)[:2]
        snapshot = await server.documents.compiled(uri) if isinstance(uri, str) else None
        step_name = step if isinstance(step, str) else None
        return _guarded(None, lambda found: show_plan(found, step_name), snapshot)


def _now(server: TunewrightServer, params: Any, empty: _Answer, answer: Callable[[Snapshot], _Answer]) -> _Answer:
    return _guarded(empty, answer, server.documents.newest(params.text_document.uri))


async def _compiled(
    server: TunewrightServer, params: Any, empty: _Answer, answer: Callable[[Snapshot], _Answer]
) -> _Answer:
    return _guarded(empty, answer, await server.documents.compiled(params.text_document.uri))


def _guarded(empty: _Answer, answer: Callable[[Snapshot], _Answer], snapshot: Snapshot | None) -> _Answer:
    """Answer; what fails is our bug: it is logged, and the editor gets an empty answer."""
    if snapshot is None:
        return empty
    try:
        return answer(snapshot)
    except RenameError as error:
        raise JsonRpcException(message=str(error), code=_REQUEST_FAILED) from error
    except Exception:
        _LOG.exception("a request failed")
        return empty
