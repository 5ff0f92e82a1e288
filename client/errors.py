"""What a client call may raise.

ClientError
├── AddressError       what is to be called is no address
├── CredentialError    what the client shows, or what the daemon shows, will not do; the message says which
├── UnreachableError   nobody answers at the target
└── RefusedError       the daemon answered no; `reason` is of the daemon's append-only table
"""

from collections.abc import Mapping, Sequence

from tunewright.client.values import Diagnostic


class ClientError(Exception):
    """Anything that a call to the daemon can end with but an answer."""


class AddressError(ClientError):
    """What is to be called is no address of a daemon; `help` says how one is written."""

    def __init__(self, message: str, *, help: str = "") -> None:  # noqa: A002 - the word users read
        super().__init__(message)
        self.message, self.help = message, help


class CredentialError(ClientError):
    """A credential will not do: it can't be read, has expired, or is of an authority that the other side does not know.

    The message says which file it is and why, `help` what to do.
    """

    def __init__(self, message: str, *, help: str = "") -> None:  # noqa: A002 - the word users read
        super().__init__(message)
        self.message, self.help = message, help


class UnreachableError(ClientError):
    """Nobody answers at `target`; the message says what was tried and what to do."""

    def __init__(self, message: str, *, target: str) -> None:
        super().__init__(message)
        self.target = target


class RefusedError(ClientError):
    """The daemon refused a call.

    `code` is the gRPC code in lower case (`not_found`), `reason` an UPPER_SNAKE word, `metadata` the words of the
    message that vary; `diagnostics` come with SPEC_INVALID (the first few; `check` answers all).
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str,
        metadata: Mapping[str, str],
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.reason, self.metadata = message, code, reason, dict(metadata)
        self.diagnostics = tuple(diagnostics)
