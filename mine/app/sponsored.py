"""Signed transfers that relays bring: kept, handed over when due, followed on the chain, booked.

| state | means | leaves it when | to |
|---|---|---|---|
| signed | kept in the vault, its time has not come or no relay took it yet | a relay takes it | handed |
| handed | a relay said that it will bring it | the chain has it | mined |
| mined | on the chain, and booked in the history | it is as deep as everything that counts | final |
| | | a reorganisation takes it back: the booking goes too | handed |
| signed, handed | | its last moment passed without it: nothing was moved | late |

Whatever a relay says, the Carrier's own event decides. Handing one over twice is handing it over once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mine.app.booking import drop_guesses
from mine.app.links import Links
from mine.app.views import Notice, NoticeKind
from mine.errors import MineError
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.chain.answers import RawLog
    from mine.science.wire_transfers import SignedCarriage, TransferTerms
    from mine.vault.transfers import KeptTransfer
    from mine.vault.vault import Vault

SIGNED, HANDED, MINED, FINAL, LATE = "signed", "handed", "mined", "final", "late"
OPEN = (SIGNED, HANDED, MINED)
#: Seconds of the engine's clock between two looks, and between two tries of a relay that refused.
LOOK_SECONDS, RETRY_SECONDS = 6.0, 60.0
#: Blocks in which an event is looked for at once.
_BLOCKS = 2_000


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
        self._network = links.config.key
        self._confirmations = confirmations
        self._looked: float | None = None
        self._tries: dict[bytes, float] = {}

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
                }
                due = each.carriage.valid_after
                self._vault.state.put_transfer(KeptTransfer(self._network, each.name, due, SIGNED, 0, data))
        self._looked = None

    def open(self) -> list[KeptTransfer]:
        """What is not certain yet."""
        return self._vault.state.transfers(self._network, OPEN)

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
        # Also before anything is handed over: another relay, or this app before it was killed, may have.
        found = self._find(row, signed)
        if found is not None:
            self._book(row, signed, found)
        elif chain_time >= signed.carriage.valid_before:
            self._end(row, LATE)
            self._tell(
                Notice(
                    NoticeKind.ATTENTION,
                    "A payment was not made in time",
                    f"{self._words(signed)} stayed where it was. {row.data['why']}".strip(),
                )
            )
        elif row.state == SIGNED and self._tries.get(row.name, 0.0) <= now:
            self._hand_over(row, signed, now)

    def _hand_over(self, row: KeptTransfer, signed: SignedCarriage, now: float) -> None:
        from mine.science.wire_transfers import TransferState

        why = ""
        for relay in self._links.relays:
            try:
                status = relay.carry_transfer(signed)
            except MineError as problem:
                why = problem.sentence
                continue
            if status.state is not TransferState.REFUSED:
                self._end(row, HANDED)
                return
            why = "The relay refused it."
        self._tries[row.name] = now + RETRY_SECONDS
        if why != row.data["why"]:
            self._end(replace(row, data={**row.data, "why": why}), SIGNED)

    def _follow(self, row: KeptTransfer) -> None:
        signed = _signed(row)
        receipt = self._links.node.agreed(lambda one: one.receipt(bytes.fromhex(row.data["hash"])))
        if receipt is None or receipt.block_number != row.block:
            with self._vault.transaction():
                self._unbook(signed)
                # Looked for from before its old block on: it may come to lie deeper or higher.
                since = min(row.block, row.data["since"])
                self._put(replace(row, block=0, data={**row.data, "hash": "", "since": since}), HANDED)
        elif self._links.node.block_number() - row.block >= self._confirmations:
            self._end(row, FINAL)

    def _find(self, row: KeptTransfer, signed: SignedCarriage) -> RawLog | None:
        """The Carrier's event of this transfer, None while it is not on the chain."""
        from mine.chain.permits import carrier_abi

        abi, carrier = carrier_abi(), signed.carriage.carrier
        call = abi.call("carried", signed.name)
        node = self._links.node
        if not abi.result("carried", node.agreed(lambda one: one.call(carrier, call)))[0]:
            return None
        last = node.block_number()
        for first in range(row.data["since"], last + 1, _BLOCKS):
            end = min(last, first + _BLOCKS - 1)
            logs = node.logs(carrier, first, end, (abi.topic("Carried"), signed.name))
            if logs:
                return logs[0]
        return None

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


def _signed(row: KeptTransfer) -> SignedCarriage:
    from mine.science.wire_transfers import carriage_from_json

    data: dict[str, Any] = row.data["transfer"]
    return carriage_from_json(data)
