"""ArtifactService: find what steps left behind."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.access.calls import current
from tunewright.daemon.engine.artifacts import intact
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import artifacts
from tunewright.daemon.store.artifacts import ArtifactFilter, ArtifactRecord
from tunewright.daemon.store.database import Database
from tunewright.proto.v1 import artifact_pb2, artifact_service_pb2, artifact_service_pb2_grpc

_PREFIX = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactService(artifact_service_pb2_grpc.ArtifactServiceServicer):
    """Reads the store and looks whether the folders are there."""

    database: Database
    home: Home

    async def GetArtifact(
        self, request: artifact_service_pb2.GetArtifactRequest, context: Any
    ) -> artifact_service_pb2.GetArtifactResponse:
        """Answer one artifact by its digest or the beginning of it."""
        prefix = requests.name_part(request.name, "artifacts").removeprefix("sha256:")
        if not _PREFIX.fullmatch(prefix):
            raise requests.invalid("name", "must end in 6 to 64 hexadecimal digits of the artifact's digest")
        found = artifacts.of_digest_prefix(self.database.read, prefix, 2, current().projects)
        if not found:
            raise RefusedError("ARTIFACT_NOT_FOUND", f"there is no artifact {prefix}", digest=prefix)
        if len(found) > 1:
            message = f"several artifacts begin with {prefix}; write more of the digest"
            raise RefusedError("ARTIFACT_AMBIGUOUS", message, digest=prefix)
        return artifact_service_pb2.GetArtifactResponse(artifact=await self._message(found[0]))

    async def ListArtifacts(
        self, request: artifact_service_pb2.ListArtifactsRequest, context: Any
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Answer a page of artifacts."""
        asked = page(request, 50, 500)
        wanted = ArtifactFilter(
            run=requests.name_part(request.run, "runs", "run") if request.run else "",
            role=request.role,
            kind=request.kind,
            spec_name=request.spec_name,
            step_digest=request.step_digest,
            projects=current().projects,
        )
        found = artifacts.page(self.database.read, wanted, before=asked.position, limit=asked.size + 1)
        answer = artifact_service_pb2.ListArtifactsResponse(
            artifacts=[await self._message(record) for record in found[: asked.size]]
        )
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].id)
        return answer

    async def _message(self, record: ArtifactRecord) -> artifact_pb2.Artifact:
        whole = await asyncio.to_thread(intact, record, self.home)
        return translate.artifact(record, str(self.home.artifact(record.digest)), intact=whole)
