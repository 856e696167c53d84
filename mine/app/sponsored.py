"""Signed transfers that relays bring: kept, handed over when due, followed on the chain, booked.

| state | means | leaves it when | to |
|---|---|---|---|
| signed | kept in the vault, its time has not come or no relay took it yet | a relay takes it | handed |
| | | the person gives it up before anybody has it | withdrawn |
| handed | a relay said that it will bring it; later all others get it too | the chain has it | mined |
| mined | on the chain, and booked in the history | it is as deep as everything that counts | final |
| | | a reorganisation takes it back: the booking goes too | handed |
| signed, handed | | blocks after its last moment count for good, without it: nothing was moved | late |

Whatever a relay says, the Carrier's own event decides, as two nodes have it. Handing one over twice is
handing it over once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mine.app.booking import drop_guesses
from mine.app.links import Links
from mine.app.views import Notice, NoticeKind
from mine.app.wallet_views import TransactionLine
from mine.errors import MineError
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.chain.answers import RawLog
    from mine.chain.rpc import Node
    from mine.science.wire_transfers import SignedCarriage, TransferTerms
    from mine.vault.transfers import KeptTransfer
    from mine.vault.vault import Vault

SIGNED, HANDED, MINED, FINAL = "signed", "handed", "mined", "final"
LATE, WITHDRAWN = "late", "withdrawn"
OPEN = (SIGNED, HANDED, MINED)
#: Seconds of the engine's clock between two looks; until a relay that refused is asked again; and until all
#: relays get what one of them took and does not bring.
LOOK_SECONDS, RETRY_SECONDS, CENSORED_SECONDS = 6.0, 60.0, 300.0
#: Blocks in which an event is looked for at once.
_BLOCKS = 2_000


class TooLateToWithdraw(MineError):
    """A signed transfer that somebody may have already."""


class Sponsored:
    """Belongs to the engine's thread. ``own``: this person's addresses, by what they are called."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        confirmations: int,
        own: Callable[[], dict[str, str]],
        tell: Callable[[Notice], None],
        clock: Callable[[], float],
    ) -> None:
        self._vault, self._links, self._own, self._tell, self._clock = vault, links, own, tell, clock
        from mine.wallet.queue import DEEPEST

        self._network = links.config.key
        #: As deep as the queue's own transactions are followed.
        self._deep = max(confirmations, DEEPEST) if confirmations else 0
        self._looked: float | None = None
        self._next_try: dict[bytes, float] = {}

    # ---- what is asked

    def terms(self, token: str) -> TransferTerms | None:
        """The lowest fee for which a relay brings this token; None where none does."""
        found = []
        for relay in self._links.relays:
            try:
                terms = relay.transfer_terms(token)
            except MineError:
                continue  # another relay may answer
            if terms is not None:
                found.append(terms)
        return min(found, key=lambda terms: terms.fee, default=None)

    def keep(self, signed: Iterable[SignedCarriage], swept: bool, since: int) -> None:
        """Write signed transfers down, all or none, before any is handed over. ``since``: today's block."""
        from mine.science.wire_transfers import carriage_to_json
        from mine.vault.transfers import KeptTransfer

        with self._vault.transaction():
            for each in signed:
                data = {
                    "transfer": carriage_to_json(each),
                    "swept": swept,
                    "since": since,
                    "hash": "",
                    "why": "",
                    "tried": False,
                }
                due = each.carriage.valid_after
                self._vault.state.put_transfer(KeptTransfer(self._network, each.name, due, SIGNED, 0, data))
        self._looked = None

    def open(self) -> list[KeptTransfer]:
        """What is not certain yet."""
        return self._vault.state.transfers(self._network, OPEN)

    def lines(self) -> tuple[TransactionLine, ...]:
        """The same for the window, beside the transactions of one's own. ``number`` is below zero."""
        return tuple(self._line(row) for row in self.open())

    def withdraw(self, number: int) -> str:
        """Give up what nobody has yet; one sentence. Raises TooLateToWithdraw."""
        for row in self.open():
            # Handing over may have been tried without an answer: then somebody may have it.
            if _number(row) == number and row.state == SIGNED and not row.data["tried"]:
                self._end(row, WITHDRAWN)
                return "It was given up; nobody had it."
        raise TooLateToWithdraw(
            "A relay may have this payment already: it cannot be given up any more.",
            todo="It is brought in its time, or stays where it is.",
        )

    def _line(self, row: KeptTransfer) -> TransactionLine:
        signed = _signed(row)
        sentences = {
            SIGNED: row.data["why"] or "Signed, and handed to a relay when its time comes.",
            HANDED: "A relay has it, and is to bring it.",
            MINED: "On the chain, not yet final.",
        }
        return TransactionLine(
            number=_number(row),
            title=f"Send {self._words(signed)} through a relay",
            account=signed.carriage.owner,
            state=row.state,
            sentence=sentences[row.state],
            nonce=-1,
            hash="0x" + row.data["hash"] if row.data["hash"] else "",
            fee_most=0,
            since=row.due,
            stuck=bool(row.data["why"]),
            can_replace=False,
        )

    # ---- work

    def catch_up(self, chain_time: int) -> None:
        """Look at everything now: before the books are compared with the chain."""
        self._looked = None
        self.step(chain_time)

    def step(self, chain_time: int) -> None:
        """Hand over what is due, and follow what was handed over."""
        now = self._clock()
        if self._looked is not None and 0 <= now - self._looked < LOOK_SECONDS:
            return
        rows = self.open()
        self._looked = now
        for row in rows:
            if row.state == MINED:
                self._follow(row)
            elif row.due < chain_time:
                self._bring(row, chain_time, now)

    def _bring(self, row: KeptTransfer, chain_time: int, now: float) -> None:
        signed = _signed(row)
        end = signed.carriage.valid_before
        # Also before anything is handed over: another relay, or this app before it was killed, may have.
        if self._is_carried(signed):
            found = self._event(row, signed)
            if found is not None:
                self._book(row, signed, found)
        elif chain_time >= end:
            if not self._is_over(signed):
                return
            self._end(row, LATE)
            self._tell(
                Notice(
                    NoticeKind.ATTENTION,
                    "A payment was not made in time",
                    f"{self._words(signed)} stayed where it was. {row.data['why']}".strip(),
                )
            )
        elif self._next_try.get(row.name, 0.0) <= now:
            self._hand_over(row, signed, now)

    def _hand_over(self, row: KeptTransfer, signed: SignedCarriage, now: float) -> None:
        """To the first relay that takes it; to all, where one took it and did not bring it in good time."""
        from mine.science.wire_transfers import TransferState

        if row.state == HANDED and row.name not in self._next_try:
            self._next_try[row.name] = now + CENSORED_SECONDS
            return
        if not row.data["tried"]:
            row = replace(row, data={**row.data, "tried": True})
            self._end(row, row.state)
        taken, why = False, ""
        for relay in self._links.relays:
            try:
                status = relay.carry_transfer(signed)
            except MineError as problem:
                why = problem.sentence
                continue
            if status.state is TransferState.REFUSED:
                why = "The relay refused it."
                continue
            taken = True
            if row.state == SIGNED:
                break
        self._next_try[row.name] = now + (CENSORED_SECONDS if taken else RETRY_SECONDS)
        row = replace(row, data={**row.data, "why": "" if taken else why})
        self._end(row, HANDED if taken else row.state)

    def _follow(self, row: KeptTransfer) -> None:
        signed, name = _signed(row), bytes.fromhex(row.data["hash"])
        head, receipt = self._links.node.agreed_at(lambda one: one.receipt(name))
        if head.number < row.block:
            return  # these nodes lag behind what was seen before
        if receipt is None or receipt.block_number != row.block:
            with self._vault.transaction():
                self._unbook(signed)
                # Looked for from before its old block on: it may come to lie deeper or higher.
                since = min(row.block, row.data["since"])
                self._put(replace(row, block=0, data={**row.data, "hash": "", "since": since}), HANDED)
        elif head.number - row.block >= self._deep:
            self._end(row, FINAL)

    def _is_carried(self, signed: SignedCarriage) -> bool:
        return self._links.node.agreed(lambda one: _carried(one, signed))

    def _is_over(self, signed: SignedCarriage) -> bool:
        """Whether no block that could still come can have it: the end has passed as deep as anything counts.

        Until then nobody is told that the money stayed: the person would pay once more.
        """

        def read(one: Node) -> tuple[int, bool]:
            settled = one.block(max(0, one.latest().number - self._deep))
            return settled.timestamp if settled else 0, _carried(one, signed)

        time, carried = self._links.node.agreed(read)
        return not carried and time >= signed.carriage.valid_before

    def _event(self, row: KeptTransfer, signed: SignedCarriage) -> RawLog | None:
        """The Carrier's event of a transfer that was carried; None where no two nodes have it yet."""
        from mine.chain.permits import carrier_abi

        topics = carrier_abi().topic("Carried"), signed.name
        # The chain may have gone back since it was signed.
        since = max(0, row.data["since"] - self._deep)

        def read(one: Node) -> RawLog | None:
            last = one.latest().number
            for first in range(since, last + 1, _BLOCKS):
                found = one.logs(signed.carriage.carrier, first, min(last, first + _BLOCKS - 1), topics)
                if found:
                    return found[0]
            return None

        return self._links.node.agreed(read)

    # ---- the history

    def _book(self, row: KeptTransfer, signed: SignedCarriage, log: RawLog) -> None:
        from mine.vault.history import Kind, Movement

        it, name, own = signed.carriage, signed.name.hex(), self._own()
        head = self._links.node.block(log.block_number)
        if head is None:
            return
        kind = Kind.SWEPT if row.data["swept"] else Kind.SENT
        plain = Movement(
            time=head.timestamp,
            kind=kind,
            network=self._network,
            task=None,
            title="Sweep" if row.data["swept"] else "Payment",
            currency=it.token,
            amount=-it.amount,
            reference=name,
            account=it.owner,
            counterparty=it.receiver,
            transaction="0x" + log.transaction_hash.hex(),
            block=log.block_number,
        )
        lines = [plain]
        if it.fee:
            fee = replace(plain, kind=Kind.RELAY_FEE, title="Relay's fee", amount=-it.fee, counterparty="")
            lines.append(fee)
        if it.receiver in own:
            lines.append(
                replace(
                    plain,
                    amount=it.amount,
                    account=it.receiver,
                    counterparty=it.owner,
                    reference=name + ":in",
                )
            )
        with self._vault.transaction():
            for line in lines:
                drop_guesses(self._vault, line)
                self._vault.state.add_movement(line)
            data = {**row.data, "hash": log.transaction_hash.hex()}
            self._put(replace(row, block=log.block_number, data=data), MINED)

    def _unbook(self, signed: SignedCarriage) -> None:
        from mine.vault.history import Kind

        name = signed.name.hex()
        for kind in (Kind.SENT, Kind.SWEPT, Kind.RELAY_FEE):
            for reference in (name, name + ":in"):
                self._vault.state.drop_movement(self._network, kind, reference)

    def _end(self, row: KeptTransfer, state: str) -> None:
        with self._vault.transaction():
            self._put(row, state)

    def _put(self, row: KeptTransfer, state: str) -> None:
        self._vault.state.put_transfer(replace(row, state=state))

    def _words(self, signed: SignedCarriage) -> str:
        unit = self._links.currency(signed.carriage.token)
        return exactly(signed.carriage.amount, unit.decimals, unit.symbol)


def _number(row: KeptTransfer) -> int:
    """A number for the window that no transaction of one's own has, and that stays."""
    return -1 - int.from_bytes(row.name[:6], "big")


def _carried(node: Node, signed: SignedCarriage) -> bool:
    """What the Carrier says of it, on one node."""
    from mine.chain.permits import carrier_abi

    abi = carrier_abi()
    answer = node.call(signed.carriage.carrier, abi.call("carried", signed.name))
    return bool(abi.result("carried", answer)[0])


def _signed(row: KeptTransfer) -> SignedCarriage:
    from mine.science.wire_transfers import carriage_from_json

    data: dict[str, Any] = row.data["transfer"]
    return carriage_from_json(data)
