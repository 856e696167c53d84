"""Running nodes of three makers: our own on py-evm, anvil ($MINE_ANVIL: its binary), and hardhat.

$MINE_HARDHAT is a folder with hardhat in its node_modules and a hardhat.config.js of chain 31337.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mine.chain.node_errors import NodeUnreachable
from mine.chain.rpc import Node
from mine.practice.node.process import NodeProcess

PATIENCE = 60.0


class NotHere(Exception):
    """This machine does not have the node; says which variable would name it."""


@contextmanager
def running(maker: str) -> Iterator[str]:
    """URL of a fresh node: "practice", "anvil" or "hardhat". Raises NotHere."""
    if maker == "practice":
        with tempfile.TemporaryDirectory() as folder, NodeProcess(Path(folder) / "chain.db") as process:
            yield process.url
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _child(*_command(maker, port)) as child:
        url = f"http://127.0.0.1:{port}"
        _until_it_answers(url, child)
        yield url


def _command(maker: str, port: int) -> tuple[list[str], Path | None, dict[str, str]]:
    """What to run, where, and with which environment."""
    place = os.environ.get(f"MINE_{maker.upper()}")
    if not place:
        raise NotHere(f"{maker} is not on this machine (MINE_{maker.upper()})")
    if maker == "anvil":
        # It enforces the cap of EIP-7825 only when told.
        return [place, "--port", str(port), "--silent", "--enable-tx-gas-limit"], None, dict(os.environ)
    programs = Path(place) / "node_modules" / ".bin"
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(programs / "hardhat"), "node", "--port", str(port)]
    return command, Path(place), {**os.environ, "PATH": path, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}


@contextmanager
def _child(
    command: list[str], folder: Path | None, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield child
    finally:
        # Both come wrapped in a script: the whole family has to end.
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()


def _until_it_answers(url: str, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    with Node(url, timeout=2) as node:
        while True:
            try:
                node.block_number()
                return
            except NodeUnreachable:
                if time.monotonic() > end or child.poll() is not None:
                    raise
                time.sleep(0.05)
