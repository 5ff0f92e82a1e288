"""Whether somebody wants traces, and how they get them."""

import logging
from collections.abc import Mapping

from tunewright.daemon.traces.tracer import NO_TRACES, Tracer

_log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def find_tracer(environment: Mapping[str, str], store_id: str) -> Tracer:
    """Return what traces to the endpoint of the environment; without one nothing is imported, and nothing sent."""
    named = [name for name in _ENDPOINTS if environment.get(name)]
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not named or disabled or environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return NO_TRACES
    try:
        from tunewright.daemon.traces.otlp import OtlpTracer
    except ImportError as error:
        _log.warning("%s is set, but traces are not sent: %s; pip install 'tunewright[otel]'", named[0], error)
        return NO_TRACES
    _log.info("traces go to %s", environment[named[0]])
    return OtlpTracer(store_id)
