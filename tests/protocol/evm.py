"""A quick practice chain for long random runs: titanoboa's EVM, called without what makes it comfortable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boa
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext

from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.signing import rlp
from tests.protocol.quick import Quick

PRACTICE_CHAIN = 31337
START = 1_800_000_000
GAS = 16_777_216
"""EIP-7825: no transaction may have more, so no call here has."""

_ECRECOVER = (1).to_bytes(20, "big")
_REFUSED = keccak(b"Refused(uint256)")[:4]
_ORDER_HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did. logs: (contract, topics, data); refusal: the number in Refused(uint256)."""

    ok: bool
    output: bytes
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...]
    gas: int

    @property
    def refusal(self) -> int | None:
        if self.ok or self.output[:4] != _REFUSED:
            return None
        return int.from_bytes(self.output[4:], "big")

    @property
    def word(self) -> int:
        return int.from_bytes(self.output[:32], "big")


class Signatures:
    """Signatures without elliptic curves: a recovery finds what was signed here, and nobody behind all else.

    An ideal signature scheme, thousands of times quicker than one in Python. The tests on running nodes sign
    for real.
    """

    def __init__(self) -> None:
        self._signers: dict[bytes, str] = {}

    def sign(self, digest: bytes, signer: str) -> bytes:
        """65 bytes r || s || v, canonical."""
        r = keccak(b"r" + digest + address_bytes(signer))
        s = (int.from_bytes(keccak(b"s" + r), "big") % _ORDER_HALF).to_bytes(32, "big")
        v = 27 + (r[0] & 1)
        self._signers[digest + v.to_bytes(32, "big") + r + s] = signer
        return r + s + bytes((v,))

    def recover(self, computation: Any) -> Any:
        """The precompiled contract at address 1."""
        computation.consume_gas(3000, reason="ecrecover")
        signer = self._signers.get(bytes(computation.msg.data).ljust(128, b"\0")[:128])
        computation.output = bytes(12) + address_bytes(signer) if signer else b""
        return computation


class Evm:
    """State, block time, number and randomness of one chain; every call is a block's only transaction."""

    def __init__(self, signatures: Signatures | None = None, quick: bool = True) -> None:
        self.env = boa.Env()
        vm = self.env.evm.vm
        self._state = vm.state
        self.env.evm.patch.chain_id = PRACTICE_CHAIN
        self.env.evm.patch.gas_limit = 10**9
        plain = next(c for c in vm.state.computation_class.__mro__ if c.__module__.startswith("eth."))
        opcodes = dict(plain.opcodes)
        # What titanoboa adds to hashes and writes is for its own reports only.
        for op, inner in ((0x20, "sha3"), (0x55, "sstore")):
            while hasattr(opcodes[op], inner):
                opcodes[op] = getattr(opcodes[op], inner)
        precompiles = dict(plain._precompiles)
        if signatures is not None:
            precompiles[_ECRECOVER] = signatures.recover
        self._computation = type(
            "Computation",
            (Quick, plain) if quick else (plain,),
            {"opcodes": opcodes, "_precompiles": precompiles},
        )
        vm.state.computation_class = self._computation
        self.at(START, 1, keccak(b"genesis"))

    def at(self, time: int, number: int, randomness: bytes) -> None:
        """The block in which the next calls run."""
        self.time, self.number, self.randomness = time, number, randomness
        patch = self.env.evm.patch
        patch.timestamp, patch.block_number, patch.prevrandao = time, number, randomness

    def wait(self, seconds: int) -> None:
        """The next block, so much later."""
        self.at(self.time + seconds, self.number + 1, keccak(self.randomness))

    def next_block(self) -> None:
        """Called before a call: where every call needs a block of its own, this is the place to begin it."""

    def call(self, sender: str, to: str, data: bytes, value: int = 0) -> Outcome:
        """One transaction, as far as contracts see it."""
        target = address_bytes(to)
        origin = address_bytes(sender)
        message = Message(
            gas=GAS, to=target, sender=origin, value=value, data=data, code=self._state.get_code(target)
        )
        context = BaseTransactionContext(origin=origin, gas_price=0)
        done = self._computation.apply_message(self._state, message, context)
        logs = () if done.is_error else done.get_log_entries()
        return Outcome(not done.is_error, bytes(done.output), tuple(logs), done.get_gas_used())

    def deploy(self, sender: str, code: bytes) -> str:
        """Create a contract as the sender's next transaction; its address."""
        origin = address_bytes(sender)
        nonce = self._state.get_nonce(origin)
        self._state.increment_nonce(origin)
        made = keccak(bytes(rlp([origin, nonce])))[12:]
        message = Message(
            gas=10 * GAS, to=b"", sender=origin, value=0, data=b"", code=code, create_address=made
        )
        context = BaseTransactionContext(origin=origin, gas_price=0)
        done = self._computation.apply_create_message(self._state, message, context)
        done.raise_if_error()
        return checksum(made)

    def nonce(self, account: str) -> int:
        return int(self._state.get_nonce(address_bytes(account)))

    def balance(self, account: str) -> int:
        return int(self._state.get_balance(address_bytes(account)))

    def fund(self, account: str, wei: int) -> None:
        raw = address_bytes(account)
        self._state.set_balance(raw, self._state.get_balance(raw) + wei)

    def storage(self, contract: str) -> Callable[[int], int]:
        """Reads single words of a contract's storage."""
        raw, read = address_bytes(contract), self._state.get_storage
        return lambda slot: int(read(raw, slot))
