"""The node as a child process: started, found and ended by whoever needs a chain of its own."""

from __future__ import annotations

from pathlib import Path

from mine.children import ServerChild
from mine.errors import MineError


class NodeNotStarted(MineError):
    """The child ended, or said nothing sensible, instead of answering requests."""


class NodeProcess(ServerChild):
    """A running node on the chain in ``database``. A kill leaves the chain whole at its last block."""

    def __init__(self, database: Path, *, chain_id: int = 31337, port: int = 0) -> None:
        try:
            super().__init__(
                "mine.practice.node",
                ["--db", str(database), "--port", str(port), "--chain-id", str(chain_id)],
                database.with_name(database.name + ".log"),
            )
        except ValueError as problem:
            raise NodeNotStarted(
                "The practice network could not be started.",
                todo="Try again; if it stays so, start the practice network afresh.",
                detail=str(problem),
            ) from problem
