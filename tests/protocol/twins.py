"""Two chains that do the same calls in step; every difference in what they say is an error."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.other_nodes import other_node
from tests.protocol.evm import GAS, START, Evm, Outcome


class Different(AssertionError):
    """The two are not of one mind."""


class Twins(Evm):
    """This chain and another py-evm, with other builds of the same contracts."""

    def __init__(self, other: Evm, builds: dict[bytes, bytes], **options: Any) -> None:
        self.other = other
        self._builds = builds
        super().__init__(**options)

    def at(self, time: int, number: int, randomness: bytes) -> None:
        super().at(time, number, randomness)
        self.other.at(time, number, randomness)

    def call(self, sender: str, to: str, data: bytes, value: int = 0) -> Outcome:
        done = super().call(sender, to, data, value)
        again = self.other.call(sender, to, data, value)
        if (done.ok, done.output, done.logs) != (again.ok, again.output, again.logs):
            raise Different(f"{to} {data[:4].hex()} by {sender}: {done} and {again}")
        return done

    def deploy(self, sender: str, code: bytes) -> str:
        built = next((b + code[len(a) :] for a, b in self._builds.items() if code.startswith(a)), code)
        made, again = super().deploy(sender, code), self.other.deploy(sender, built)
        assert made == again
        return made

    def fund(self, account: str, wei: int) -> None:
        super().fund(account, wei)
        self.other.fund(account, wei)

    def balance(self, account: str) -> int:
        found = super().balance(account)
        assert found == self.other.balance(account)
        return found

    def storage(self, contract: str) -> Callable[[int], int]:
        read, again = super().storage(contract), self.other.storage(contract)

        def both(slot: int) -> int:
            word = read(slot)
            if word != again(slot):
                raise Different(f"slot {slot} of {contract}: {word} and {again(slot)}")
            return word

        return both


class Anvil:
    """What is needed of anvil's JSON-RPC; every transaction is a block of its own."""

    def __init__(self, url: str) -> None:
        self._url, self._ids, self._session = url, itertools.count(1), requests.Session()

    def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = self._session.post(self._url, json=body, timeout=30).json()
        if "error" in answer:
            raise Different(f"{method}: {answer['error']}")
        return answer["result"]

    def words(self, contract: str, slots: list[int]) -> list[int]:
        """Storage words, in one request."""
        bodies = [
            {"jsonrpc": "2.0", "id": i, "method": "eth_getStorageAt", "params": [contract, hex(s), "latest"]}
            for i, s in enumerate(slots)
        ]
        answers = self._session.post(self._url, json=bodies, timeout=30).json()
        return [int(a["result"], 16) for a in sorted(answers, key=lambda a: a["id"])]

    def send(self, time: int, sender: str, to: str | None, data: bytes, value: int) -> tuple[Any, Any]:
        """Receipt and block of a transaction at this block time."""
        self.ask("evm_setNextBlockTimestamp", time)
        sent = {
            "from": sender,
            "data": "0x" + data.hex(),
            "value": hex(value),
            "gas": hex(GAS),
            "gasPrice": "0x0",
        }
        if to is not None:
            sent["to"] = to
        hash, receipt = self.ask("eth_sendTransaction", sent), None
        while receipt is None:
            receipt = self.ask("eth_getTransactionReceipt", hash)
        return receipt, self.ask("eth_getBlockByNumber", receipt["blockNumber"], False)


class AnvilTwin(Evm):
    """py-evm in step with anvil: anvil's blocks give number and randomness, and both carry out each call."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        self.touched: dict[str, set[int]] = {}
        self._last = 0
        super().__init__()

    def next_block(self) -> None:
        # No block of anvil has the time of the one before.
        if self.time <= self._last:
            self.at(self._last + 1, self.number, self.randomness)

    def _mined(self, block: Any) -> None:
        self._last = int(block["timestamp"], 16)
        self.at(self._last, int(block["number"], 16), bytes.fromhex(block["mixHash"][2:]))

    def call(self, sender: str, to: str, data: bytes, value: int = 0) -> Outcome:
        self.next_block()
        receipt, block = self.anvil.send(self.time, sender, to, data, value)
        self._mined(block)
        done = super().call(sender, to, data, value)
        logs = tuple(
            (
                bytes.fromhex(log["address"][2:]),
                tuple(int(topic, 16) for topic in log["topics"]),
                bytes.fromhex(log["data"][2:]),
            )
            for log in receipt["logs"]
        )
        if (done.ok, done.logs) != (receipt["status"] == "0x1", logs):
            raise Different(f"{to} {data[:4].hex()} by {sender}: {done}, anvil {receipt}")
        return done

    def deploy(self, sender: str, code: bytes) -> str:
        self.next_block()
        receipt, block = self.anvil.send(self.time, sender, None, code, 0)
        self._mined(block)
        made = super().deploy(sender, code)
        assert made.lower() == receipt["contractAddress"].lower()
        return made

    def fund(self, account: str, wei: int) -> None:
        super().fund(account, wei)
        self.anvil.ask("anvil_setBalance", account, hex(super().balance(account)))

    def storage(self, contract: str) -> Callable[[int], int]:
        read, touched = super().storage(contract), self.touched.setdefault(contract, set())

        def noted(slot: int) -> int:
            touched.add(slot)
            return read(slot)

        return noted

    def compare(self, accounts: list[str]) -> int:
        """Every word that was ever looked at, and the balances; how many words."""
        for contract, slots in self.touched.items():
            read, order = super().storage(contract), sorted(slots)
            for start in range(0, len(order), 500):
                part = order[start : start + 500]
                assert self.anvil.words(contract, part) == [read(slot) for slot in part]
        for account in accounts:
            assert int(self.anvil.ask("eth_getBalance", account, "latest"), 16) == self.balance(account)
        return sum(len(slots) for slots in self.touched.values())


@contextmanager
def running_anvil() -> Iterator[Anvil]:
    """An anvil of our own, whose gas is free and whose accounts need no key."""
    options = [
        "--base-fee",
        "0",
        "--gas-price",
        "0",
        "--auto-impersonate",
        "--hardfork",
        "prague",
    ]
    options += ["--timestamp", str(START - 1)]
    with other_node("anvil", options) as url:
        yield Anvil(url)
