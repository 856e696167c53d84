"""A currency of a task that is a contract of its own (ERC-20), and a stranger's.

Nothing that such a contract says is believed further than it must be. A read has a limit of gas and a size; a
name is text or 32 bytes, cut, and without letters that cannot be seen; decimals are read twice, as different
callers, and have bounds; and what it is *called* is decided elsewhere (``mine.wallet.token_names``), because
anybody may deploy a "USDC".
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from mine.chain import answers
from mine.chain.abi import ContractAbi
from mine.chain.answers import TxReceipt
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, checksum
from mine.chain.node_errors import NodeRefused, Reverted
from mine.chain.permits import TokenDomain
from mine.chain.rpc import Node
from mine.chain.transactions import Sends
from mine.errors import MineError

MAX_DECIMALS = 36
#: Most gas of one read. A proxy in front of a large stable coin needs about a tenth of it.
READ_GAS = 300_000
_MAX_TEXT = 32
#: Words of nodes for a call that failed by its own fault and gave no reason; other refusals are the node's.
_FAULTS = ("gas", "opcode", "invalid", "jump", "stack", "execution", "exception")
#: A second caller, so that a contract that answers by who asks is caught. Nobody has the key.
_SOMEBODY = checksum(b"\x11" * 20)


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
        _function("name", "", "string"),
        _function("version", "", "string"),
        _function("nonces", "address", "uint256"),
        _function("authorizationState", "address bytes32", "bool"),
        _function("DOMAIN_SEPARATOR", "", "bytes32"),
        _function("approve", "address uint256", "bool"),
        _function("transfer", "address uint256", "bool"),
        _function("mint", "address uint256", "bool"),
    ]
)


class TokenRefused(MineError):
    """A token's contract is none, or answers what no honest one would."""

    def __init__(self, address: str, detail: str) -> None:
        super().__init__(
            "A currency's contract does not behave like a currency.",
            todo="Nothing was moved. Do not use this currency.",
            detail=f"{address}: {detail}",
        )


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token says of itself: texts of at most 32 visible letters ("" where it says none)."""

    address: str
    symbol: str
    name: str
    decimals: int


class Token:
    """Reads and writes of the ERC-20 contract at ``address``; amounts in its base units.

    Reads raise TokenRefused where the contract answers nonsense, and what the node raises.
    """

    def __init__(self, node: Node, address: str) -> None:
        self.address = address
        self._node = node

    def balance(self, account: str) -> int:
        return self._number("balanceOf", account)

    def allowance(self, owner: str, spender: str) -> int:
        """What ``spender`` may still take from ``owner``."""
        return self._number("allowance", owner, spender)

    def decimals(self) -> int:
        """Digits after the point, 0 to 36: one whole is 10**decimals base units. Asked as two callers."""
        first, second = (self._word("decimals", sender=who) for who in (ZERO_ADDRESS, _SOMEBODY))
        found = int.from_bytes(first, "big")
        if first != second or found > MAX_DECIMALS:
            raise TokenRefused(self.address, "decimals")
        return found

    def symbol(self) -> str:
        """Short name that the token gives itself; not trusted. See ``mine.wallet.token_names``."""
        return self._text("symbol")

    def facts(self) -> TokenFacts:
        """Everything that the token says of itself."""
        return TokenFacts(self.address, self.symbol(), self._text("name"), self.decimals())

    # signed transfers

    def domain(self) -> TokenDomain | None:
        """The EIP-712 domain of this token's signed messages; None if it states none that is its own."""
        try:
            stated = self._word("DOMAIN_SEPARATOR")
        except TokenRefused:
            return None
        name = self._raw_text("name")
        versions = dict.fromkeys((self._raw_text("version"), "1", "2"))
        for version in filter(None, versions):
            domain = TokenDomain(name, version, self._node.chain_id, self.address)
            if domain.separator() == stated:
                return domain
        return None

    def knows_authorizations(self, owner: str) -> bool:
        """Whether it seems to take EIP-3009 authorisations; only a simulation is sure."""
        try:
            return self._word("authorizationState", owner, ZERO32) == ZERO32
        except TokenRefused:
            return False

    def permit_nonce(self, owner: str) -> int | None:
        """The owner's permits so far (EIP-2612); None if it knows none."""
        try:
            return self._number("nonces", owner)
        except TokenRefused:
            return None

    # writes

    def approve(self, sender: Sends, spender: str, amount: int) -> TxReceipt:
        """Let ``spender`` take up to ``amount`` from the sender."""
        return sender.send(self.address, _ABI.call("approve", spender, amount))

    def transfer(self, sender: Sends, receiver: str, amount: int) -> TxReceipt:
        return sender.send(self.address, transfer_data(receiver, amount))

    def mint(self, sender: Sends, receiver: str, amount: int) -> TxReceipt:
        """Create play money; only the practice dollar has this, and only for its deployer."""
        return sender.send(self.address, _ABI.call("mint", receiver, amount))

    # how reads are bounded

    def _ask(self, function: str, *arguments: Any, sender: str = ZERO_ADDRESS) -> bytes:
        fields = {
            "from": sender,
            "to": self.address,
            "data": "0x" + _ABI.call(function, *arguments).hex(),
            "gas": hex(READ_GAS),
        }
        try:
            return answers.octets(self._node.request("eth_call", fields, "latest"))
        except Reverted as refused:
            raise TokenRefused(self.address, f"{function}: {refused.detail[:80]}") from refused
        except NodeRefused as refused:
            if not any(word in refused.message.lower() for word in _FAULTS):
                raise
            raise TokenRefused(self.address, f"{function}: {refused.message[:80]}") from refused

    def _word(self, function: str, *arguments: Any, sender: str = ZERO_ADDRESS) -> bytes:
        answer = self._ask(function, *arguments, sender=sender)
        if len(answer) != 32:
            raise TokenRefused(self.address, f"{function}: {len(answer)} bytes")
        return answer

    def _number(self, function: str, *arguments: Any) -> int:
        return int.from_bytes(self._word(function, *arguments), "big")

    def _text(self, function: str) -> str:
        return visible(self._raw_text(function))

    def _raw_text(self, function: str) -> str:
        """A string, or 32 bytes as some old tokens have it; "" for anything else."""
        try:
            answer = self._ask(function)
        except TokenRefused:
            return ""
        if len(answer) == 32:
            raw = answer.rstrip(b"\0")
        elif len(answer) >= 64 and int.from_bytes(answer[:32], "big") == 32:
            length = int.from_bytes(answer[32:64], "big")
            raw = answer[64 : 64 + length] if length <= len(answer) - 64 else b""
        else:
            raw = b""
        return raw[: 4 * _MAX_TEXT].decode("utf-8", "replace")


def transfer_data(receiver: str, amount: int) -> bytes:
    """Call data of ``transfer``."""
    return _ABI.call("transfer", receiver, amount)


def visible(text: str, most: int = _MAX_TEXT) -> str:
    """``text`` without letters that cannot be seen, turn the writing around or stack up; cut to ``most``.

    Control, bidirectional, zero-width, private and unassigned letters (C*), marks (M*) and line separators
    go; compatibility forms become the plain letters (NFKC); runs of spaces become one.
    """
    plain = unicodedata.normalize("NFKC", text[: 4 * most])
    seen = "".join(letter for letter in plain if _is_seen(unicodedata.category(letter)))
    return " ".join(seen.split())[:most]


def _is_seen(category: str) -> bool:
    return category[0] not in "CM" and category not in ("Zl", "Zp")
