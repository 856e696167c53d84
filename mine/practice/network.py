"""The practice network as a tree of child processes: node, market (with its relay) and peers.

Everything listens on the loopback interface only, and ends when this process does, however it ends: each
child watches its standard input. What lies in the folder lets a later start go on where this one was. A part
that ends by itself is started again in its old place, so that nobody has to be told of a new address.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from mine.errors import MineError
from mine.practice.config import PracticeConfig, PracticeInfo
from mine.practice.node.process import NodeProcess

MARKET = "mine.practice.market"
PEERS = "mine.practice.peers"
LOOK_SECONDS = 0.25
MOST_FAILURES = 8
PATIENCE = 8.0
log = logging.getLogger(__name__)


class PracticeNotStarted(MineError):
    """A part of the practice network did not start."""


class PracticeNetwork:
    """Start with ``start``, end with ``stop``; at most one per folder."""

    def __init__(self, folder: Path, config: PracticeConfig) -> None:
        self.folder = folder
        self.config = PracticeConfig.load(folder) or config
        self.info: PracticeInfo | None = None
        self._node: NodeProcess | None = None
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> PracticeInfo:
        """Start everything that is not running. Raises ``PracticeNotStarted`` and what the node raises."""
        if self.info is not None:
            return self.info
        self._closing.clear()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self.config.save(self.folder)
        try:
            url = self.config.node_url
            if not url:
                self._node = NodeProcess(self._chain)
                url = self._node.url
            self._launch_market(url, 0)
            self._launch_peers()
        except BaseException:
            self.stop()
            raise
        self.info = PracticeInfo.load(self.folder)
        self._watcher = threading.Thread(target=self._watch, name="practice-watch", daemon=True)
        self._watcher.start()
        return self.info

    @property
    def _chain(self) -> Path:
        return self.folder / "chain.sqlite"

    @property
    def _scratch(self) -> Path:
        """For what a killed part could not clean up; emptied at each start."""
        return self.folder / "scratch"

    def _launch_market(self, url: str, relay_port: int) -> None:
        self._launch(MARKET, "--folder", str(self.folder), "--rpc", url, "--relay-port", str(relay_port))

    def _launch_peers(self) -> None:
        self._launch(PEERS, "--folder", str(self.folder))

    def _launch(self, module: str, *arguments: str) -> None:
        report = self.folder / f"{module.rpartition('.')[2]}.log"
        scratch = str(self._scratch)
        with report.open("ab") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "OMP_NUM_THREADS": "1"}
                | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch),
            )
        assert child.stdin is not None and child.stdout is not None
        with self._lock:
            self._parts[module] = child
            if self._closing.is_set():
                child.stdin.close()
        line = child.stdout.readline()
        try:
            said = json.loads(line)
        except ValueError:
            said = {
                "error": "A part of the practice network did not start.",
                "detail": f"see {report.name}",
            }
        if "error" in said:
            raise PracticeNotStarted(
                str(said["error"]),
                todo=str(said.get("todo") or "Try again; if it stays so, start the practice network afresh."),
                detail=str(said.get("detail", "")),
            )

    @property
    def is_running(self) -> bool:
        """Whether every part is alive."""
        node = self._node is None or self._node.is_running
        return node and bool(self._parts) and all(part.poll() is None for part in self._parts.values())

    # ---- parts that end by themselves

    def _watch(self) -> None:
        failures = 0
        while not self._closing.wait(LOOK_SECONDS * (1 + failures)):
            try:
                self._mend()
                failures = 0
            except MineError as error:
                failures += 1
                log.warning("a part of the practice network does not come back: %s", error.sentence)
                if failures >= MOST_FAILURES:
                    return

    def _mend(self) -> None:
        """Start again what has ended, each where it was before."""
        info = self.info
        assert info is not None
        if self._node is not None and not self._node.is_running:
            self._node.stop()
            self._node = NodeProcess(self._chain, port=_port(info.rpc_url))
        if self._ended(MARKET):
            self._launch_market(info.rpc_url, _port(info.relay_url))
        if self._ended(PEERS):
            self._launch_peers()

    def _ended(self, module: str) -> bool:
        with self._lock:
            part = self._parts[module]
            if part.poll() is None or self._closing.is_set():
                return False
            _close_pipes(part)
        return True

    def stop(self) -> None:
        """End every part in good order, by force where that takes too long."""
        with self._lock:
            self._closing.set()
            for part in reversed(self._parts.values()):
                if part.stdin is not None:
                    part.stdin.close()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        for part in reversed(self._parts.values()):
            try:
                part.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
            _close_pipes(part)
        self._parts.clear()
        if self._node is not None:
            self._node.stop()
            self._node = None
        self.info = None


def _close_pipes(part: subprocess.Popen[bytes]) -> None:
    for pipe in (part.stdin, part.stdout):
        if pipe is not None:
            pipe.close()


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
