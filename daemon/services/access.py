"""AccessService: who the caller is, tokens, blocked identities, and the log of access."""

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.access import tokens
from tunewright.daemon.access.calls import current
from tunewright.daemon.access.door import grants_from_text, grants_text
from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.log import AccessLog
from tunewright.daemon.access.roles import Grant, Permission
from tunewright.daemon.clock import Clock
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import access
from tunewright.daemon.store.access import BlockRecord, TokenRecord
from tunewright.daemon.store.database import Database
from tunewright.proto.v1 import access_pb2, access_service_pb2_grpc
from tunewright.proto.v1 import access_service_pb2 as wire
from tunewright.spec.access import ALL_PROJECTS, Role, is_project, is_subject

_DAY_SECONDS = 24 * 3600
_DEFAULT_LIFETIME_SECONDS = 30 * _DAY_SECONDS
_MAX_LIFETIME_SECONDS = 366 * _DAY_SECONDS
_MAX_REASON = 500
_FINGERPRINT = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessService(access_service_pb2_grpc.AccessServiceServicer):
    """Every change is stored together with its entry in the log."""

    database: Database
    clock: Clock
    log: AccessLog

    async def WhoAmI(self, request: wire.WhoAmIRequest, context: Any) -> wire.WhoAmIResponse:
        """Answer who calls."""
        identity = current().identity
        return wire.WhoAmIResponse(
            subject=identity.subject,
            authentication=identity.authentication,
            credential=identity.credential,
            grants=[_grant_message(grant) for grant in sorted(identity.grants)],
            expire_time=None if identity.expire_time is None else translate.time(identity.expire_time),
        )

    async def CreateToken(self, request: wire.CreateTokenRequest, context: Any) -> wire.CreateTokenResponse:
        """Store a new token's digest and answer its secret."""
        caller = current().identity
        grants = frozenset(_grant(item) for item in request.grants)
        _check_token(request, grants)
        _check_reach(caller, grants)
        now, made = self.clock.now(), tokens.mint()
        record = TokenRecord(
            id=made.id,
            subject=request.subject,
            digest=made.digest,
            grants=grants_text(grants),
            create_time=now,
            created_by=caller.subject,
            expire_time=now + 1000 * (request.lifetime_seconds or _DEFAULT_LIFETIME_SECONDS),
            certificate=request.certificate,
        )
        told = {"token": made.id, "subject": request.subject, "grants": record.grants}
        told |= {"certificate": request.certificate} if request.certificate else {}
        noted = self.log.change("token_created", caller, **told)

        def write(connection: sqlite3.Connection) -> None:
            access.insert_token(connection, record)
            noted(connection)

        await self.database.write(write)
        return wire.CreateTokenResponse(token=_token_message(record), secret=made.secret)

    async def ListTokens(self, request: wire.ListTokensRequest, context: Any) -> wire.ListTokensResponse:
        """Answer a page of the tokens that the caller could have made."""
        asked = page(request, 50, 500)
        ended_before = None if request.show_ended else self.clock.now()
        stored = access.tokens(self.database.read, before=asked.position, ended_before=ended_before)
        found = [record for record in stored if _reaches(current().identity, grants_from_text(record.grants))]
        answer = wire.ListTokensResponse(tokens=[_token_message(record) for record in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].number)
        return answer

    async def RevokeToken(self, request: wire.RevokeTokenRequest, context: Any) -> wire.RevokeTokenResponse:
        """Revoke a token; doing it again changes nothing."""
        identifier, caller = requests.name_part(request.name, "tokens"), current().identity
        record = access.token(self.database.read, identifier)
        if record is None or not _reaches(caller, grants_from_text(record.grants)):
            raise RefusedError("TOKEN_NOT_FOUND", f"there is no token {identifier[:100]}", token=identifier)
        now = self.clock.now()
        noted = self.log.change("token_revoked", caller, token=identifier, subject=record.subject)

        def write(connection: sqlite3.Connection) -> TokenRecord:
            if access.revoke_token(connection, identifier, caller.subject, now):
                noted(connection)
            return access.token(connection, identifier) or record

        return wire.RevokeTokenResponse(token=_token_message(await self.database.write(write)))

    async def BlockIdentity(self, request: wire.BlockIdentityRequest, context: Any) -> wire.BlockIdentityResponse:
        """Store a block."""
        if not is_subject(request.subject):
            raise requests.invalid("subject", "must name somebody: letters, digits and `.@_-`, at most 128")
        if len(request.reason) > _MAX_REASON:
            raise requests.invalid("reason", f"must be at most {_MAX_REASON} characters")
        caller = current().identity
        record = BlockRecord(
            subject=request.subject,
            reason=request.reason,
            create_time=self.clock.now(),
            created_by=caller.subject,
        )
        noted = self.log.change("identity_blocked", caller, subject=request.subject, reason=request.reason)

        def write(connection: sqlite3.Connection) -> BlockRecord:
            earlier = access.blocked(connection, request.subject)
            if earlier is None:
                access.block(connection, record)
                noted(connection)
            return earlier or record

        return wire.BlockIdentityResponse(blocked_identity=_block_message(await self.database.write(write)))

    async def UnblockIdentity(self, request: wire.UnblockIdentityRequest, context: Any) -> wire.UnblockIdentityResponse:
        """Take a block back."""
        subject, caller = requests.name_part(request.name, "blockedIdentities"), current().identity
        noted = self.log.change("identity_unblocked", caller, subject=subject)

        def write(connection: sqlite3.Connection) -> bool:
            there = access.unblock(connection, subject)
            if there:
                noted(connection)
            return there

        if not await self.database.write(write):
            raise RefusedError("IDENTITY_NOT_BLOCKED", f"{subject[:128]} is not blocked", subject=subject)
        return wire.UnblockIdentityResponse()

    async def ListBlockedIdentities(
        self, request: wire.ListBlockedIdentitiesRequest, context: Any
    ) -> wire.ListBlockedIdentitiesResponse:
        """Answer every block."""
        found = access.all_blocked(self.database.read)
        return wire.ListBlockedIdentitiesResponse(blocked_identities=[_block_message(record) for record in found])

    async def ListAccessEvents(
        self, request: wire.ListAccessEventsRequest, context: Any
    ) -> wire.ListAccessEventsResponse:
        """Answer a page of the log."""
        asked = page(request, 100, 1000)
        found = access.entries(self.database.read, before=asked.position, limit=asked.size + 1)
        answer = wire.ListAccessEventsResponse(events=[_entry_message(entry) for entry in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].sequence)
        return answer


def _check_token(request: wire.CreateTokenRequest, grants: frozenset[Grant]) -> None:
    if not is_subject(request.subject):
        raise requests.invalid("subject", "must name somebody: letters, digits and `.@_-`, at most 128")
    if not grants:
        raise requests.invalid("grants", "must not be empty: a token without a role is good for nothing")
    if request.lifetime_seconds > _MAX_LIFETIME_SECONDS:
        raise requests.invalid("lifetime_seconds", f"must be at most {_MAX_LIFETIME_SECONDS} (366 days)")
    if request.certificate and not _FINGERPRINT.fullmatch(request.certificate):
        raise requests.invalid("certificate", "must be the SHA-256 of a certificate: 64 digits of `0-9a-f`")


def _check_reach(caller: Identity, grants: frozenset[Grant]) -> None:
    for grant in sorted(grants):
        if not _reaches(caller, frozenset({grant})):
            project = grant.project
            message = f"{caller.subject} does not administer {'all projects' if project == '*' else project}"
            needed = Permission.ADMINISTER
            raise RefusedError("PERMISSION_MISSING", message, permission=needed, project=project, roles=Role.ADMIN)


def _reaches(caller: Identity, grants: frozenset[Grant]) -> bool:
    """Answer whether somebody administers every project that grants are for."""
    projects = caller.projects(Permission.ADMINISTER)
    return projects is None or all(grant.project in projects for grant in grants)


def _grant(message: access_pb2.Grant) -> Grant:
    if message.role == access_pb2.ROLE_UNSPECIFIED or message.role not in access_pb2.Role.values():
        raise requests.invalid("grants.role", "must be one of the roles")
    if message.project != ALL_PROJECTS and not is_project(message.project):
        raise requests.invalid("grants.project", "must be `*` or lower-case letters, digits and `-`, at most 63")
    return Grant(message.project, Role(access_pb2.Role.Name(message.role).removeprefix("ROLE_").lower()))


def _grant_message(grant: Grant) -> access_pb2.Grant:
    return access_pb2.Grant(role=access_pb2.Role.Value(f"ROLE_{grant.role.upper()}"), project=grant.project)


def _token_message(record: TokenRecord) -> access_pb2.Token:
    return access_pb2.Token(
        name=f"tokens/{record.id}",
        subject=record.subject,
        grants=[_grant_message(grant) for grant in sorted(grants_from_text(record.grants))],
        created_by=record.created_by,
        create_time=translate.time(record.create_time),
        expire_time=translate.time(record.expire_time),
        revoke_time=None if record.revoke_time is None else translate.time(record.revoke_time),
        revoked_by=record.revoked_by,
        certificate=record.certificate,
    )


def _block_message(record: BlockRecord) -> access_pb2.BlockedIdentity:
    return access_pb2.BlockedIdentity(
        name=f"blockedIdentities/{record.subject}",
        subject=record.subject,
        reason=record.reason,
        created_by=record.created_by,
        create_time=translate.time(record.create_time),
    )


def _entry_message(entry: access.AccessEntry) -> access_pb2.AccessEvent:
    return access_pb2.AccessEvent(
        sequence=entry.sequence,
        time=translate.time(entry.time),
        kind=entry.kind,
        actor=entry.actor,
        credential=entry.credential,
        peer=entry.peer,
        method=entry.method,
        reason=entry.reason,
        body_json=entry.body,
    )
