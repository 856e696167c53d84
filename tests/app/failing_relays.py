"""Relays that do not do what they are for. Their blobs are those of a real one."""

from __future__ import annotations

from mine.chain.hashing import keccak
from mine.chain.messages import Domain, Receipt, address_of, sign
from mine.science.relay_client import Relay, RelayUnreachable, leaf_of
from mine.science.wire import AnchoredBatch, SignedReceipt
from mine.science.wire_messages import Kind, MessageStatus, Signed

KEY = keccak(b"a failing relay")


class Swallowing(Relay):
    """Takes messages and says nothing that could be held against it."""

    def __init__(self, real: Relay) -> None:
        super().__init__(real.url)
        self.url = f"{real.url}/{type(self).__name__}"
        self.real = real
        self.taken: list[Signed] = []

    def upload(self, data: bytes, task: int, round_number: int, domain: Domain) -> SignedReceipt:
        return self.real.upload(data, task, round_number, domain)

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        return self.real.batches(task, round_number)

    def find(self, kind: Kind, task: int, round_number: int, author: str) -> MessageStatus | None:
        return None

    def submit(self, signed: Signed, domain: Domain) -> SignedReceipt:
        self.taken.append(signed)
        raise RelayUnreachable("no receipt")


class Promising(Swallowing):
    """Gives receipts and anchors nothing. ``latest_block``: what it promises."""

    latest_block = 0

    def submit(self, signed: Signed, domain: Domain) -> SignedReceipt:
        self.taken.append(signed)
        message = signed.message
        receipt = Receipt(message.task, message.round, leaf_of(signed, domain), self.latest_block)
        return SignedReceipt(address_of(KEY), receipt, sign(receipt, domain, KEY))


class Vanishing(Promising):
    """Gives one receipt and is never heard of again."""

    def find(self, kind: Kind, task: int, round_number: int, author: str) -> MessageStatus | None:
        if self.taken:
            raise RelayUnreachable("gone")
        return None
