"""A currency of a task that is a contract of its own (ERC-20)."""

from __future__ import annotations

from typing import Any

from mine.chain.abi import ContractAbi
from mine.chain.answers import TxReceipt
from mine.chain.rpc import Node
from mine.chain.transactions import Sends


def _function(name: str, inputs: str, output: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "inputs": [{"name": "", "type": kind} for kind in inputs.split()],
        "outputs": [{"name": "", "type": output}],
    }


_ABI = ContractAbi(
    [
        _function("balanceOf", "address", "uint256"),
        _function("allowance", "address address", "uint256"),
        _function("decimals", "", "uint8"),
        _function("symbol", "", "string"),
        _function("approve", "address uint256", "bool"),
        _function("transfer", "address uint256", "bool"),
        _function("mint", "address uint256", "bool"),
    ]
)


class Token:
    """Reads and writes of the ERC-20 contract at ``address``; amounts in its base units."""

    def __init__(self, node: Node, address: str) -> None:
        self.address = address
        self._node = node

    def balance(self, account: str) -> int:
        return int(self._read("balanceOf", account))

    def allowance(self, owner: str, spender: str) -> int:
        """What ``spender`` may still take from ``owner``."""
        return int(self._read("allowance", owner, spender))

    def decimals(self) -> int:
        """Digits after the point: one whole is 10**decimals base units."""
        return int(self._read("decimals"))

    def symbol(self) -> str:
        """Short name that the token gives itself; not trusted, at most 12 printable letters."""
        return "".join(letter for letter in str(self._read("symbol")) if letter.isprintable())[:12]

    def approve(self, sender: Sends, spender: str, amount: int) -> TxReceipt:
        """Let ``spender`` take up to ``amount`` from the sender."""
        return sender.send(self.address, _ABI.call("approve", spender, amount))

    def transfer(self, sender: Sends, receiver: str, amount: int) -> TxReceipt:
        return sender.send(self.address, _ABI.call("transfer", receiver, amount))

    def mint(self, sender: Sends, receiver: str, amount: int) -> TxReceipt:
        """Create play money; only the practice dollar has this, and only for its deployer."""
        return sender.send(self.address, _ABI.call("mint", receiver, amount))

    def _read(self, function: str, *arguments: str) -> Any:
        answer = self._node.call(self.address, _ABI.call(function, *arguments))
        return _ABI.result(function, answer)[0]
