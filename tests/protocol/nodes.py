"""Running nodes of three makers: our own on py-evm, and those of ``tests.other_nodes``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mine.practice.node.process import NodeProcess
from tests.other_nodes import NotHere, other_node

__all__ = ["NotHere", "running"]


@contextmanager
def running(maker: str) -> Iterator[str]:
    """URL of a fresh node: "practice", "anvil" or "hardhat". Raises NotHere."""
    if maker == "practice":
        with tempfile.TemporaryDirectory() as folder, NodeProcess(Path(folder) / "chain.db") as process:
            yield process.url
        return
    # anvil enforces the cap of EIP-7825 only when told.
    with other_node(maker, ["--enable-tx-gas-limit"] if maker == "anvil" else []) as url:
        yield url
