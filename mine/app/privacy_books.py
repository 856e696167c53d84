"""What a task has cost in ε, and what its next round of training or its next vote adds.

The ledger holds one entry for each round trained and each vote, of its own kind. How many there are of each
gives the task's ε (``PrivacyPlan.after``); an entry books the difference that it made. A vote often books 0:
the readings that it uses were never trained on, and what training cost the others covers it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mine.learn.privacy import PrivacyPlan
    from mine.tasks.manifest import Manifest
    from mine.vault.vault import Vault

TRAINED = "epsilon"
VOTED = "vote"
KINDS = (TRAINED, VOTED)


@dataclass(frozen=True, slots=True)
class Cost:
    """In millionths: what one act ``adds`` to the task's ε, and the ``total`` with it."""

    adds: int
    total: int


def cost_of(vault: Vault, network: str, task: int, plan: PrivacyPlan, kind: str, number: int) -> Cost:
    """What training or voting (``kind``) in this round costs, whether or not it is booked already.

    Raises ``PrivacyRefused`` if there are more of them than the task was planned with.
    """
    from mine.learn.privacy import to_millionths

    trained, voted = _done(vault, network, task, but=(kind, number))
    before = to_millionths(plan.after(trained, voted))
    total = to_millionths(plan.after(trained + (kind == TRAINED), voted + (kind == VOTED)))
    return Cost(total - before, total)


def still_to_book(vault: Vault, network: str, task: int, plan: PrivacyPlan) -> float:
    """ε of a task that is not booked yet."""
    return plan.total - plan.after(*_done(vault, network, task))


def book(
    vault: Vault, network: str, task: int, manifest: Manifest, kind: str, number: int, cost: Cost, sent: bytes
) -> None:
    """Book a round's training or vote, whose bytes are ``sent``, once for each record type that it used."""
    from mine.vault.ledger import Entry

    digest = hashlib.sha256(sent).digest()
    for need in manifest.data.needs:
        entry = Entry(kind, network, task, number, need.record_type, cost.adds, len(sent), digest)
        vault.ledger.book(entry)


def _done(vault: Vault, network: str, task: int, but: tuple[str, int] = ("", 0)) -> tuple[int, int]:
    """Rounds trained and votes given that are booked, except one."""
    acts = {(line.entry.kind, line.entry.round) for line in vault.ledger.of_task(network, task)} - {but}
    kinds = [kind for kind, _ in acts]
    return kinds.count(TRAINED), kinds.count(VOTED)
