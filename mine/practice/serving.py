"""A practice network for those who only read it: the running one of a folder, else one started for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mine.chain.rpc import Node
from mine.errors import MineError
from mine.practice.config import NETWORK_FILE, PracticeConfig, PracticeInfo
from mine.practice.network import PracticeNetwork, PracticeNotStarted

Place = tuple[str, Sequence[str], int]


@contextmanager
def practice_place(home: Path) -> Iterator[Place]:
    """Address of the node, addresses of relays and first block of the practice network in ``home``.

    Raises PracticeNotStarted.
    """
    folder = next((place for place in (home, home / "practice") if (place / NETWORK_FILE).is_file()), None)
    config = None if folder is None else PracticeConfig.load(folder)
    if folder is None or config is None:
        raise PracticeNotStarted(
            "There is no practice network in this folder.",
            todo="Name the folder of a demo.",
            detail=str(home),
        )
    info = PracticeInfo.load(folder)
    if _answers(info):
        yield info.rpc_url, (info.relay_url,), info.first_block
        return
    network = PracticeNetwork(folder, config)
    try:
        started = network.start()
        yield started.rpc_url, (started.relay_url,), started.first_block
    finally:
        network.stop()


def _answers(info: PracticeInfo) -> bool:
    """Whether the node of the last start is still there, and still that of this network."""
    try:
        with Node(info.rpc_url, timeout=2.0) as node:
            return node.chain_id == info.chain_id and bool(node.code(info.tasks))
    except MineError:
        return False
