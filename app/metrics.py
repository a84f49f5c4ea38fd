"""What the server does, for Prometheus: on a port of its own, so that a proxy need not hide it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import REGISTRY, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

WAITS = Histogram(
    "dgflow_wait_seconds", "Time in line before a computation began.", ["rank"],
    buckets=(0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
)  # fmt: skip
RUNS = Histogram(
    "dgflow_run_seconds", "Time that a computation took once it had begun.", ["rank"],
    buckets=(0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
)  # fmt: skip
LEFT = Counter("dgflow_dropped_total", "Computations that nobody waited for any more.", ["rank"])
ERRORS = Counter("dgflow_errors_total", "Faults of ours that a page met; each is in the log.", ["where"])


class Now(Collector):
    """What is measured when somebody asks: name → (what it is, how to read it)."""

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]):
        self.gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (words, read) in self.gauges.items():
            yield GaugeMetricFamily(name, words, value=read())


def serve(where: str, gauges: dict[str, tuple[str, Callable[[], float]]]) -> int:
    """Answer /metrics at ``where``, "9100" (this machine alone) or "0.0.0.0:9100"; returns the port."""
    host, _, port = where.rpartition(":")
    server, _ = start_http_server(int(port), host or "127.0.0.1")
    REGISTRY.register(Now(gauges))
    return server.server_port
