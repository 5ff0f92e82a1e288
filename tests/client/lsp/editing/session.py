"""An editor's session with `tunewright lsp` over standard input and output, with pytest-lsp's client."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient

DEADLINE_SECONDS = 30
_MARKDOWN = [types.MarkupKind.Markdown]


@dataclass(slots=True)
class Session:
    """One client and the documents it has open."""

    client: LanguageClient
    versions: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    published: dict[tuple[str, int | None], list[types.Diagnostic]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self, uri: str, text: str) -> None:
        """Open a document."""
        self.versions[uri], self.texts[uri] = 1, text
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, text))
        )

    def change(self, uri: str, text: str) -> None:
        """Send the next version of a document."""
        self.versions[uri] += 1
        self.texts[uri] = text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[uri], uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def take(self, params: types.PublishDiagnosticsParams) -> None:
        """Remember what the server published."""
        self.published[params.uri, params.version] = list(params.diagnostics)
        self._news.set()

    async def findings(self, uri: str) -> list[types.Diagnostic]:
        """Return the findings of the newest version of a document, once they are there."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (uri, self.versions[uri]) not in self.published:
                self._news.clear()
                await self._news.wait()
        return self.published[uri, self.versions[uri]]

    def at(self, uri: str, words: str, inside: int = 0) -> dict[str, Any]:
        """Return document and position of words in a document (of ASCII), as parameters of a request."""
        before = self.texts[uri][: self.texts[uri].index(words) + inside]
        place = types.Position(before.count("\n"), len(before) - before.rfind("\n") - 1)
        return {"text_document": types.TextDocumentIdentifier(uri), "position": place}


@contextlib.asynccontextmanager
async def session(home: Path, *encodings: str, **options: Any) -> AsyncIterator[Session]:
    """Start a server with a home of its own, initialized with options; it must end by itself afterwards."""
    client = LanguageClient(converter_factory=default_converter)
    opened = Session(client)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def take(params: types.PublishDiagnosticsParams) -> None:
        opened.take(params)

    @client.feature(types.WINDOW_SHOW_MESSAGE)
    def listen(params: types.ShowMessageParams) -> None:
        opened.messages.append(params.message)

    environment = {**os.environ, "TUNEWRIGHT_HOME": str(home), "TUNEWRIGHT_CACHE": str(home / "cache")}
    await client.start_io(sys.executable, "-P", "-m", "tunewright", "lsp", env=environment)
    await client.initialize_session(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(
                general=types.GeneralClientCapabilities(position_encodings=list(encodings) or None),
                text_document=types.TextDocumentClientCapabilities(
                    hover=types.HoverClientCapabilities(content_format=_MARKDOWN),
                    completion=types.CompletionClientCapabilities(
                        completion_item=types.ClientCompletionItemOptions(documentation_format=_MARKDOWN)
                    ),
                ),
            ),
            initialization_options=options,
        )
    )
    try:
        yield opened
    finally:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await client.shutdown_session()
