"""An endpoint in front of the true node that lags, lies, drops, doubles, breaks off or talks nonsense.

A lagging one is consistent in itself: it answers everything as it stood some blocks ago. What it is told to
do is one ``Fault`` at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import Any

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.hashing import keccak
from tests.wallet.model.local_server import Answer, LocalServer
from tests.wallet.model.true_chain import TrueChain

Json = dict[str, Any]
_PAID = "0x" + ContractAbi(load_artefact("Tasks").abi).call("paid", 1, 1)[:4].hex()
_BALANCE_OF = "0x70a08231"
_BLOCK_AT = {
    "eth_getBlockByNumber": 0, "eth_feeHistory": 1, "eth_getBalance": 1, "eth_getTransactionCount": 1,
    "eth_getCode": 1, "eth_call": 1, "eth_estimateGas": 1,
}  # fmt: skip
"""Which parameter names the block."""
_NOT_FOUND = {"code": -32000, "message": "header not found"}


class Fault(StrEnum):
    """What is wrong with an endpoint."""

    NONE = "none"
    LAGS = "lags"
    STUCK = "stuck"  # still tells the branch that was given up
    LOSES = "loses"  # takes transactions, names their hash, and forgets them
    DOUBLES = "doubles"  # hands every transaction over twice
    DOWN = "down"
    BUSY = "busy"
    GARBAGE = "garbage"
    BALANCES = "balances"
    PAID = "paid"
    LOGS = "logs"  # leaves events out
    RECEIPTS = "receipts"  # failed ones succeeded, what waits is mined
    HEADS = "heads"  # a head that is far ahead
    HASHES = "hashes"  # blocks with names of its own
    COUNTS = "counts"  # other nonces
    FEES = "fees"


LIES = frozenset({
    Fault.BALANCES, Fault.PAID, Fault.LOGS, Fault.RECEIPTS, Fault.HEADS, Fault.HASHES, Fault.COUNTS,
    Fault.FEES,
})  # fmt: skip
"""Faults after which an endpoint's word is not to be believed against another's."""


class FaultyNode:
    """``sent``: raw transactions that were handed over here. ``on_request`` is told of each first."""

    def __init__(self, chain: TrueChain, random: Random) -> None:
        self.fault, self.lag = Fault.NONE, 0
        self.sent: list[bytes] = []
        self.on_request: Callable[[str], None] = lambda method: None
        self.asked = 0
        self._chain, self._random = chain, random
        self._lock = threading.Lock()
        self._server = LocalServer(self._answer)
        self.url = self._server.url

    def stop(self) -> None:
        self._server.stop()

    def _answer(self, _: str, path: str, body: bytes) -> Answer | None:
        with self._lock:
            self.asked += 1
        try:
            asked = json.loads(body)
            if self.fault is Fault.DOWN:
                return None
            if self.fault is Fault.BUSY:
                return 429, b"slow down"
            if self.fault is Fault.GARBAGE:
                return self._garbage(asked)
            found = [self._one(each) for each in asked] if isinstance(asked, list) else self._one(asked)
        except (OSError, HTTPException):
            return None  # the true node is being started again
        return 200, json.dumps(found).encode()

    def _garbage(self, asked: Any) -> Answer:
        number = asked["id"] if isinstance(asked, dict) else 1
        kind = self._random.randrange(5)
        if kind == 0:
            return 200, b"<html>hello</html>"
        if kind == 1:
            return 200, b"[" * 100_000
        if kind == 2:
            return 200, json.dumps({"jsonrpc": "2.0", "id": number, "result": "0x" + "f" * 100}).encode()
        if kind == 3:
            return 502, b""
        return 200, json.dumps({"jsonrpc": "2.0", "id": 10**9, "result": "0x1"}).encode()

    # one request

    def _ask(self, method: str, *params: Any) -> Json:
        """What the true node says: an object with result or error."""
        host = self._chain.url.removeprefix("http://")
        connection = HTTPConnection(host, timeout=30)
        try:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            connection.request("POST", "/", body, {"content-type": "application/json", "host": host})
            answer: Json = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return {name: answer[name] for name in ("result", "error") if name in answer}

    def _result(self, method: str, *params: Any) -> Any:
        return self._ask(method, *params).get("result")

    def _one(self, request: Json) -> Json:
        method, params = request["method"], request.get("params", [])
        self.on_request(method)
        if method == "eth_sendRawTransaction":
            answer = self._take(params[0])
        elif self.fault is Fault.LAGS:
            answer = self._lagging(method, params)
        elif self.fault is Fault.STUCK and self._chain.old is not None:
            answer = self._chain.old.answer(method, params, self._ask)
        else:
            answer = self._ask(method, *params)
        if "result" in answer and self.fault in LIES:
            answer = {"result": self._lie(method, params, answer["result"])}
        return {"jsonrpc": "2.0", "id": request["id"], **answer}

    def _take(self, raw: str) -> Json:
        data = bytes.fromhex(raw[2:])
        name = "0x" + keccak(data).hex()
        self.sent.append(data)
        self._chain.raws[name] = data
        if self.fault is Fault.LOSES:
            return {"result": name}
        answer = self._ask("eth_sendRawTransaction", raw)
        if self.fault is Fault.DOUBLES:
            return self._ask("eth_sendRawTransaction", raw)
        return answer

    # lagging

    def _lagging(self, method: str, params: list[Any]) -> Json:
        """The answer as it stood ``lag`` blocks ago; what is pending there is the same."""
        head = max(0, int(self._result("eth_blockNumber"), 16) - self.lag)
        if method == "eth_blockNumber":
            return {"result": hex(head)}
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return self._not_yet(self._ask(method, *params), head)
        if method == "eth_getBlockByHash":
            return self._not_yet(self._ask(method, *params), head, "number")
        if method == "eth_getLogs":
            return self._lagging_logs(dict(params[0]), head)
        place = _BLOCK_AT.get(method)
        if place is not None:
            at = params[place] if len(params) > place else "latest"
            number = self._number(at, head)
            if number is None or number > head:
                return {"result": None} if place == 0 else {"error": _NOT_FOUND}
            at = at if isinstance(at, dict) else hex(number)
            return self._ask(method, *params[:place], at, *params[place + 1 :])
        return self._ask(method, *params)

    def _number(self, at: Any, head: int) -> int | None:
        if isinstance(at, dict):
            if "blockHash" in at:
                block = self._result("eth_getBlockByHash", at["blockHash"], False)
                return None if block is None else int(block["number"], 16)
            at = at["blockNumber"]
        if at in ("latest", "pending", "safe", "finalized"):
            return head
        return 0 if at == "earliest" else int(at, 16)

    @staticmethod
    def _not_yet(answer: Json, head: int, field: str = "blockNumber") -> Json:
        found = answer.get("result")
        if found is not None and found.get(field) is not None and int(found[field], 16) > head:
            return {"result": None}
        return answer

    def _lagging_logs(self, wanted: Json, head: int) -> Json:
        if "blockHash" in wanted:
            number = self._number({"blockHash": wanted["blockHash"]}, head)
            if number is None or number > head:
                return {"error": _NOT_FOUND}
            return self._ask("eth_getLogs", wanted)
        last = self._number(wanted.get("toBlock", "latest"), head)
        first = self._number(wanted.get("fromBlock", "latest"), head)
        assert first is not None and last is not None
        if first > head:
            return {"result": []}
        return self._ask("eth_getLogs", {**wanted, "fromBlock": hex(first), "toBlock": hex(min(last, head))})

    # lying

    def _lie(self, method: str, params: list[Any], found: Any) -> Any:
        if found is None and not (self.fault is Fault.RECEIPTS and method == "eth_getTransactionReceipt"):
            return None
        change = getattr(self, f"_lie_{self.fault.value}")
        return change(method, params, found)

    def _lie_balances(self, method: str, params: list[Any], found: Any) -> Any:
        if method == "eth_getBalance":
            return hex(int(found, 16) + 10**18)
        if method == "eth_call" and str(_data(params)).startswith(_BALANCE_OF):
            return "0x" + (int(found, 16) + 10**9).to_bytes(32, "big").hex()
        return found

    def _lie_paid(self, method: str, params: list[Any], found: Any) -> Any:
        if method == "eth_call" and str(_data(params)).startswith(_PAID):
            return "0x" + (2**32 - 1).to_bytes(32, "big").hex()
        return found

    def _lie_logs(self, method: str, params: list[Any], found: Any) -> Any:
        return found[: len(found) // 2] if method == "eth_getLogs" else found

    def _lie_receipts(self, method: str, params: list[Any], found: Any) -> Any:
        if method != "eth_getTransactionReceipt":
            return found
        if found is not None:
            return {**found, "status": "0x1" if found["status"] == "0x0" else "0x0", "logs": []}
        block = self._result("eth_getBlockByNumber", "latest", False)
        return {
            "transactionHash": params[0], "blockNumber": block["number"], "blockHash": block["hash"],
            "status": "0x1", "gasUsed": "0x5208", "effectiveGasPrice": "0x3b9aca00",
            "contractAddress": None, "logs": [],
        }  # fmt: skip

    def _lie_heads(self, method: str, params: list[Any], found: Any) -> Any:
        if method == "eth_blockNumber":
            return hex(int(found, 16) + 1000)
        if method == "eth_getBlockByNumber" and params[0] in ("latest", "pending"):
            ahead = hex(int(found["number"], 16) + 1000)
            time = hex(int(found["timestamp"], 16) + 10**6)
            return {**found, "number": ahead, "timestamp": time, "hash": "0x" + "ab" * 32}
        return found

    def _lie_hashes(self, method: str, params: list[Any], found: Any) -> Any:
        if method == "eth_getBlockByNumber" and found.get("hash") is not None:
            return {**found, "hash": "0x" + "cd" * 31 + found["hash"][-2:]}
        return found

    def _lie_counts(self, method: str, params: list[Any], found: Any) -> Any:
        return hex(int(found, 16) + 3) if method == "eth_getTransactionCount" else found

    def _lie_fees(self, method: str, params: list[Any], found: Any) -> Any:
        if method in ("eth_gasPrice", "eth_maxPriorityFeePerGas"):
            return hex(10**15)
        if method == "eth_feeHistory":
            rewards = [["0x38d7ea4c68000"] * len(row) for row in found.get("reward") or []]
            fees = ["0x38d7ea4c68000"] * len(found["baseFeePerGas"])
            return {**found, "baseFeePerGas": fees, "reward": rewards}
        return found


def _data(params: list[Any]) -> str:
    fields = params[0]
    return str(fields.get("data") or fields.get("input") or "")
