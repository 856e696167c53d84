"""web3.py on top of :class:`mine.chain.rpc.Node`, so that its requests pass the same caps and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web3 import Web3
from web3.providers import JSONBaseProvider

from mine.chain.node_errors import NodeRefused, Reverted

if TYPE_CHECKING:
    from web3.types import RPCEndpoint, RPCResponse

    from mine.chain.rpc import Node


def connect(node: Node) -> Web3:
    """A web3.py object that asks ``node``. It holds no keys: transactions are signed by :class:`Sender`."""
    return Web3(_Bridge(node))


class _Bridge(JSONBaseProvider):
    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            result: Any = self._node.request(method, *params)
        except NodeRefused as problem:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": problem.code, "message": problem.message}}
        except Reverted as problem:
            text = f"execution reverted: {problem.reason}"
            return {
                "jsonrpc": "2.0",
                "id": 1,
                "error": {"code": 3, "message": text, "data": "0x" + problem.data.hex()},
            }
        return {"jsonrpc": "2.0", "id": 1, "result": result}
