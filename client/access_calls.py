"""The calls about access as values; see `calls`."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tunewright.client.access_values import AccessEvent, Blocked, Grant, Identity, Token
from tunewright.client.calls import Call, Page
from tunewright.client.wire import time_of
from tunewright.proto.v1 import access_pb2, access_service_pb2_grpc
from tunewright.proto.v1 import access_service_pb2 as wire
from tunewright.spec.access import Role

_DAY_SECONDS = 24 * 3600
Answer = TypeVar("Answer")


def who_am_i() -> Call[Identity]:
    """Who calls."""
    return _call("WhoAmI", wire.WhoAmIRequest(), _identity)


def create_token(subject: str, grants: Sequence[Grant], *, days: float, certificate: str) -> Call[tuple[Token, str]]:
    """A new token. Sent again it would make a second one, whose secret nobody saw."""
    request = wire.CreateTokenRequest(
        subject=subject,
        grants=[
            access_pb2.Grant(role=access_pb2.Role.Value(f"ROLE_{grant.role.upper()}"), project=grant.project)
            for grant in grants
        ],
        lifetime_seconds=round(days * _DAY_SECONDS),
        certificate=certificate,
    )
    return _call("CreateToken", request, lambda answer: (_token(answer.token), answer.secret), repeatable=False)


def list_tokens(token: str, *, ended: bool) -> Call[Page[Token]]:
    """A page of tokens."""
    request = wire.ListTokensRequest(page_token=token, show_ended=ended)
    return _call(
        "ListTokens", request, lambda answer: ([_token(item) for item in answer.tokens], answer.next_page_token)
    )


def revoke_token(token: str) -> Call[Token]:
    """A token that is no more."""
    return _call("RevokeToken", wire.RevokeTokenRequest(name=f"tokens/{token}"), lambda answer: _token(answer.token))


def block(subject: str, *, reason: str) -> Call[Blocked]:
    """Somebody who is kept out."""
    request = wire.BlockIdentityRequest(subject=subject, reason=reason)
    return _call("BlockIdentity", request, lambda answer: _blocked(answer.blocked_identity))


def unblock(subject: str) -> Call[None]:
    """Somebody who is let in again."""
    request = wire.UnblockIdentityRequest(name=f"blockedIdentities/{subject}")
    return _call("UnblockIdentity", request, lambda _: None)


def list_blocked() -> Call[tuple[Blocked, ...]]:
    """Everybody who is kept out."""
    request = wire.ListBlockedIdentitiesRequest()
    return _call(
        "ListBlockedIdentities", request, lambda answer: tuple(_blocked(item) for item in answer.blocked_identities)
    )


def list_access_events(token: str) -> Call[Page[AccessEvent]]:
    """A page of the log of access."""
    request = wire.ListAccessEventsRequest(page_token=token)
    return _call(
        "ListAccessEvents", request, lambda answer: ([_event(item) for item in answer.events], answer.next_page_token)
    )


def _call(method: str, request: Any, read: Callable[[Any], Answer], *, repeatable: bool = True) -> Call[Answer]:
    stub = access_service_pb2_grpc.AccessServiceStub
    return Call(stub=stub, method=method, request=request, read=read, repeatable=repeatable)


def _grants(messages: Any) -> tuple[Grant, ...]:
    return tuple(
        Grant(item.project, Role(access_pb2.Role.Name(item.role).removeprefix("ROLE_").lower())) for item in messages
    )


def _identity(message: wire.WhoAmIResponse) -> Identity:
    return Identity(
        subject=message.subject,
        authentication=message.authentication,
        credential=message.credential,
        grants=_grants(message.grants),
        expire_time=time_of(message, "expire_time"),
    )


def _token(message: access_pb2.Token) -> Token:
    return Token(
        id=message.name.removeprefix("tokens/"),
        subject=message.subject,
        grants=_grants(message.grants),
        created_by=message.created_by,
        create_time=time_of(message, "create_time"),
        expire_time=time_of(message, "expire_time"),
        revoke_time=time_of(message, "revoke_time"),
        revoked_by=message.revoked_by,
        certificate=message.certificate,
    )


def _blocked(message: access_pb2.BlockedIdentity) -> Blocked:
    return Blocked(
        subject=message.subject,
        reason=message.reason,
        created_by=message.created_by,
        create_time=time_of(message, "create_time"),
    )


def _event(message: access_pb2.AccessEvent) -> AccessEvent:
    return AccessEvent(
        sequence=message.sequence,
        time=time_of(message, "time"),
        kind=message.kind,
        actor=message.actor,
        credential=message.credential,
        peer=message.peer,
        method=message.method,
        reason=message.reason,
        body=json.loads(message.body_json),
    )
