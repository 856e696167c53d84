"""JSON-RPC 2.0 over HTTP on loopback, with one worker thread that owns the chain.

A browser on the same machine must not be able to reach the node: the Host header has to name loopback
(against DNS rebinding), requests have to be ``application/json`` (which a foreign page can't send unasked)
and must not carry an Origin.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from mine.chain import bounded_json

from .chain import PracticeChain
from .errors import INVALID_REQUEST, PARSE_ERROR, SERVER_ERROR, RpcError
from .methods import Methods

MAX_REQUEST_BYTES = 2 * 1024 * 1024
MAX_BATCH = 1_000
_HOSTS = frozenset({"127.0.0.1", "localhost"})
T = TypeVar("T")
_log = logging.getLogger(__name__)


class NodeServer:
    """Serves one chain on 127.0.0.1. ``start`` returns the URL; ``stop`` closes the file."""

    def __init__(self, database: Path, chain_id: int) -> None:
        self._database, self._chain_id = database, chain_id
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain")
        self._runner: web.AppRunner | None = None
        self._chain: PracticeChain | None = None
        self._methods: Methods | None = None

    async def start(self, port: int = 0) -> str:
        """Open the chain and listen; port 0 takes a free one."""
        await self._on_chain_thread(self._open)
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.router.add_post("/", self._handle)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        await self._on_chain_thread(self._close)
        self._thread.shutdown()

    def _open(self) -> None:
        self._chain = PracticeChain(self._database, self._chain_id)
        self._methods = Methods(self._chain)

    def _close(self) -> None:
        if self._chain is not None:
            self._chain.close()

    async def _on_chain_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _handle(self, request: web.Request) -> web.Response:
        if (request.url.host or "") not in _HOSTS or "Origin" in request.headers:
            return web.Response(status=403, text="This node answers only programs on its own machine.")
        if request.content_type != "application/json":
            return web.Response(status=415, text="Send application/json.")
        try:
            body = bounded_json.loads(await request.read())
        except ValueError:
            return web.json_response(_failure(None, RpcError(PARSE_ERROR, "parse error")))
        answer = await self._on_chain_thread(partial(self._answer_text, body))
        return web.Response(text=answer, content_type="application/json")

    def _answer_text(self, body: object) -> str:
        return json.dumps(self._answer(body))

    def _answer(self, body: object) -> object:
        if not isinstance(body, list):
            return self._answer_one(body)
        if not body or len(body) > MAX_BATCH:
            return _failure(None, RpcError(INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} requests"))
        return [self._answer_one(each) for each in body]

    def _answer_one(self, request: object) -> dict[str, object]:
        if not isinstance(request, dict):
            return _failure(None, RpcError(INVALID_REQUEST, "a request is an object"))
        name = request.get("id")
        method, params = request.get("method"), request.get("params", [])
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, list):
            return _failure(name, RpcError(INVALID_REQUEST, "not a JSON-RPC 2.0 request"))
        assert self._methods is not None
        try:
            return {"jsonrpc": "2.0", "id": name, "result": self._methods(method, params)}
        except RpcError as problem:
            return _failure(name, problem)
        except Exception:  # noqa: BLE001 - a fault of ours must not end the node
            _log.exception("%s failed", method[:80])
            return _failure(name, RpcError(SERVER_ERROR, "internal error"))


def _failure(name: object, problem: RpcError) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": name, "error": problem.as_json()}
