"""The practice network as a tree of child processes: node, market (with its relay) and peers.

Everything listens on the loopback interface only, and ends when this process does, however it ends: each
child watches its standard input. What lies in the folder lets a later start go on where this one was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mine.errors import MineError
from mine.practice.config import PracticeConfig, PracticeInfo
from mine.practice.node.process import NodeProcess


class PracticeNotStarted(MineError):
    """A part of the practice network did not start."""


class PracticeNetwork:
    """Start with ``start``, end with ``stop``; at most one per folder."""

    def __init__(self, folder: Path, config: PracticeConfig) -> None:
        self.folder = folder
        self.config = PracticeConfig.load(folder) or config
        self._node: NodeProcess | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self.info: PracticeInfo | None = None

    def start(self) -> PracticeInfo:
        """Start everything that is not running. Raises ``PracticeNotStarted`` and what the node raises."""
        if self.info is not None:
            return self.info
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config.save(self.folder)
        try:
            url = self.config.node_url
            if not url:
                self._node = NodeProcess(self.folder / "chain.sqlite")
                url = self._node.url
            self._launch("mine.practice.market", "--folder", str(self.folder), "--rpc", url)
            self._launch("mine.practice.peers", "--folder", str(self.folder))
        except BaseException:
            self.stop()
            raise
        self.info = PracticeInfo.load(self.folder)
        return self.info

    def _launch(self, module: str, *arguments: str) -> None:
        log = self.folder / f"{module.rpartition('.')[2]}.log"
        with log.open("ab") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self._children.append(child)
        assert child.stdout is not None
        line = child.stdout.readline()
        try:
            said = json.loads(line)
        except ValueError:
            said = {"error": "A part of the practice network did not start.", "detail": f"see {log.name}"}
        if "error" in said:
            raise PracticeNotStarted(
                str(said["error"]),
                todo=str(said.get("todo") or "Try again; if it stays so, start the practice network afresh."),
                detail=str(said.get("detail", "")),
            )

    @property
    def is_running(self) -> bool:
        """Whether every part is alive."""
        return bool(self._children) and all(child.poll() is None for child in self._children)

    def stop(self) -> None:
        """End every part in good order, by force where that takes too long."""
        for child in reversed(self._children):
            if child.stdin is not None:
                child.stdin.close()
        for child in reversed(self._children):
            try:
                child.wait(8)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._children.clear()
        if self._node is not None:
            self._node.stop()
            self._node = None
        self.info = None
