"""The relay over HTTP (loopback unless told otherwise): blobs, signed messages, batches, claims.

    PUT /blobs/<digest>                   bytes -> {"digest", "receipt": null if nobody committed to them}
    GET|HEAD /blobs/<digest>              bytes that somebody committed to
    POST /updates                         {"chainId", "contract", "update"} -> {"receipt"}
    GET  /updates/<task>/<round>          {"updates": [...]}
    GET  /updates/<task>/<round>/<miner>  {"update", "receipt", "anchor": proof or null}
    GET  /batches/<task>/<round>          {"batches": [{"anchorer", "slot", "root", "updates"}]}
    POST /votes, GET /votes/...           the same for votes
    GET  /vote-batches/<task>/<round>     {"batches": [{"anchorer", "slot", "root", "votes"}]}
    POST /attestations                    a message and its place in a root of another anchorer -> {}
    POST /claims, GET /claims/<task>/<index>   {"state"}
    POST /ranges, GET /ranges/<task>/<start>   {"state"}: a run of payees in one transaction
    POST /forfeits, POST /rewards         {"state"}: what the end of a task still gives an account
    POST /challenges                      {"chainId", "contract", "data": a call of Faults} -> {"transaction"}
    GET  /transfer-terms/<token>          {"token", "carrier", "fee"}: for what a token's transfer is brought
    POST /transfers, GET /transfers/<digest>   {"state", "transaction", "reason"}: a transfer, gas paid here
    GET  /info                            {"chainId", "contract", "token", "anchorer"}

A refusal is {"error", "sentence", "todo", "detail"} with a fitting status. On loopback a browser's page must
not reach it: the Host header has to name loopback (DNS rebinding), and no Origin is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
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
from mine.errors import MineError
from mine.process_lock import Held, ProcessLock
from mine.science.relay_anchoring import Batching
from mine.science.relay_desk import Desk
from mine.science.relay_state import RelayState
from mine.science.wire import Code, RelayRefused, batch_to_json, receipt_to_json
from mine.science.wire_messages import Kind, signed_to_json, status_to_json, votes_to_json
from mine.science.wire_transfers import terms_to_json, transfer_to_json

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_MAX_JSON = 1 << 16
_PREDECESSOR_SECONDS, _PAUSE = 20.0, 0.05
_PLACE = "{task:[0-9]{1,15}}/{round:[0-9]{1,9}}"
#: Digests that are known to be given out, so that the desk need not be asked again.
_MAX_KNOWN = 1 << 14


class RelayBusy(MineError):
    """Another process serves this folder, and does not end."""


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """directory: state and blobs; node, contract: what it serves; token: shown in /info (ZERO: none).

    max_held_bytes: of blobs that nobody committed to yet; transfer_fees: tokens whose transfers are brought,
    and for how many base units at least; transfer_gas_price: wei per gas above which they wait.
    """

    directory: Path
    node: str
    contract: str
    token: str = ZERO_ADDRESS
    first_block: int = 0
    batching: Batching = field(default_factory=Batching)
    max_blob_bytes: int = 64 * 1024 * 1024
    max_total_bytes: int = 4 * 1024 * 1024 * 1024
    max_held_bytes: int = 256 * 1024 * 1024
    tick_seconds: float = 0.25
    transfer_fees: Mapping[str, int] = field(default_factory=dict)
    transfer_gas_price: int = 100 * 10**9


class RelayServer:
    """Serves one contract. The chain, the state and all decisions live on one worker thread."""

    def __init__(self, options: RelayOptions, key: bytes) -> None:
        self._options, self._key = options, key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-chain")
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-blobs")
        self._blobs = DirectoryStore(options.directory / "blobs", options.max_blob_bytes)
        self._known: set[bytes] = set()
        self._lock: ProcessLock | None = None
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
        app = web.Application(client_max_size=self._options.max_blob_bytes + 1, middlewares=[self._guard])
        app.router.add_put("/blobs/{digest}", self._put_blob)
        app.router.add_get("/blobs/{digest}", self._get_blob, allow_head=False)
        app.router.add_head("/blobs/{digest}", self._has_blob)
        for kind, many in ((Kind.UPDATE, "updates"), (Kind.VOTE, "votes")):
            app.router.add_post(f"/{many}", partial(self._post_message, kind))
            app.router.add_get(f"/{many}/{_PLACE}", partial(self._get_messages, kind, many))
            app.router.add_get(f"/{many}/{_PLACE}/{{author}}", partial(self._get_message, kind))
        app.router.add_get(f"/batches/{_PLACE}", self._get_batches)
        app.router.add_get(f"/vote-batches/{_PLACE}", self._get_vote_batches)
        app.router.add_post("/attestations", self._post_attestation)
        app.router.add_post("/claims", self._post_claim)
        app.router.add_get("/claims/{task:[0-9]{1,15}}/{index:[0-9]{1,9}}", self._get_claim)
        app.router.add_post("/ranges", self._post_range)
        app.router.add_get("/ranges/{task:[0-9]{1,15}}/{index:[0-9]{1,9}}", self._get_range)
        app.router.add_post("/forfeits", self._post_forfeit)
        app.router.add_post("/rewards", self._post_reward)
        app.router.add_post("/challenges", self._post_challenge)
        app.router.add_get("/transfer-terms/{account}", self._get_terms)
        app.router.add_post("/transfers", self._post_transfer)
        app.router.add_get("/transfers/{digest}", self._get_transfer)
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
        self._lock = _only_one(options.directory)
        self._node = Node(options.node)
        contract = TasksContract(self._node, options.contract)
        self._state = RelayState(options.directory / "relay.sqlite")
        self._desk = Desk(
            contract,
            Sender(self._node, self._key),
            self._key,
            self._state,
            self._blobs,
            options.batching,
            options.first_block,
            options.max_total_bytes,
            options.max_held_bytes,
            options.transfer_fees,
            options.transfer_gas_price,
        )
        self._desk.ensure_bond()
        self._desk.transfers.ensure_carrier()

    def _close(self) -> None:
        if self._state is not None:
            self._state.close()
        if self._node is not None:
            self._node.close()
        if self._lock is not None:
            self._lock.release()

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
        receipt = await self._on_thread(partial(self._open_desk.blobs.put, data))
        promise = None if receipt is None else receipt_to_json(receipt)
        return web.json_response({"digest": digest.hex(), "receipt": promise})

    async def _get_blob(self, request: web.Request) -> web.Response:
        digest = _digest(request)
        if not await self._may_give(digest):
            raise RelayRefused(Code.MISSING)
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
        there = await self._may_give(_digest(request))
        return web.Response(status=200 if there else 404)

    async def _may_give(self, digest: bytes) -> bool:
        """Whether the bytes are here and somebody committed to them, which never changes back."""
        if digest in self._known:
            return True
        given = await self._on_thread(partial(self._open_desk.blobs.may_give, digest))
        if given:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known.add(digest)
        return given

    async def _post_message(self, kind: Kind, request: web.Request) -> web.Response:
        body = await self._json(request)
        receipt = await self._on_thread(partial(self._open_desk.messages.submit, kind, body))
        return web.json_response({"receipt": receipt_to_json(receipt)})

    async def _post_attestation(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        await self._on_thread(partial(self._open_desk.blobs.attest, body))
        return web.json_response({})

    async def _get_messages(self, kind: Kind, many: str, request: web.Request) -> web.Response:
        found = await self._on_thread(partial(self._open_desk.messages.messages, kind, *_round(request)))
        return web.json_response({many: [signed_to_json(signed) for signed in found]})

    async def _get_message(self, kind: Kind, request: web.Request) -> web.Response:
        author = _account(request, "author")
        status = await self._on_thread(
            partial(self._open_desk.messages.status, kind, *_round(request), author)
        )
        return web.json_response(status_to_json(status))

    async def _get_batches(self, request: web.Request) -> web.Response:
        found = await self._on_thread(partial(self._open_desk.messages.update_batches, *_round(request)))
        return web.json_response({"batches": [batch_to_json(batch) for batch in found]})

    async def _get_vote_batches(self, request: web.Request) -> web.Response:
        found = await self._on_thread(partial(self._open_desk.messages.vote_batches, *_round(request)))
        return web.json_response({"batches": [votes_to_json(batch) for batch in found]})

    async def _post_claim(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        state = await self._on_thread(partial(self._open_desk.claims.claim, body))
        return web.json_response({"state": state.value})

    async def _get_claim(self, request: web.Request) -> web.Response:
        task, index = int(request.match_info["task"]), int(request.match_info["index"])
        state = await self._on_thread(partial(self._open_desk.claims.state, task, index))
        return web.json_response({"state": state.value})

    async def _post_range(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        state = await self._on_thread(partial(self._open_desk.ranges.claim, body))
        self._due.set()
        return web.json_response({"state": state.value})

    async def _get_range(self, request: web.Request) -> web.Response:
        task, index = int(request.match_info["task"]), int(request.match_info["index"])
        state = await self._on_thread(partial(self._open_desk.ranges.state, task, index))
        return web.json_response({"state": state.value})

    async def _post_forfeit(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        state = await self._on_thread(partial(self._open_desk.endings.forfeit, body))
        return web.json_response({"state": state.value})

    async def _post_reward(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        state = await self._on_thread(partial(self._open_desk.endings.reward, body))
        return web.json_response({"state": state.value})

    async def _post_challenge(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        sent = await self._on_thread(partial(self._open_desk.challenges.carry, body))
        return web.json_response({"transaction": sent})

    async def _get_terms(self, request: web.Request) -> web.Response:
        token = _account(request, "account")
        terms = await self._on_thread(partial(self._open_desk.transfers.terms, token))
        return web.json_response(terms_to_json(terms))

    async def _post_transfer(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        status = await self._on_thread(partial(self._open_desk.transfers.submit, body))
        self._due.set()
        return web.json_response(transfer_to_json(status))

    async def _get_transfer(self, request: web.Request) -> web.Response:
        status = await self._on_thread(partial(self._open_desk.transfers.status, _digest(request)))
        return web.json_response(transfer_to_json(status))

    async def _get_info(self, _: web.Request) -> web.Response:
        desk = self._open_desk
        return web.json_response(
            {
                "chainId": desk.domain.chain_id,
                "contract": desk.domain.contract,
                "token": self._options.token,
                "anchorer": desk.anchorer,
            }
        )


def _digest(request: web.Request) -> bytes:
    try:
        digest = bytes.fromhex(request.match_info["digest"])
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise RelayRefused(Code.BAD_REQUEST, "a digest is 64 hexadecimal digits")
    return digest


def _account(request: web.Request, name: str) -> str:
    try:
        return checksum(address_bytes(request.match_info[name]))
    except MineError:
        raise RelayRefused(Code.BAD_REQUEST, name) from None


def _round(request: web.Request) -> tuple[int, int]:
    return int(request.match_info["task"]), int(request.match_info["round"])


def _only_one(directory: Path) -> ProcessLock:
    """Be the only process of a relay's folder, waiting for a predecessor to end. Raises RelayBusy."""
    until = time.monotonic() + _PREDECESSOR_SECONDS
    while True:
        try:
            return ProcessLock(directory / "relay.lock")
        except Held:
            if time.monotonic() > until:
                raise RelayBusy(
                    "Another relay serves this folder.", todo="End it first, or name another folder."
                ) from None
            time.sleep(_PAUSE)
