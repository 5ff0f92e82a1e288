"""What a daemon needs to be scraped, made before its parts and opened after them."""

import asyncio
import logging
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from tunewright.daemon.metrics.endpoint import open_endpoint, url_of
from tunewright.daemon.metrics.exposition import Exposition, Sources
from tunewright.daemon.metrics.instruments import Instruments
from tunewright.daemon.parts import Parts
from tunewright.daemon.services.border import Border

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Scraping:
    """An address, and what is counted for those who ask there."""

    address: str
    registry: CollectorRegistry
    measures: Instruments
    _server: asyncio.Server | None = None

    async def open(self, parts: Parts, border: Border) -> None:
        """Begin to answer; raise AccessError, ListenError."""
        sources = Sources(
            home=parts.home,
            clock=parts.clock,
            points=parts.points,
            followers=parts.changes.followers,
            heard=parts.deployments.liveness.heard.copy,
            samples=lambda: parts.devices.samples,
        )
        self._server = await open_endpoint(self.address, parts.site(), Exposition(self.registry, sources), border)
        _log.info("metrics on %s", url_of(self._server, self.address))

    def close(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()


def prepare(address: str) -> Scraping:
    """Return what counts from now on."""
    registry = CollectorRegistry()
    return Scraping(address, registry, Instruments(registry))
