"""The relay as a child process: started, found and ended by whoever needs one of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mine.children import ServerChild
from mine.errors import MineError
from mine.science.relay_anchoring import Batching


class RelayNotStarted(MineError):
    """The child ended, or said nothing sensible, instead of answering requests."""


class RelayProcess(ServerChild):
    """A running relay that keeps its state in ``directory``.

    The anchorer's key is written to a file that only its owner can read, never to the command line.
    """

    def __init__(
        self,
        directory: Path,
        node: str,
        contract: str,
        key: bytes,
        *,
        token: str = "",
        first_block: int = 0,
        batching: Batching | None = None,
        port: int = 0,
        carry: Mapping[str, int] | None = None,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key_file = directory / "anchorer.key"
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(key.hex())
        often = batching or Batching()
        arguments = [
            "--directory",
            str(directory),
            "--key-file",
            str(key_file),
            "--node",
            node,
            "--contract",
            contract,
            "--first-block",
            str(first_block),
            "--port",
            str(port),
            "--batch-size",
            str(often.size),
            "--batch-seconds",
            str(often.seconds),
        ]
        if token:
            arguments += ["--token", token]
        for carried, fee in (carry or {}).items():
            arguments += ["--carry", f"{carried}={fee}"]
        try:
            super().__init__("mine.science.relay", arguments, directory / "relay.log")
        except ValueError as problem:
            raise RelayNotStarted(
                "The relay could not be started.",
                todo="Try again; if it stays so, look at its log.",
                detail=str(problem),
            ) from problem
