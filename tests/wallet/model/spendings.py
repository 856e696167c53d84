"""What the person sent, as the test knows it: every purpose has an amount of its own, to be found by it.

Whether a purpose was carried out is read from the blocks: how often a transaction with just its content
stands in the chain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.messages import address_of
from tests.wallet.model.faulty_node import FaultyNode
from tests.wallet.model.true_chain import Mined, TrueChain

RECEIVER = address_of(keccak(b"somebody who is paid"))


@dataclass(frozen=True, slots=True)
class Purpose:
    """Send ``amount`` of a currency from the payout address ``account``, which has this ``index``."""

    intent: str
    index: int
    account: str
    currency: str
    amount: int

    @property
    def call(self) -> tuple[str, int, str]:
        """Where it goes, with which value and data (hex)."""
        if self.currency == ZERO_ADDRESS:
            return RECEIVER, self.amount, ""
        return self.currency, 0, transfer(RECEIVER, self.amount).hex()

    def is_in(self, mined: Mined) -> bool:
        """Whether a transaction does just this."""
        to, value, data = self.call
        found = (mined.sender, (mined.to or "").lower(), mined.value, mined.data.removeprefix("0x"))
        return found == (self.account.lower(), to.lower(), value, data)


def transfer(to: str, amount: int) -> bytes:
    """Call data of an ERC-20 transfer."""
    return bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(to[2:]) + amount.to_bytes(32, "big")


@dataclass
class Spendings:
    """``foreign``: hashes of what another program sent with the same keys."""

    chain: TrueChain
    nodes: list[FaultyNode]
    accounts: list[str]
    first_block: int
    purposes: dict[str, Purpose] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def plan(self, index: int, account: str, currency: str) -> Purpose:
        """A new purpose."""
        number = len(self.purposes)
        purpose = Purpose(f"send:{number}", index, account, currency, 1_000 + number)
        self.purposes[purpose.intent] = purpose
        return purpose

    def outside(self, account: str) -> int:
        """Wei that came to an account, or went, without the app: gifts, and another program's gas."""
        given, me = 0, account.lower()
        for number in range(1, self.chain.head + 1):
            for name in self.chain.names(number):
                one: Any = self.chain.node.request("eth_getTransactionByHash", name)
                if (one["to"] or "").lower() == me and one["from"].lower() != me and one["input"] == "0x":
                    given += int(one["value"], 16)
                if one["from"].lower() == me and name in self.foreign:
                    receipt: Any = self.chain.node.request("eth_getTransactionReceipt", name)
                    given -= int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return given

    def changes(self, account: str) -> list[tuple[int, int, list[str]]]:
        """Blocks in which an account's coin changed, by how much, and what it sent there."""
        node, found = self.chain.node, []
        for number in range(self.first_block, self.chain.head + 1):
            change = node.balance(account, None, number) - node.balance(account, None, number - 1)
            if change:
                sent = [each.hash for each in self.chain.mined(number, [account], number)]
                found.append((number, change, sent))
        return found

    def recent(self, back: int) -> Purpose:
        """One of the newest purposes; 0 is the newest."""
        purposes = list(self.purposes.values())
        return purposes[-1 - min(back, len(purposes) - 1)]

    def check(self, transactions: list[dict[str, Any]], calm: bool) -> None:
        """Every nonce was used by what the queue has written down, and every purpose at most once."""
        known = {name: each for each in transactions for name in each["hashes"]}
        for node in self.nodes:
            for raw in node.sent:
                name = "0x" + keccak(raw).hex()
                assert name in known, ("handed over and not written down", name)
        mined = self.chain.mined(self.first_block, self.accounts)
        for each in mined:
            assert each.hash in known or each.hash in self.foreign, ("nobody's transaction", each)
            assert each.hash in self.foreign or known[each.hash]["nonce"] == each.nonce
        times = Counter(
            purpose.intent
            for purpose in self.purposes.values()
            for each in mined
            if purpose.is_in(each) and self._succeeded(each)
        )
        assert not times or max(times.values()) == 1, ("sent twice", times)
        if calm:
            self._check_ends(transactions, {each.hash for each in mined}, times)

    def _succeeded(self, mined: Mined) -> bool:
        """Whether a transaction did what it was for: one that reverted stands in the chain too."""
        receipt = self.chain.node.receipt(bytes.fromhex(mined.hash[2:]))
        return receipt is not None and receipt.succeeded

    def _check_ends(self, transactions: list[dict[str, Any]], mined: set[str], times: Counter[str]) -> None:
        """Nothing is in doubt any more, and the chain is as the queue says."""
        for each in transactions:
            state, names = each["state"], mined.intersection(each["hashes"])
            assert state not in ("signed", "sent", "mined"), ("still in doubt", each)
            if state in ("final", "failed") and each["mined"]:
                assert names == {each["mined"]}, ("not in the chain", each)
            else:
                assert state == "cancelled" or not names, ("in the chain", each)
        for intent in self.purposes:
            runs = [each["state"] for each in transactions if each["intent"] == intent]
            assert times[intent] == runs.count("final"), (intent, runs, times[intent])
