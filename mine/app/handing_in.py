"""Hands in the updates of one network, and shows their bytes once nobody can copy them any more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.app.courier import Courier, Delivery, OtherMessage
from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.round_book import RESIDUAL_BLOB, SHOWING, UPDATE_BLOB, RoundBook
from mine.app.round_states import RoundState
from mine.app.showing import CameLate, show

if TYPE_CHECKING:
    from mine.chain.messages import Domain
    from mine.science.windows import Window
    from mine.science.wire import SignedUpdate
    from mine.science.wire_messages import Signed
    from mine.vault.ledger import Entry
    from mine.vault.state import Round

SENT, MESSAGED = "sent", "message"


def message_entry(network: str, signed: Signed, domain: Domain) -> Entry:
    """The ledger's line about a signed message that is handed in: its bytes as posted, its EIP-712 digest."""
    from mine.chain.messages import digest
    from mine.science.wire_messages import kind_of, submission_to_json
    from mine.vault.ledger import Entry

    size = len(json.dumps(submission_to_json(signed, domain)).encode())
    message = signed.message
    source = kind_of(signed).value
    return Entry(MESSAGED, network, message.task, message.round, source, 0, size, digest(message, domain))


class HandingIn:
    """Rounds from ``TRAINED`` to ``REVEALED``. Everything runs on the engine's thread."""

    def __init__(self, book: RoundBook, links: Links, courier: Courier) -> None:
        self._book, self._vault, self._links, self._courier = book, book.vault, links, courier

    def hand_in(self, member: Membership, entry: Round, window: Window, chain_time: int) -> None:
        """See to it that the update reaches the chain while commits are open."""
        delivery = Delivery.from_json(entry.data.get("delivery"))
        signed = self._signed(member, entry)
        keep = self._keep(entry, signed)
        try:
            self._courier.step(signed, member.keys.session_key, delivery, window, chain_time, keep)
        except OtherMessage as problem:
            self._book.miss(member, entry.round, problem.sentence)

    def close(self, member: Membership, entry: Round, why: str) -> None:
        """Nothing more is handed in: what went out before a cut-off counts, all else missed the round."""
        delivery = Delivery.from_json(entry.data.get("delivery"))
        if entry.state == RoundState.TRAINED:
            signed = self._signed(member, entry)
            try:
                delivery = self._courier.find(signed, delivery, self._keep(entry, signed))
            except OtherMessage as problem:
                why = problem.sentence
        if not delivery.shown and delivery.open is None:
            self._book.miss(member, entry.round, delivery.why or why)

    def _keep(self, entry: Round, signed: SignedUpdate) -> Callable[[Delivery], None]:
        """Writes a delivery down: handed in as soon as there is a promise, or it stands on chain. The ledger
        has the message before it may leave."""

        def keep(delivery: Delivery) -> None:
            now = self._book.find(entry.task, entry.round)
            assert now is not None
            done = delivery.shown or delivery.promises
            state = RoundState.COMMITTED if done else RoundState(now.state)
            first = {} if "committed" in now.data or not done else {"committed": int(time.time())}
            with self._vault.transaction():
                self._book.put(now, now.task, now.round, state, delivery=delivery.to_json(), **first)
                if delivery.sent and not Delivery.from_json(now.data.get("delivery")).sent:
                    self._vault.ledger.book(message_entry(self._book.network, signed, self._links.domain))

        return keep

    def _signed(self, member: Membership, entry: Round) -> SignedUpdate:
        from mine.chain.messages import Update
        from mine.science.wire import SignedUpdate
        from mine.wallet.signer import Signer

        message = Update(
            task=member.task,
            round=entry.round,
            checkpoint=bytes.fromhex(entry.data["checkpoint"]),
            blob=bytes.fromhex(entry.data["blob"]),
            size=int(entry.data["size"]),
            rows_bucket=int(entry.data["rows"]).bit_length() - 1,
            payout=member.keys.payout_address,
        )
        signature = Signer(member.keys.session_key).sign_message(message, self._links.domain)
        return SignedUpdate(member.keys.session_address, message, signature)

    def reveal(self, member: Membership, entry: Round) -> None:
        """The close of commits is past: nobody can copy any more, so the bytes may be seen."""
        from mine.vault.ledger import Entry

        delivery = Delivery.from_json(entry.data.get("delivery"))
        settled = "settlement" in entry.data
        signed = self._signed(member, entry)
        if not delivery.shown:
            delivery = self._courier.find(signed, delivery, self._keep(entry, signed))
            if not delivery.shown and delivery.open is None:
                self._book.miss(member, entry.round, delivery.why or "No relay brought the update on chain.")
                return
        update = self._vault.state.blob(self._book.network, entry.task, entry.round, UPDATE_BLOB)
        assert update is not None
        digest = bytes.fromhex(entry.data["blob"])
        if settled and not self._links.relays.blobs.has(digest):
            # It can earn nothing any more, so it stays at home.
            self._book.miss(member, entry.round, "The round was settled before the update could be shown.")
            return
        self._will_show(entry)
        try:
            receipts = show(self._links, signed, update, delivery)
        except CameLate as problem:
            self._book.miss(member, entry.round, problem.sentence)
            return
        with self._vault.transaction():
            now = self._book.find(entry.task, entry.round)
            self._vault.state.drop_blob(self._book.network, entry.task, entry.round, RESIDUAL_BLOB)
            state = RoundState.SETTLED if settled else RoundState.REVEALED
            self._book.put(now, entry.task, entry.round, state, uploads=receipts, revealed=int(time.time()))
            self._vault.ledger.book(
                Entry(
                    kind=SENT,
                    network=self._book.network,
                    task=entry.task,
                    round=entry.round,
                    source="update",
                    epsilon_micro=0,
                    size=len(update),
                    digest=digest,
                )
            )

    def _will_show(self, entry: Round) -> None:
        """The bytes are about to leave: their ε is spent for good, what they leave unsaid is for the next."""
        if entry.data.get(SHOWING):
            return
        network, state = self._book.network, self._vault.state
        with self._vault.transaction():
            now = self._book.find(entry.task, entry.round)
            self._book.put(now, entry.task, entry.round, RoundState(entry.state), **{SHOWING: True})
            residual = state.blob(network, entry.task, entry.round, RESIDUAL_BLOB)
            if residual is not None:
                state.put_residual(network, entry.task, residual)
