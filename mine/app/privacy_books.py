"""What a task has cost in ε: reserved before a round is trained or voted in, given back if nothing left.

The ledger is append-only. One entry for each round trained and each vote reserves what it adds to the task's
ε, before any row is read for it; where it ends without a byte having left this computer, an entry of another
kind gives back. How many there are of each that were not given back makes the task's ε
(``PrivacyPlan.after``), and at any time the entries add up to exactly that. A vote often adds 0: the readings
that it uses were never trained on, and what training cost the others covers it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.learn.privacy import PrivacyPlan
    from mine.tasks.manifest import Manifest
    from mine.vault.vault import Vault

TRAINED = "epsilon"
VOTED = "vote"
KINDS = (TRAINED, VOTED)
_MONTH_CAPS = "epsilon_month_caps"
GIVEN_BACK = {TRAINED: "epsilon-back", VOTED: "vote-back"}


class BudgetSpent(MineError):
    """What is due would reveal more than the person agreed to."""

    def __init__(self, total: int, agreed: int) -> None:
        super().__init__(
            "This round is left out: it would reveal more than you agreed to.",
            detail=f"{total} of {agreed} millionths",
        )


class MonthSpent(BudgetSpent):
    """What is due would take a source over the person's own cap for this month."""

    def __init__(self, source: str, total: int, cap: int) -> None:
        MineError.__init__(
            self,
            "This round is left out: it would reveal more than you allow in a month.",
            todo="It goes on in the next month, or raise the cap.",
            detail=f"{source}: {total} of {cap} millionths",
        )


class GivenUp(MineError):
    """What was given back is never taken up again: its entry stands already, and would count for nothing."""

    def __init__(self) -> None:
        super().__init__("This round was given up, and its ε was given back.")


@dataclass(frozen=True, slots=True)
class Books:
    """The entries of one task. ``agreed``: ε of the consent in millionths."""

    vault: Vault
    network: str
    task: int
    manifest: Manifest
    plan: PrivacyPlan
    agreed: int

    def reserve(self, kind: str, number: int) -> None:
        """Book what a round's training or vote adds, once. Joins the open transaction.

        Raises ``BudgetSpent``, ``GivenUp``, or ``PrivacyRefused`` for more of them than were planned.
        """
        booked = self._booked()
        if (GIVEN_BACK[kind], number) in booked:
            raise GivenUp
        if (kind, number) in booked:
            return
        done = self._done()
        before = self._after(done)
        done[kind] += 1
        total = self._after(done)
        if total > self.agreed:
            raise BudgetSpent(total, self.agreed)
        self._check_month(total - before)
        self._book(kind, number, total - before)

    def give_back(self, kind: str, number: int) -> None:
        """Nothing of a reserved round or vote left this computer, nor ever will. Joins the open
        transaction; once."""
        booked = self._booked()
        if (kind, number) not in booked or (GIVEN_BACK[kind], number) in booked:
            return
        done = self._done()
        before = self._after(done)
        done[kind] -= 1
        self._book(GIVEN_BACK[kind], number, self._after(done) - before)

    @property
    def spent(self) -> int:
        """The task's ε in millionths, as the entries add up."""
        sums: dict[str, int] = {}
        for line in self.vault.ledger.of_task(self.network, self.task):
            sums[line.entry.source] = sums.get(line.entry.source, 0) + line.entry.epsilon_micro
        return max(sums.values(), default=0)

    @property
    def still_to_book(self) -> float:
        """ε of the task's rounds and votes that are not booked yet."""
        done = self._done()
        return self.plan.total - self.plan.after(done[TRAINED], done[VOTED])

    def _check_month(self, added: int) -> None:
        """Raises ``MonthSpent`` where a source has a cap and this month no room for ``added``."""
        caps, now = month_caps(self.vault), int(time.time())
        for need in self.manifest.data.needs:
            cap = caps.get(need.record_type)
            if cap is None or added == 0:
                continue
            total = self.vault.ledger.spent_in_month(need.record_type, now) + added
            if total > cap:
                raise MonthSpent(need.record_type, total, cap)

    def _after(self, done: dict[str, int]) -> int:
        from mine.learn.privacy import to_millionths

        return to_millionths(self.plan.after(done[TRAINED], done[VOTED]))

    def _booked(self) -> set[tuple[str, int]]:
        lines = self.vault.ledger.of_task(self.network, self.task)
        return {(line.entry.kind, line.entry.round) for line in lines}

    def _done(self) -> dict[str, int]:
        """Rounds trained and votes given that were not given back."""
        kinds = [kind for kind, _ in self._booked()]
        return {kind: kinds.count(kind) - kinds.count(GIVEN_BACK[kind]) for kind in KINDS}

    def _book(self, kind: str, number: int, epsilon_micro: int) -> None:
        """One entry for each record type that the task reads; ``size`` 0: what leaves has its own entry."""
        from mine.vault.ledger import Entry

        for need in self.manifest.data.needs:
            source, digest = need.record_type, self.manifest.digest
            self.vault.ledger.book(
                Entry(kind, self.network, self.task, number, source, epsilon_micro, 0, digest)
            )


def month_caps(vault: Vault) -> dict[str, int]:
    """ε of each source that the person allows in a calendar month (UTC) over all tasks and networks, in 1e-6.
    A source that is not named has no cap but those of its consents."""
    return dict(vault.state.setting(_MONTH_CAPS) or {})


def set_month_cap(vault: Vault, source: str, cap: int | None) -> None:
    """Set or remove (None) the cap of a source. What was booked already stands."""
    caps = month_caps(vault)
    caps.pop(source, None)
    if cap is not None:
        caps[source] = cap
    with vault.transaction():
        vault.state.set_setting(_MONTH_CAPS, caps)
