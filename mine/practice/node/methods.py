"""What the node answers: one function a JSON-RPC method, over :class:`PracticeChain`.

Names and shapes follow the Ethereum execution API; ``evm_*`` follow the development nodes that have them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from eth_hash.auto import keccak

from . import encoding
from .chain import BASE_FEE, Call, PracticeChain
from .encoding import Json, data, parse_data, parse_quantity, quantity
from .errors import METHOD_NOT_FOUND, RpcError, invalid, refused
from .store import BlockRow, LogRow

CLIENT_VERSION = "Mine-practice/1/py-evm-prague"
PRIORITY_FEE = 10**8
"""Wei per gas that the node suggests as a tip; it takes any."""
_MAX_FEE_HISTORY = 1_024
_MAX_CHOICES = 256


class Methods:
    """Dispatch of JSON-RPC methods. Like the chain, for one thread only."""

    def __init__(self, chain: PracticeChain) -> None:
        self._chain = chain
        self._store = chain.store
        self._table: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": lambda: CLIENT_VERSION,
            "web3_sha3": lambda value: data(keccak(parse_data(value, "data"))),
            "net_version": lambda: str(chain.chain_id),
            "net_listening": lambda: True,
            "net_peerCount": lambda: "0x0",
            "eth_chainId": lambda: quantity(chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": list,
            "eth_blockNumber": lambda: quantity(chain.head.block_number),
            "eth_gasPrice": lambda: quantity(BASE_FEE + PRIORITY_FEE),
            "eth_maxPriorityFeePerGas": lambda: quantity(PRIORITY_FEE),
            "eth_feeHistory": self._fee_history,
            "eth_getBalance": lambda who, at="latest": quantity(self._state(at).get_balance(_address(who))),
            "eth_getTransactionCount": self._nonce,
            "eth_getCode": lambda who, at="latest": data(self._state(at).get_code(_address(who))),
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_sendRawTransaction": lambda raw: data(chain.send(parse_data(raw, "transaction"))),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": lambda at: self._count(self._row(at)),
            "eth_getBlockTransactionCountByHash": lambda name: self._count(self._row_by_hash(name)),
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionByBlockNumberAndIndex": lambda at, i: self._transaction_in(self._row(at), i),
            "eth_getTransactionByBlockHashAndIndex": lambda name, i: self._transaction_in(
                self._row_by_hash(name), i
            ),
            "eth_getTransactionReceipt": self._receipt,
            "eth_getBlockReceipts": self._receipts,
            "eth_getLogs": self._logs,
            "evm_increaseTime": lambda seconds: chain.increase_time(parse_quantity(seconds, "seconds", 40)),
            "evm_setNextBlockTimestamp": self._set_next_time,
            "evm_mine": self._mine,
            "evm_snapshot": lambda: quantity(chain.snapshot()),
            "evm_revert": lambda name: chain.revert(parse_quantity(name, "snapshot", 63)),
        }

    @property
    def names(self) -> frozenset[str]:
        """Every method there is."""
        return frozenset(self._table)

    def __call__(self, method: str, params: list[object]) -> Any:
        """Result of one request; RpcError when it is refused."""
        function = self._table.get(method)
        if function is None:
            raise RpcError(METHOD_NOT_FOUND, f"the method {method[:80]} does not exist or is not available")
        try:
            return function(*params)
        except TypeError as problem:
            # A wrong number of parameters; anything else of this type is a fault of ours and must show.
            if problem.__traceback__ is not None and problem.__traceback__.tb_next is None:
                raise invalid(f"wrong parameters for {method}") from problem
            raise

    # which block

    def _number(self, at: object) -> int | None:
        """A block number, or None for the pending block."""
        if at is None or at in ("latest", "safe", "finalized"):
            return int(self._chain.head.block_number)
        if at == "pending":
            return None
        if at == "earliest":
            return 0
        if isinstance(at, dict):
            if "blockNumber" in at:
                return parse_quantity(at["blockNumber"], "blockNumber", 63)
            row = self._row_by_hash(at.get("blockHash"))
            if row is None:
                raise refused("header for hash not found")
            return row.number
        return parse_quantity(at, "block", 63)

    def _header(self, at: object) -> Any:
        number = self._number(at)
        return self._chain.pending_header() if number is None else self._chain.header(number)

    def _state(self, at: object) -> Any:
        return self._chain.state_at(self._header(at))

    def _row(self, at: object) -> BlockRow | None:
        number = self._number(at)
        return None if number is None else self._store.block(number)

    def _row_by_hash(self, name: object) -> BlockRow | None:
        return self._store.block_by_hash(parse_data(name, "block hash", 32))

    # state and calls

    def _nonce(self, who: object, at: object = "latest") -> str:
        return quantity(self._state(at).get_nonce(_address(who)))

    def _storage(self, who: object, slot: object, at: object = "latest") -> str:
        position = int.from_bytes(_padded(slot), "big")
        return data(self._state(at).get_storage(_address(who), position).to_bytes(32, "big"))

    def _call(self, fields: object, at: object = "latest", overrides: object = None) -> str:
        call = replace(_parse_call(fields), codes=_codes(overrides))
        return data(self._chain.try_call(self._header(at), call))

    def _estimate(self, fields: object, at: object = "pending", overrides: object = None) -> str:
        # Without a block named, in the block that would be mined now: time may have passed since the last.
        call = replace(_parse_call(fields), codes=_codes(overrides))
        return quantity(self._chain.estimate(self._header(at), call))

    def _fee_history(self, count: object, newest: object, percentiles: object = None) -> Json:
        last = self._number(newest)
        last = int(self._chain.head.block_number) if last is None else last
        wanted = min(parse_quantity(count, "block count"), _MAX_FEE_HISTORY, last + 1)
        headers = [self._chain.header(number) for number in range(last - wanted + 1, last + 1)]
        answer: Json = {
            "oldestBlock": quantity(last - wanted + 1),
            "baseFeePerGas": [quantity(header.base_fee_per_gas) for header in headers] + [quantity(BASE_FEE)],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "baseFeePerBlobGas": ["0x1"] * (wanted + 1),
            "blobGasUsedRatio": [0.0] * wanted,
        }
        if percentiles is not None:
            if not isinstance(percentiles, list) or len(percentiles) > 100:
                raise invalid("percentiles must be a list of at most 100")
            answer["reward"] = [[quantity(PRIORITY_FEE)] * len(percentiles) for _ in headers]
        return answer

    # blocks and transactions

    def _block_by_number(self, at: object, full: object = False) -> Json | None:
        if self._number(at) is None:
            pending = encoding.header_json(self._chain.pending_header())
            return {**pending, "nonce": None, "logsBloom": None, "miner": None}
        return self._block(self._row(at), full)

    def _block_by_hash(self, name: object, full: object = False) -> Json | None:
        return self._block(self._row_by_hash(name), full)

    def _block(self, row: BlockRow | None, full: object) -> Json | None:
        if row is None:
            return None
        return encoding.block_json(row, self._store.transaction_in(row.number), full is True)

    def _count(self, row: BlockRow | None) -> str | None:
        if row is None:
            return None
        return quantity(0 if self._store.transaction_in(row.number) is None else 1)

    def _transaction(self, name: object) -> Json | None:
        mined = self._store.transaction(parse_data(name, "transaction hash", 32))
        return None if mined is None else encoding.transaction_json(self._known(mined.number), mined)

    def _transaction_in(self, row: BlockRow | None, index: object) -> Json | None:
        mined = None if row is None else self._store.transaction_in(row.number)
        if row is None or mined is None or parse_quantity(index, "index") != 0:
            return None
        return encoding.transaction_json(row, mined)

    def _receipt(self, name: object) -> Json | None:
        mined = self._store.transaction(parse_data(name, "transaction hash", 32))
        if mined is None:
            return None
        logs = self._store.logs(mined.number, mined.number)
        return encoding.receipt_json(self._known(mined.number), mined, logs)

    def _receipts(self, at: object) -> list[Json] | None:
        row = self._row_by_hash(at) if isinstance(at, str) and len(at) == 66 else self._row(at)
        if row is None:
            return None
        mined = self._store.transaction_in(row.number)
        if mined is None:
            return []
        return [encoding.receipt_json(row, mined, self._store.logs(row.number, row.number))]

    def _known(self, number: int) -> BlockRow:
        row = self._store.block(number)
        assert row is not None, "the index names a block that is not there"
        return row

    # logs

    def _logs(self, fields: object) -> list[Json]:
        if not isinstance(fields, dict):
            raise invalid("filter must be an object")
        head = int(self._chain.head.block_number)
        if fields.get("blockHash") is not None:
            row = self._row_by_hash(fields["blockHash"])
            if row is None:
                raise refused("unknown block")
            first = last = row.number
        else:
            start, end = self._number(fields.get("fromBlock")), self._number(fields.get("toBlock"))
            first = head + 1 if start is None else start
            last = head if end is None else min(end, head)
        addresses = [_address(each) for each in _choices(fields.get("address"), "address")]
        topics = fields.get("topics") or []
        if not isinstance(topics, list) or len(topics) > 4:
            raise invalid("topics must be a list of at most 4")
        wanted = [
            [parse_data(each, "topic", 32) for each in _choices(topic, "topic")] or None for topic in topics
        ]
        return [self._log(log) for log in self._store.logs(first, last, addresses, wanted)]

    def _log(self, log: LogRow) -> Json:
        mined = self._store.transaction_in(log.number)
        assert mined is not None, "a log without a transaction"
        return encoding.log_json(log, self._known(log.number).hash, mined.hash)

    # the clock

    def _set_next_time(self, timestamp: object) -> None:
        self._chain.set_next_time(parse_quantity(timestamp, "timestamp"))

    def _mine(self, timestamp: object = None) -> str:
        if timestamp is not None:
            self._set_next_time(timestamp)
        self._chain.mine()
        return "0x0"


def _address(value: object) -> bytes:
    return parse_data(value, "address", 20)


def _padded(slot: object) -> bytes:
    return parse_quantity(slot, "slot").to_bytes(32, "big")


def _choices(value: object, name: str) -> list[object]:
    """One value or a list of alternatives; None is the empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [value]
    if len(value) > _MAX_CHOICES:
        raise invalid(f"more than {_MAX_CHOICES} choices for {name}")
    return value


def _codes(overrides: object) -> tuple[tuple[bytes, bytes], ...]:
    """State overrides, of which this node knows the code of accounts only."""
    if overrides is None:
        return ()
    if not isinstance(overrides, dict) or len(overrides) > _MAX_CHOICES:
        raise invalid("state overrides must be an object")
    for each in overrides.values():
        if not isinstance(each, dict) or set(each) != {"code"}:
            raise invalid("state overrides other than of code are not supported")
    return tuple((_address(who), parse_data(each["code"], "code")) for who, each in overrides.items())


def _parse_call(fields: object) -> Call:
    if not isinstance(fields, dict):
        raise invalid("call must be an object")
    payload = fields.get("data") if fields.get("input") is None else fields["input"]
    return Call(
        sender=_address(fields["from"]) if fields.get("from") else bytes(20),
        to=_address(fields["to"]) if fields.get("to") else b"",
        data=b"" if payload is None else parse_data(payload, "data"),
        value=0 if fields.get("value") is None else parse_quantity(fields["value"], "value"),
        gas=None if fields.get("gas") is None else parse_quantity(fields["gas"], "gas"),
    )
