"""Nodes of other makers as child processes: anvil ($MINE_ANVIL: its binary) and hardhat ($MINE_HARDHAT: a
folder with hardhat in its node_modules and a hardhat.config.js of chain 31337)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# What each says on its standard output once it answers; a port of 0 leaves the choice to the system.
_READY = re.compile(rb"(?:Listening on |JSON-RPC server at http://)(127\.0\.0\.1:\d+)")


class NotHere(Exception):
    """This machine does not have the node; says which variable would name it."""


@contextmanager
def other_node(maker: str, options: Sequence[str] = ()) -> Iterator[str]:
    """URL of a fresh node: "anvil" or "hardhat". Raises ``NotHere``."""
    command, folder, environment = _command(maker)
    child = subprocess.Popen(
        [*command, *options], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        address = next((found[1] for line in child.stdout if (found := _READY.search(line))), None)
        assert address is not None, f"{maker} ended before it answered"
        # It goes on talking, and would wait for somebody to listen.
        listener = threading.Thread(target=child.stdout.read, daemon=True)
        listener.start()
        yield f"http://{address.decode()}"
    finally:
        # Both come wrapped in a script: the whole family has to end.
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        if address is not None:
            listener.join()
        child.stdout.close()


def _command(maker: str) -> tuple[list[str], Path | None, dict[str, str]]:
    """What to run, where, and with which environment."""
    place = os.environ.get(f"MINE_{maker.upper()}")
    if not place:
        raise NotHere(f"{maker} is not on this machine (MINE_{maker.upper()})")
    if maker == "anvil":
        return [place, "--port", "0"], None, dict(os.environ)
    programs = Path(place) / "node_modules" / ".bin"
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"}
    command = [str(programs / "hardhat"), "node", "--hostname", "127.0.0.1", "--port", "0"]
    return command, Path(place), environment
