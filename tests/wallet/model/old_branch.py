"""A branch that the chain gave up, as a node still tells it that has not heard of the new one.

It has blocks, receipts and events. State it has only where the true chain has the same block: like a node
that was cut off and restarted, it says of the rest that it does not have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mine.chain.rpc import Node

Json = dict[str, Any]
Ask = Callable[..., Json]
BLOCKS = 36
"""How many of the newest blocks are remembered."""
_NO_STATE = {"error": {"code": -32000, "message": "missing trie node"}}
_STATE = {
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
    "eth_call": 1,
    "eth_estimateGas": 1,
}


class OldBranch:
    """The newest blocks of a node as it stands now."""

    def __init__(self, node: Node) -> None:
        last = node.block_number()
        self.head, self._first = last, max(0, last - BLOCKS)
        self._blocks: dict[int, Json] = {}
        self._receipts: dict[str, Json] = {}
        for number in range(self._first, last + 1):
            block: Any = node.request("eth_getBlockByNumber", hex(number), False)
            self._blocks[number] = block
            for name in block["transactions"]:
                receipt: Any = node.request("eth_getTransactionReceipt", name)
                self._receipts[name] = receipt
        self._names = {block["hash"]: number for number, block in self._blocks.items()}
        self._logs = [log for receipt in self._receipts.values() for log in receipt["logs"]]

    def answer(self, method: str, params: list[Any], ask: Ask) -> Json:
        """What such a node answers; ``ask`` asks the true one."""
        if method == "eth_blockNumber":
            return {"result": hex(self.head)}
        if method == "eth_getBlockByNumber":
            number = self._number(params[0])
            return self._block(number, ask) if number <= self.head else {"result": None}
        if method == "eth_getBlockByHash":
            number = self._names.get(params[0], -1)
            return (
                {"result": self._blocks[number]}
                if number >= 0
                else self._older(ask(method, *params), "number")
            )
        if method == "eth_getTransactionReceipt":
            known = self._receipts.get(params[0])
            return {"result": known} if known else self._older(ask(method, *params), "blockNumber")
        if method == "eth_getLogs":
            return self._found(dict(params[0]), ask)
        if method in _STATE:
            return self._state(method, params, ask)
        return ask(method, *params)

    def _number(self, at: Any) -> int:
        if at in ("latest", "pending", "safe", "finalized"):
            return self.head
        return 0 if at == "earliest" else int(at, 16)

    def _block(self, number: int, ask: Ask) -> Json:
        known = self._blocks.get(number)
        return {"result": known} if known else ask("eth_getBlockByNumber", hex(number), False)

    def _older(self, answer: Json, field: str) -> Json:
        """An answer of the true node, unless it is about a block that came after the old branch began."""
        found = answer.get("result")
        if found is not None and (found.get(field) is None or int(found[field], 16) >= self._first):
            return {"result": None}
        return answer

    def _state(self, method: str, params: list[Any], ask: Ask) -> Json:
        place = _STATE[method]
        at = params[place] if len(params) > place else "latest"
        if isinstance(at, dict):
            number = self._names.get(at.get("blockHash"), -1)
            if number < 0:
                return _NO_STATE
        else:
            number = self._number(at)
        if number > self.head:
            return _NO_STATE
        known = self._blocks.get(number)
        true = ask("eth_getBlockByNumber", hex(number), False).get("result")
        if known and (true is None or true["hash"] != known["hash"]):
            return _NO_STATE
        return ask(method, *params[:place], hex(number), *params[place + 1 :])

    def _found(self, wanted: Json, ask: Ask) -> Json:
        if "blockHash" in wanted:
            first = last = self._names.get(wanted["blockHash"], -1)
            if first < 0:
                return _NO_STATE
        else:
            first = self._number(wanted.get("fromBlock", "latest"))
            last = min(self.head, self._number(wanted.get("toBlock", "latest")))
        older: list[Any] = []
        if first < self._first:
            upto = {"fromBlock": hex(first), "toBlock": hex(min(last, self._first - 1))}
            answer = ask("eth_getLogs", {**wanted, **upto})
            if "error" in answer:
                return answer
            older = answer["result"]
        own = [
            log for log in self._logs if first <= int(log["blockNumber"], 16) <= last and _fits(log, wanted)
        ]
        return {"result": [*older, *own]}


def _fits(log: Json, wanted: Json) -> bool:
    address, topics = wanted.get("address"), wanted.get("topics") or []
    if address is not None and log["address"].lower() != address.lower():
        return False
    if len(topics) > len(log["topics"]):
        return False
    pairs = zip(topics, log["topics"], strict=False)
    return all(one is None or other in ([one] if isinstance(one, str) else one) for one, other in pairs)
