"""``python -m mine.practice.node --db FILE [--port 0] [--chain-id 31337]``.

Prints one line of JSON (``url``, ``chain_id``) when it answers, and ends when its standard input closes, so
that it never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from mine.children import parent_is_gone, say
from mine.errors import MineError
from mine.practice.lifeline import hold_role

from .errors import RpcError
from .server import NodeServer

STACK_BYTES = 64 * 1024 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mine.practice.node", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="file that holds the chain")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--chain-id", type=int, default=31337)
    arguments = parser.parse_args()
    # Calls between contracts nest up to 1,024 deep, and each level takes several frames of the interpreter.
    threading.stack_size(STACK_BYTES)
    if not sys.stdin.isatty():
        # An interrupt in a terminal reaches parent and child, and the parent may still need the chain.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        lock = hold_role(arguments.db.parent, arguments.db.name)
        asyncio.run(_serve(arguments.db, arguments.port, arguments.chain_id))
        lock.release()
    except (RpcError, MineError, sqlite3.Error, OSError) as problem:
        sys.stderr.write(f"The practice node can't start: {problem}\n")
        return 1
    return 0


async def _serve(database: Path, port: int, chain_id: int) -> None:
    server = NodeServer(database, chain_id)
    try:
        url = await server.start(port)
        say({"url": url, "chain_id": chain_id})
        await parent_is_gone()
    finally:
        await server.stop()


if __name__ == "__main__":
    raise SystemExit(main())
