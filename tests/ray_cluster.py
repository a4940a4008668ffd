"""A cluster of Ray on this machine, which the tests of sweeps and of films share.

Each has ports, a token and a folder of its own, and processes that the test has started.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RAY = [sys.executable, "-W", "ignore", "-m", "ray.scripts.scripts"]


class Cluster:
    """Two nodes of one core each on this machine, each in a session of its own.

    Attributes
    ----------
    address : str
        Of the first.
    environment : dict
        With which a process is let in.
    nodes : list of int
        Their sessions.
    """

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2)
        self.address = f"127.0.0.1:{ports[0]}"
        self.environment = {
            **environment(folder),
            **{"RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef", "RAY_AUTH_MODE": "token"},
            # A dead node is noticed within two seconds instead of half a minute.
            **{"RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3"},
        }
        self.nodes: list[int] = []
        head = ["--head", f"--port={ports[0]}", f"--ray-client-server-port={ports[1]}"]
        self._head = [*head, f"--temp-dir={folder}"]

    def start(self) -> None:
        """Start both nodes, one after the other."""
        self._start(*self._head)
        self._start(f"--address={self.address}")

    def _start(self, *arguments: str) -> None:
        cache = {"SEGUE_CACHE": str(self.cache(len(self.nodes)))}
        starting = subprocess.Popen(
            [*RAY, "start", *arguments, "--num-cpus=1"],
            env=self.environment | cache,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.nodes.append(starting.pid)
        assert starting.wait(60) == 0

    def cache(self, number: int) -> Path:
        """Cache folder of a node, which no other one has."""
        return Path(self.environment["SEGUE_CACHE"]) / f"cache{number}"

    def kill(self, number: int) -> None:
        """Kill every process of a node, if any is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.nodes[number], signal.SIGKILL)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "SEGUE_CACHE": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def short_folder() -> Iterator[Path]:
    """Lend a folder whose path is short enough for Ray's sockets."""
    folder = Path(tempfile.mkdtemp(prefix="sr", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def cluster_of_two() -> Iterator[Cluster]:
    """Start two nodes, and end what is left of them."""
    with short_folder() as folder:
        found = Cluster(folder)
        try:
            found.start()
            yield found
        finally:
            for number in reversed(range(len(found.nodes))):
                found.kill(number)
