"""SpecService: what a spec means, and what a run of it would do."""

from typing import Any

from tunewright.daemon.access.calls import current
from tunewright.daemon.compile import Compiler, compiled_beside
from tunewright.daemon.engine.admission import Admission
from tunewright.daemon.services import requests, translate
from tunewright.proto.v1 import spec_service_pb2, spec_service_pb2_grpc
from tunewright.spec.canonical import canonical_json


class SpecService(spec_service_pb2_grpc.SpecServiceServicer):
    """Compiles in a thread: specs point at files that have to be read."""

    def __init__(self, compiler: Compiler, admission: Admission) -> None:
        self._compiler = compiler
        self._admission = admission

    async def CheckSpec(
        self, request: spec_service_pb2.CheckSpecRequest, context: Any
    ) -> spec_service_pb2.CheckSpecResponse:
        """Answer everything that is wrong with a spec."""
        compiled = await compiled_beside(self._compiler, requests.submitted(request.source, current()))
        diagnostics = [translate.diagnostic(item) for item in compiled.diagnostics]
        return spec_service_pb2.CheckSpecResponse(diagnostics=diagnostics)

    async def CompileSpec(
        self, request: spec_service_pb2.CompileSpecRequest, context: Any
    ) -> spec_service_pb2.CompileSpecResponse:
        """Answer the plan of a spec and what a run of it would do."""
        compiled = await compiled_beside(self._compiler, requests.submitted(request.source, current()))
        answer = spec_service_pb2.CompileSpecResponse(
            diagnostics=[translate.diagnostic(item) for item in compiled.diagnostics]
        )
        if compiled.plan is not None:
            answer.plan_json = canonical_json(compiled.plan.to_json()).decode("utf-8")
            answer.plan_digest = compiled.plan.digest
            answer.actions.extend(
                translate.action(item) for item in self._admission.compare(compiled.plan, current().project)
            )
        return answer
