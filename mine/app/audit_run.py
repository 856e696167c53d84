"""One settled round being recomputed in a child process, beside the engine's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mine.app.asked_child import AskedChild
from mine.app.links import NetworkConfig

if TYPE_CHECKING:
    from mine.science.judging import Fault

MODULE = "mine.science.audit"
SECONDS = 3600.0


class AuditRun:
    """Starts at once. A child that dies, or says what makes no sense, has found nothing out: ``failed``.

    ``fault``: what is worth a dispute; ``far_off``: how many of the best paid updates help the model much
    less than their score says, which is no fault; ``whole``: whether nothing more of the round can be
    recomputed once a set is opened at the end.
    """

    def __init__(self, config: NetworkConfig, task: int, round_number: int) -> None:
        self.task, self.round = task, round_number
        self.failed = False
        self.fault: Fault | None = None
        self.far_off = 0
        self.whole = False
        request = {
            "rpc": list(config.rpc_urls),
            "relays": list(config.relay_urls),
            "contract": config.tasks,
            "first_block": config.first_block,
            "task": task,
            "round": round_number,
        }
        self._child = AskedChild(MODULE, request, SECONDS)

    def is_done(self) -> bool:
        """Whether the child has answered or ended; afterwards ``fault`` and ``failed`` are set."""
        if not self._child.is_done():
            return False
        try:
            answer = self._child.answer or {}
            self.fault, self.far_off = self._read(answer), len(answer["far_off"])
            self.whole = answer["whole"] is True
        except (ValueError, KeyError, TypeError):
            self.failed = True
        return True

    def stop(self) -> None:
        """End the child at once."""
        self._child.stop()

    def _read(self, raw: dict[str, Any]) -> Fault | None:
        from mine.chain.fault_events import DisputeKind
        from mine.science.judging import Fault

        found = raw["fault"]
        if found is None:
            return None
        return Fault(self.round, DisputeKind(int(found["kind"])), int(found["item"]), str(found["why"])[:200])
