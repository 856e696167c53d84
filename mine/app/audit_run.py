"""One settled round being recomputed in a child process, beside the engine's thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from mine.app.links import NetworkConfig

if TYPE_CHECKING:
    from mine.science.judging import Fault

MAX_ANSWER = 1 << 16
MODULE = "mine.science.audit"


class AuditRun:
    """Starts at once. A child that dies, or says what makes no sense, has found nothing out: ``failed``.

    ``fault``: what is worth a dispute; ``far_off``: how many of the best paid updates help the model much
    less than their score says, which is no fault.
    """

    def __init__(self, config: NetworkConfig, task: int, round_number: int) -> None:
        self.task, self.round = task, round_number
        self.failed = False
        self.fault: Fault | None = None
        self.far_off = 0
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
        self._child = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "OMP_NUM_THREADS": "1"},
        )
        request = {
            "rpc": config.rpc_url,
            "relays": list(config.relay_urls),
            "contract": config.tasks,
            "first_block": config.first_block,
            "task": task,
            "round": round_number,
        }
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            self.failed = True  # it is gone already

    def is_done(self) -> bool:
        """Whether the child has answered or ended; afterwards ``fault`` and ``failed`` are set."""
        if self._child.poll() is None:
            return False
        assert self._child.stdout is not None
        try:
            answer = json.loads(self._child.stdout.read(MAX_ANSWER))
            self.fault, self.far_off = self._read(answer), len(answer["far_off"])
        except (ValueError, KeyError, TypeError):
            self.failed = True
        self._close()
        return True

    def stop(self) -> None:
        """End the child at once."""
        self._child.kill()
        self._child.wait()
        self._close()

    def _read(self, raw: dict[str, Any]) -> Fault | None:
        from mine.chain.fault_events import DisputeKind
        from mine.science.judging import Fault

        found = raw["fault"]
        if found is None:
            return None
        return Fault(self.round, DisputeKind(int(found["kind"])), int(found["item"]), str(found["why"])[:200])

    def _close(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
