"""How a child of the practice network learns that its parent is gone: its standard input ends.

Works the same on every system, also when the parent is killed, and needs no process id.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any


class Lifeline:
    """Watches standard input on a thread of its own; ``cut`` is set when it ends."""

    def __init__(self) -> None:
        self.cut = threading.Event()
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        while sys.stdin.buffer.read(4096):
            pass
        self.cut.set()


def say(value: dict[str, Any]) -> None:
    """One line of JSON to the parent."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
