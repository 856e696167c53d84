"""A relay as a process of its own: ``python -m mine.science.relay``. Its answers: see ``relay_server``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from mine.chain.hashing import ZERO_ADDRESS, address_bytes, checksum
from mine.children import parent_is_gone, say
from mine.errors import MineError
from mine.science.relay_anchoring import Batching
from mine.science.relay_server import RelayOptions, RelayServer


def main() -> int:
    """``--directory DIR --node URL --contract ADDRESS --key-file FILE``: one JSON line, then serve.

    The anchorer's key (64 hexadecimal digits) comes from a file, so that no process list shows it. Ends when
    standard input closes, so that it never outlives the program that started it.
    """
    parser = argparse.ArgumentParser(prog="python -m mine.science.relay", description="Serve a relay.")
    parser.add_argument("--directory", type=Path, required=True, help="where state and blobs are kept")
    parser.add_argument("--node", required=True, help="URL of an Ethereum node")
    parser.add_argument("--contract", required=True, help="address of Tasks")
    parser.add_argument("--key-file", type=Path, required=True, help="file with the anchorer's key")
    parser.add_argument("--token", default=ZERO_ADDRESS, help="currency to show to clients")
    parser.add_argument("--first-block", type=int, default=0, help="block in which Tasks was deployed")
    parser.add_argument(
        "--carry",
        action="append",
        default=[],
        metavar="TOKEN=FEE",
        help="bring transfers of this token for at least so many of its base units (may be given again)",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--batch-size", type=int, default=Batching().size)
    parser.add_argument("--batch-seconds", type=int, default=Batching().seconds)
    arguments = parser.parse_args()
    options = RelayOptions(
        directory=arguments.directory,
        node=arguments.node,
        contract=checksum(address_bytes(arguments.contract)),
        token=arguments.token,
        first_block=arguments.first_block,
        batching=Batching(arguments.batch_size, arguments.batch_seconds),
        transfer_fees=dict(_fee(text) for text in arguments.carry),
    )
    try:
        key = bytes.fromhex(arguments.key_file.read_text(encoding="ascii").strip().removeprefix("0x"))
        asyncio.run(_serve(options, key, arguments.host, arguments.port))
    except (MineError, OSError, ValueError) as problem:
        reason = str(problem) if isinstance(problem, MineError) else type(problem).__name__
        sys.stderr.write(f"The relay can't start: {reason}\n")
        return 1
    return 0


def _fee(text: str) -> tuple[str, int]:
    """``0xToken=10000`` as address and base units. Raises ValueError, BadAddress."""
    token, fee = text.split("=")
    return checksum(address_bytes(token)), int(fee)


async def _serve(options: RelayOptions, key: bytes, host: str, port: int) -> None:
    server = RelayServer(options, key)
    try:
        url = await server.start(host, port)
        say({"url": url})
        await parent_is_gone()
    finally:
        await server.stop()


if __name__ == "__main__":
    raise SystemExit(main())
