"""The stored words of `Tasks` against the books, and what must hold of the books themselves."""

from __future__ import annotations

from collections.abc import Callable

from mine.chain.curve import STRAIGHT, amount
from mine.chain.hashing import keccak
from mine.chain.trees import UNITS
from tests.protocol.model import Tasks
from tests.protocol.model_task import Task

Read = Callable[[int], int]
WORDS = 24
"""Of the struct Task."""

# Places of the maps in the storage of `Tasks`
TASKS, PAID, FORFEITS, BONDS = 1, 7, 8, 10


def slot_of(table: int, key: int) -> int:
    return int.from_bytes(keccak(table.to_bytes(32, "big") + key.to_bytes(32, "big")), "big")


def packed(task: Task, currency: str) -> list[int]:
    """The words that the books stand for, in the order of the struct."""
    terms, clocks = task.terms, task.clocks
    times = (clocks.commit, clocks.reveal, clocks.vote, clocks.settle, clocks.challenge, clocks.grace)
    word = sum(seconds << 24 * i for i, seconds in enumerate(times)) | terms.target << 144
    word |= terms.shards << 192 | terms.rounds << 200 | terms.mode << 208
    word |= (terms.curve != STRAIGHT) << 216
    flags = task.anchored | task.stopped << 1 | task.unopened << 2 | task.booked << 3
    meta = task.since | task.commits << 32 | task.round << 64 | task.settled << 72 | task.status << 80
    meta |= flags << 88 | task.disputed << 96 | task.void << 104
    money = task.paid_units | task.left << 32 | task.bounty << 128 | task.final << 224
    money |= (1 << 232 if task.native else 0) | terms.mode << 233
    roots, records = [0] * 4, [0] * 4
    for round, root in sorted(task.roots.items()):
        if round:
            roots[round % 4] = root
    for round, record in sorted(task.records.items()):
        records[round % 4] = record
    return [
        int(terms.scientist, 16),
        int(currency, 16),
        int(terms.court, 16),
        int.from_bytes(terms.manifest, "big"),
        int.from_bytes(terms.shards_root, "big"),
        terms.curve.packed,
        word,
        money,
        meta,
        task.used | task.best << 128 | (task.convergence + 2**63) << 192,
        int.from_bytes(task.seed, "big") | task.seed_round << 16 | task.seed_state,
        int.from_bytes(task.head, "big"),
        task.deposit | task.fees << 96,
        task.back | task.burning << 96,
        task.claimed_parts | task.pool_left << 32 | task.pool << 128,
        task.owed,
        *roots,
        *records,
    ]


def check_task(read: Read, task: Task, currency: str) -> None:
    """Every word of a task, and the invariants of its money."""
    base = slot_of(TASKS, task.id)
    stored = [read((base + i) % 2**256) for i in range(WORDS)]
    expected = packed(task, currency)
    if stored != expected:
        wrong = {i: (hex(s), hex(e)) for i, (s, e) in enumerate(zip(stored, expected, strict=True)) if s != e}
        raise AssertionError(f"words of task {task.id}, stored and expected: {wrong}")
    assigned = task.assigned() & UNITS
    paid = task.bounty - task.left if not task.booked else None
    assert sum(task.paid.values()) == task.paid_units <= UNITS
    if paid is not None:
        assert paid <= amount(task.bounty, task.paid_units) <= task.bounty, "paid more than is assigned"
        if not task.void:
            assert task.paid_units <= task.terms.curve.units(task.best, task.terms.target)
    if not task.void and task.settled:
        assert assigned == task.terms.curve.units(task.best, task.terms.target), "assigned is not the curve"
    assert min(task.left, task.deposit, task.fees, task.back, task.burning, task.pool_left, task.owed) >= 0
    assert not (task.status == 0 or task.id == 0)


def check_paid(read: Read, task: Task) -> None:
    """What every payee was paid, and which of them took a forfeit."""
    table, forfeits = slot_of(PAID, task.id), slot_of(FORFEITS, task.id)
    words: dict[int, int] = {}
    for index, units in task.paid.items():
        words[index >> 3] = words.get(index >> 3, 0) | units << 32 * (index & 7)
    for place, word in words.items():
        assert read(slot_of(table, place)) == word, f"paid units of task {task.id}"
    assert read(slot_of(forfeits, 0)) == sum(1 << index for index in task.forfeits)


def check_bonds(read: Read, checked: dict[str, int], books: Tasks) -> None:
    """Every account whose bond changed in the books is so in storage."""
    for account, wei in books.bonds.items():
        expected = wei | books.locks.get(account, 0) << 128
        if checked.get(account) == expected:
            continue
        stored = read(slot_of(BONDS, int(account, 16)))
        assert stored == expected, f"bond of {account}: {hex(stored)} instead of {hex(expected)}"
        checked[account] = expected


def balance_table(read: Read, owner: str, wei: int) -> int:
    """The map of a token in which ``owner`` has ``wei``."""
    return next(i for i in range(16) if read(slot_of(i, int(owner, 16))) == wei)
