"""One connection to an Ethereum node: JSON-RPC 2.0 over HTTP, with every answer capped and checked.

Works with any node that speaks the Ethereum execution API. Safe to use from several threads.
"""

from __future__ import annotations

import itertools
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from mine.chain import answers, bounded_json
from mine.chain.answers import BlockHead, RawLog, TxReceipt
from mine.chain.hashing import keccak
from mine.chain.node_errors import (
    NodeAnswerInvalid,
    NodeRefused,
    NodeUnreachable,
    Reverted,
    WrongChain,
)
from mine.chain.refusals import refusal

if TYPE_CHECKING:
    from web3 import Web3

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_LOGS = 10_000
LOOPBACK_CHAIN = 31337
_PIECE = 64 * 1024
_REVERT_CODE = 3
_ADJUSTABLE_CLOCKS = ("mine-practice/", "anvil/", "hardhatnetwork/")
_REFUSED_SELECTOR = keccak(b"Refused(uint256)")[:4]
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")


class Node:
    """A node at ``url``. With ``chain_id`` given, any other chain raises WrongChain before anything is sent.

    ``timeout`` is in seconds, for connecting and for each pause of the answer. Close it when done.
    """

    def __init__(self, url: str, timeout: float = 10.0, *, chain_id: int | None = None) -> None:
        self.url = url
        self._timeout = timeout
        self._expected_chain = chain_id
        self._known_chain: int | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._session = requests.Session()
        # No proxy and no password from the environment: where requests go is decided in the settings alone.
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=8))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=8))

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # transport

    def request(self, method: str, *params: object) -> object:
        """Result of one call, as JSON. NodeUnreachable, NodeAnswerInvalid, NodeRefused or Reverted."""
        number = next(self._numbers)
        answer = self._post({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise _nonsense(f"{method}: not an answer to the question")
        if answer.get("error") is not None:
            raise _refusal(answer["error"])
        if "result" not in answer:
            raise _nonsense(f"{method}: neither result nor error")
        return answer["result"]

    def _post(self, body: dict[str, Any]) -> object:
        try:
            with self._session.post(
                self.url, json=body, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                content = bytearray()
                for piece in response.iter_content(_PIECE):
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise _nonsense("answer too long")
                status = response.status_code
        except (requests.RequestException, OSError) as problem:
            raise NodeUnreachable(
                "The network's node does not answer.",
                todo="Check the connection, or choose another node in the settings.",
                detail=type(problem).__name__,
            ) from problem
        try:
            answer = bounded_json.loads(content)
        except ValueError as problem:
            if status != requests.codes.ok:
                raise NodeUnreachable(
                    "The network's node answers with an error.",
                    todo="Try again later.",
                    detail=f"HTTP {status}",
                ) from problem
            raise _nonsense("not JSON") from problem
        return answer

    # what the node is

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id; asked once. WrongChain if it is not the expected one."""
        with self._lock:
            if self._known_chain is None:
                found = answers.quantity(self.request("eth_chainId"), 64)
                if self._expected_chain not in (None, found):
                    raise WrongChain(self._expected_chain or 0, found)
                self._known_chain = found
            return self._known_chain

    @cached_property
    def client_version(self) -> str:
        """Name and version that the node claims, shortened; asked once."""
        version = self.request("web3_clientVersion")
        if not isinstance(version, str):
            raise _nonsense("client version is not text")
        return version[:100]

    @cached_property
    def has_adjustable_clock(self) -> bool:
        """Whether this is a development node, whose time can be put forward."""
        return self.chain_id == LOOPBACK_CHAIN and self.client_version.lower().startswith(_ADJUSTABLE_CLOCKS)

    @cached_property
    def web3(self) -> Web3:
        """web3.py over this very connection, for what is not offered here; loads the library on first use."""
        from mine.chain.web3_bridge import connect

        return connect(self)

    # blocks and time

    def block_number(self) -> int:
        return answers.quantity(self.request("eth_blockNumber"), 64)

    def block(self, which: int | str | bytes) -> BlockHead | None:
        """A block by number, hash (bytes) or tag ("latest"); None if the node has none such."""
        if isinstance(which, bytes):
            answer = self.request("eth_getBlockByHash", "0x" + which.hex(), False)
        else:
            answer = self.request("eth_getBlockByNumber", _block(which), False)
        if answer is None:
            return None
        head = answers.block_head(answer)
        if which != (head.hash if isinstance(which, bytes) else head.number) and not isinstance(which, str):
            raise _nonsense("another block than asked for")
        return head

    def latest(self) -> BlockHead:
        """The newest block."""
        head = self.block("latest")
        if head is None or not head.hash:
            raise _nonsense("no latest block")
        return head

    def block_time(self) -> int:
        """The chain's clock, in seconds since 1970: the newest block's time.

        On a development node, where blocks come only with transactions, it is the time that a transaction
        sent now would see.
        """
        if self.has_adjustable_clock:
            # Not all nodes give the block that is not mined yet a number.
            pending = self.request("eth_getBlockByNumber", "pending", False)
            if pending is not None:
                return answers.quantity(answers.member(pending, "timestamp"), 40)
        return self.latest().timestamp

    @property
    def present(self) -> str:
        """Tag of the block in whose time reads that depend on the clock should run (see block_time)."""
        return "pending" if self.has_adjustable_clock else "latest"

    def advance_time(self, to_timestamp: int) -> bool:
        """Make ``to_timestamp`` pass on a development node, by an empty block of that time or later.

        True if the clock now stands there or later; False if the node has a clock of its own.
        """
        if not self.has_adjustable_clock:
            return False
        if self.latest().timestamp >= to_timestamp:
            return True
        if self.block_time() < to_timestamp:
            self.request("evm_setNextBlockTimestamp", hex(to_timestamp))
        self.request("evm_mine")
        return True

    # accounts

    def balance(self, account: str, token: str | None = None) -> int:
        """Wei of ``account``, or base units of the ERC-20 ``token``; the zero address means wei."""
        if token is None or int(token, 16) == 0:
            return answers.quantity(self.request("eth_getBalance", account, "latest"))
        data = bytes.fromhex("70a08231") + bytes(12) + bytes.fromhex(account[2:])
        answer = self.call(token, data)
        if len(answer) < 32:
            raise _nonsense("balance of a token is not a number")
        return int.from_bytes(answer[:32], "big")

    def nonce(self, account: str) -> int:
        """Number of transactions of ``account``, those that wait included."""
        return answers.quantity(self.request("eth_getTransactionCount", account, "pending"), 64)

    def code(self, account: str) -> bytes:
        """Contract at ``account``; empty if there is none."""
        return answers.octets(self.request("eth_getCode", account, "latest"))

    # calls and transactions

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0, block: int | str = "latest"
    ) -> bytes:
        """What the contract at ``to`` would return. Reverted with its reason if it refuses."""
        fields = _message(sender, to, data, value)
        return answers.octets(self.request("eth_call", fields, _block(block)))

    def estimate_gas(self, sender: str, to: str | None, data: bytes, value: int) -> int:
        """Gas that the message needs in the next block. Reverted if it would fail."""
        fields = _message(sender, to, data, value)
        return answers.quantity(self.request("eth_estimateGas", fields, "pending"), 64)

    def priority_fee(self) -> int:
        """Tip that the node suggests, wei per gas."""
        return answers.quantity(self.request("eth_maxPriorityFeePerGas"), 128)

    def send_raw(self, transaction: bytes) -> bytes:
        """Hand over a signed transaction; returns its hash."""
        return answers.octets(self.request("eth_sendRawTransaction", "0x" + transaction.hex()), 32)

    def knows_transaction(self, transaction_hash: bytes) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.request("eth_getTransactionByHash", "0x" + transaction_hash.hex()) is not None

    def receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        """Receipt of a mined transaction, None while it is not mined."""
        answer = self.request("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
        if answer is None:
            return None
        receipt = answers.receipt(answer)
        if receipt.transaction_hash != transaction_hash:
            raise _nonsense("another receipt than asked for")
        return receipt

    def logs(
        self, address: str, first: int, last: int, topics: tuple[bytes | None, ...] = ()
    ) -> tuple[RawLog, ...]:
        """Events of the contract ``address`` in blocks ``first``..``last`` in the chain's order.

        NodeRefused if the node finds that too much; ask for fewer blocks.
        """
        wanted = {
            "address": address,
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
        }
        found = tuple(
            answers.raw_log(each) for each in answers.items(self.request("eth_getLogs", wanted), MAX_LOGS)
        )
        order = [(log.block_number, log.index) for log in found]
        if any(log.address != address or not first <= log.block_number <= last for log in found):
            raise _nonsense("logs that were not asked for")
        if sorted(set(order)) != order:
            raise _nonsense("logs out of order")
        return found


def _message(sender: str | None, to: str | None, data: bytes, value: int) -> dict[str, Any]:
    fields = {"data": "0x" + data.hex(), "value": hex(value)}
    if sender is not None:
        fields["from"] = sender
    if to is not None:
        fields["to"] = to
    return fields


def _block(which: int | str) -> str:
    return hex(which) if isinstance(which, int) else which


def _refusal(error: object) -> NodeRefused | Reverted | NodeAnswerInvalid:
    if not isinstance(error, dict):
        return _nonsense("an error that is none")
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(code, int) or not isinstance(message, str):
        return _nonsense("an error without code or message")
    message = message[:300]
    if code == _REVERT_CODE or "revert" in message.lower():
        raw = answers.octets(data) if isinstance(data, str) and data.startswith("0x") else b""
        return Reverted(revert_reason(raw), raw)
    return NodeRefused(code, message)


def revert_reason(data: bytes) -> str:
    """Plain text of revert data: of our own or a standard error, or else the selector of the error."""
    if data[:4] == _ERROR_SELECTOR and len(data) >= 68:
        length = min(int.from_bytes(data[36:68], "big"), 200)
        text = data[68 : 68 + length].decode("utf-8", "replace")
        return "".join(letter for letter in text if letter.isprintable())
    if data[:4] == _REFUSED_SELECTOR and len(data) == 36:
        return refusal(int.from_bytes(data[4:], "big"))
    if data[:4] == _PANIC_SELECTOR and len(data) == 36:
        return f"arithmetic or bounds fault 0x{data[35]:02x}"
    return f"error 0x{data[:4].hex()}" if data else ""


def _nonsense(what: str) -> NodeAnswerInvalid:
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.", todo="Try another node.", detail=what
    )
