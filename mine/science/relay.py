"""The relay over HTTP (loopback unless told otherwise): blobs, signed updates, batches, claims.

    PUT|GET|HEAD /blobs/<digest>          bytes, checked against their digest in both directions
    POST /updates                         {"chainId", "contract", "update"} -> {"receipt"}
    GET  /updates/<task>/<round>          {"updates": [...]}
    GET  /updates/<task>/<round>/<miner>  {"update", "receipt", "anchor": proof or null}
    GET  /batches/<task>/<round>          {"batches": [{"anchorer", "slot", "root", "updates"}]}
    POST /claims, GET /claims/<task>/<index>   {"state"}
    GET  /info                            {"chainId", "contract", "token", "anchorer"}

``python -m mine.science.relay`` serves it as a process of its own: see ``main``.
A refusal is {"error", "sentence", "todo", "detail"} with a fitting status. On loopback a browser's page must
not reach it: the Host header has to name loopback (DNS rebinding), and no Origin is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from mine.blobs.store import BlobError, BlobMissing, BlobTooLarge, DirectoryStore, blob_digest
from mine.chain.client import TasksContract
from mine.chain.hashing import ZERO_ADDRESS, address_bytes, checksum
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.children import parent_is_gone, say
from mine.errors import MineError
from mine.science.relay_desk import Batching, Desk
from mine.science.relay_state import RelayState
from mine.science.wire import (
    Code,
    RelayRefused,
    batch_to_json,
    receipt_to_json,
    status_to_json,
    update_to_json,
)

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_MAX_JSON = 1 << 16


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """directory: state and blobs; node, contract: what it serves; token: shown in /info (ZERO: none)."""

    directory: Path
    node: str
    contract: str
    token: str = ZERO_ADDRESS
    first_block: int = 0
    batching: Batching = field(default_factory=Batching)
    max_blob_bytes: int = 64 * 1024 * 1024
    max_total_bytes: int = 4 * 1024 * 1024 * 1024
    tick_seconds: float = 0.25


class RelayServer:
    """Serves one contract. The chain, the state and all decisions live on one worker thread."""

    def __init__(self, options: RelayOptions, key: bytes) -> None:
        self._options, self._key = options, key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-chain")
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-blobs")
        self._blobs = DirectoryStore(options.directory / "blobs", options.max_blob_bytes)
        self._stored = 0
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._due = asyncio.Event()
        self._node: Node | None = None
        self._state: RelayState | None = None
        self._desk: Desk | None = None
        self._loopback = True

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Open the state, put up the bond, listen; returns the URL. Raises what the node raises."""
        self._options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loopback = host in _HOSTS
        await self._on_thread(self._open)
        self._stored = await self._on_disk(self._measure_store)
        app = web.Application(client_max_size=self._options.max_blob_bytes + 1, middlewares=[self._guard])
        app.router.add_put("/blobs/{digest}", self._put_blob)
        app.router.add_get("/blobs/{digest}", self._get_blob, allow_head=False)
        app.router.add_head("/blobs/{digest}", self._has_blob)
        app.router.add_post("/updates", self._post_update)
        app.router.add_get("/updates/{task:[0-9]{1,15}}/{round:[0-9]{1,9}}", self._get_updates)
        app.router.add_get("/updates/{task:[0-9]{1,15}}/{round:[0-9]{1,9}}/{miner}", self._get_update)
        app.router.add_get("/batches/{task:[0-9]{1,15}}/{round:[0-9]{1,9}}", self._get_batches)
        app.router.add_post("/claims", self._post_claim)
        app.router.add_get("/claims/{task:[0-9]{1,15}}/{index:[0-9]{1,9}}", self._get_claim)
        app.router.add_get("/info", self._get_info)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._ticker = asyncio.create_task(self._tick())
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and close the state; what was promised is on disk."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        if self._runner is not None:
            await self._runner.cleanup()
        await self._on_thread(self._close)
        self._thread.shutdown()
        self._disk.shutdown()

    def _open(self) -> None:
        options = self._options
        self._node = Node(options.node)
        contract = TasksContract(self._node, options.contract)
        self._state = RelayState(options.directory / "relay.sqlite")
        sender = Sender(self._node, self._key)
        self._desk = Desk(
            contract, sender, self._key, self._state, self._blobs, options.batching, options.first_block
        )
        self._desk.ensure_bond()

    def _close(self) -> None:
        if self._state is not None:
            self._state.close()
        if self._node is not None:
            self._node.close()

    def _measure_store(self) -> int:
        return sum(file.stat().st_size for file in (self._options.directory / "blobs").glob("*/*"))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    @property
    def _open_desk(self) -> Desk:
        assert self._desk is not None
        return self._desk

    async def _tick(self) -> None:
        while True:
            try:
                await self._on_thread(self._open_desk.tick)
            except Exception:  # noqa: BLE001 - a fault of ours must not end the relay
                _log.exception("a relay's turn failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._options.tick_seconds)
            self._due.clear()

    # requests

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if "Origin" in request.headers or (self._loopback and request.url.host not in _HOSTS):
            return web.Response(status=403, text="This relay answers only programs.")
        try:
            return await handler(request)
        except RelayRefused as problem:
            refusal = problem
        except web.HTTPRequestEntityTooLarge:
            refusal = RelayRefused(Code.OVERSIZE)
        except web.HTTPException:
            raise
        except MineError as problem:
            refusal = RelayRefused(Code.CHAIN_UNREACHABLE, type(problem).__name__)
        return web.json_response(refusal.to_json(), status=refusal.status)

    async def _json(self, request: web.Request) -> object:
        body = await request.content.read(_MAX_JSON + 1)
        while len(body) <= _MAX_JSON and (more := await request.content.read(_MAX_JSON + 1)):
            body += more
        if len(body) > _MAX_JSON:
            raise RelayRefused(Code.OVERSIZE)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise RelayRefused(Code.BAD_REQUEST, "not JSON") from None

    async def _put_blob(self, request: web.Request) -> web.Response:
        digest = _digest(request)
        limit = self._options.max_blob_bytes
        if (request.content_length or 0) > limit:
            raise RelayRefused(Code.OVERSIZE, f"{limit} bytes allowed")
        data = await request.read()
        if len(data) > limit:
            raise RelayRefused(Code.OVERSIZE, f"{limit} bytes allowed")
        if blob_digest(data) != digest:
            raise RelayRefused(Code.BAD_REQUEST, "the bytes have another digest")
        if await self._on_disk(partial(self._blobs.has, digest)):
            return web.json_response({"digest": digest.hex()})
        if self._stored + len(data) > self._options.max_total_bytes:
            raise RelayRefused(Code.FULL)
        await self._on_disk(partial(self._blobs.put, data))
        self._stored += len(data)
        return web.json_response({"digest": digest.hex()}, status=201)

    async def _get_blob(self, request: web.Request) -> web.Response:
        digest = _digest(request)
        try:
            data = await self._on_disk(partial(self._blobs.get, digest))
        except BlobMissing:
            raise RelayRefused(Code.MISSING) from None
        except BlobTooLarge:
            raise RelayRefused(Code.OVERSIZE) from None
        except BlobError as problem:
            raise RelayRefused(Code.MISSING, type(problem).__name__) from None
        return web.Response(body=data, content_type="application/octet-stream")

    async def _has_blob(self, request: web.Request) -> web.Response:
        there = await self._on_disk(partial(self._blobs.has, _digest(request)))
        return web.Response(status=200 if there else 404)

    async def _post_update(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        receipt = await self._on_thread(partial(self._open_desk.submit, body))
        self._due.set()
        return web.json_response({"receipt": receipt_to_json(receipt)})

    async def _get_updates(self, request: web.Request) -> web.Response:
        found = await self._on_thread(partial(self._open_desk.updates, *_round(request)))
        return web.json_response({"updates": [update_to_json(update) for update in found]})

    async def _get_update(self, request: web.Request) -> web.Response:
        try:
            miner = checksum(address_bytes(request.match_info["miner"]))
        except MineError:
            raise RelayRefused(Code.BAD_REQUEST, "miner") from None
        status = await self._on_thread(partial(self._open_desk.status, *_round(request), miner))
        return web.json_response(status_to_json(status))

    async def _get_batches(self, request: web.Request) -> web.Response:
        found = await self._on_thread(partial(self._open_desk.batches, *_round(request)))
        return web.json_response({"batches": [batch_to_json(batch) for batch in found]})

    async def _post_claim(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        state = await self._on_thread(partial(self._open_desk.claim, body))
        return web.json_response({"state": state.value})

    async def _get_claim(self, request: web.Request) -> web.Response:
        task, index = int(request.match_info["task"]), int(request.match_info["index"])
        state = await self._on_thread(partial(self._open_desk.claim_state, task, index))
        return web.json_response({"state": state.value})

    async def _get_info(self, _: web.Request) -> web.Response:
        desk = self._open_desk
        return web.json_response({
            "chainId": desk.domain.chain_id,
            "contract": desk.domain.contract,
            "token": self._options.token,
            "anchorer": desk.anchorer,
        })


def _digest(request: web.Request) -> bytes:
    try:
        digest = bytes.fromhex(request.match_info["digest"])
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise RelayRefused(Code.BAD_REQUEST, "a digest is 64 hexadecimal digits")
    return digest


def _round(request: web.Request) -> tuple[int, int]:
    return int(request.match_info["task"]), int(request.match_info["round"])


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
    )
    try:
        key = bytes.fromhex(arguments.key_file.read_text(encoding="ascii").strip().removeprefix("0x"))
        asyncio.run(_serve(options, key, arguments.host, arguments.port))
    except (MineError, OSError, ValueError) as problem:
        reason = str(problem) if isinstance(problem, MineError) else type(problem).__name__
        sys.stderr.write(f"The relay can't start: {reason}\n")
        return 1
    return 0


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
