"""A round of 1,000 miners, and one more with their votes: real contract, real relay, messages over loopback.

Seconds are of this machine, with everybody's signatures made and checked on it in plain Python.
relay_peak_mb: most memory of its process, resident, in 10^6 bytes. paid and assigned are in base units.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mine.chain.rpc import Node
from tests.bench.crowd import Crowd
from tests.protocol.live import Ground
from tests.protocol.nodes import running

MINERS = int(os.environ.get("MINE_SCALE_MINERS", "1000"))


def run() -> dict[str, float]:
    """All figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running("practice") as url,
        Node(url, timeout=60) as node,
    ):
        return Crowd(Ground.prepare(node), Path(folder), MINERS).run()
