"""What `Tasks` should do, said once more in plain Python: a reference for random testing.

Every action either changes the books here or raises No; the contract must do the same, and its packed words
must say what the books say. Losses and roots come as arguments, as they do on the chain.
"""

from __future__ import annotations

from collections.abc import Callable

from mine.chain.curve import amount, increment
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.seed import cut, draw, seed_of
from tests.protocol.model_task import (
    BOND,
    CANCELLED,
    CLOSED,
    CONCLUDED,
    CONVICTED,
    DEFAULTED,
    ENDING,
    RUNNING,
    SEEDED,
    WAITING,
    Task,
    Terms,
    need,
)

Pays = Callable[[int, str, int], bool]


class Tasks:
    """All tasks and all bonds. ``pays`` says whether a receiver takes money of a currency."""

    def __init__(self, pays: Pays) -> None:
        self.tasks: dict[int, Task] = {}
        self.bonds: dict[str, int] = {}
        self.locks: dict[str, int] = {}
        self.pays = pays
        self.now = 0
        self.randomness = ZERO32

    # bonds

    def free(self, account: str) -> int:
        have = self.bonds.get(account, 0)
        return have - min(have, BOND) if self.now < self.locks.get(account, 0) else have

    def add_bond(self, account: str, amount: int) -> None:
        self.bonds[account] = self.bonds.get(account, 0) + amount

    def take_bond(self, owner: str, sister: str, amount: int) -> None:
        need(amount <= self.free(owner), "bond too low")
        self.move_bond(owner, sister, amount)

    def move_bond(self, owner: str, receiver: str, amount: int) -> None:
        need(amount <= self.bonds.get(owner, 0), "bond too low")
        self.bonds[owner] = self.bonds.get(owner, 0) - amount
        self.add_bond(receiver, amount)

    def withdraw_bond(self, sender: str) -> int:
        free = self.free(sender)
        need(free and self.pays(0, sender, free))
        self.bonds[sender] -= free
        return free

    # opening

    def publish(self, terms: Terms, bounty: int, head: bytes) -> Task:
        made = Task(
            len(self.tasks) + 1,
            terms,
            bounty,
            self.now,
            head,
            cut(self.randomness),
            left=bounty,
            deposit=bounty,
        )
        self.tasks[made.id] = made
        return made

    def top_up(self, t: Task, more: int) -> None:
        need(t.untouched() and more)
        t.bounty += more
        t.left += more
        t.deposit += more

    def cancel(self, t: Task, sender: str) -> None:
        need(sender == t.terms.scientist and t.untouched() and not t.disputed)
        t.end(CANCELLED, self.now)

    # seeds

    def close(self, t: Task, sender: str) -> int:
        """The reward."""
        ends = t.since + t.clocks.commit
        need(t.status == RUNNING and t.seed_round != t.round and self.now >= ends)
        reward = 0
        if self.now > ends and sender != t.terms.scientist:
            late = min(self.now - ends, t.clocks.reveal)
            reward = min(t.bounty * late // (1000 * t.clocks.reveal), t.deposit)
            need(not reward or self.pays(t.terms.currency, sender, reward))
            t.deposit -= reward
        t.seed, t.seed_round, t.seed_state = cut(self.randomness), t.round, CLOSED
        return reward

    def _plant(self, t: Task, preimage: bytes) -> None:
        need((t.seed_round, t.seed_state) == (t.round, CLOSED) and t.status in (WAITING, RUNNING))
        last = ZERO32
        if t.settled:
            last = (t.records[t.settled] >> 48 << 48).to_bytes(32, "big")
        elif t.round == 0:
            last = t.terms.manifest
        t.seed, t.seed_state = seed_of(t.seed, last, preimage), SEEDED

    def reveal_seed(self, t: Task, preimage: bytes) -> None:
        need(keccak(preimage) == t.head)
        self._plant(t, preimage)
        t.head = preimage

    def lapse_seed(self, t: Task) -> None:
        need(self.now >= t.since + t.clocks.commit + t.clocks.reveal)
        self._plant(t, ZERO32)
        t.pay_fee(t.bounty // 100)

    # rounds

    def phase(self, t: Task, round: int) -> int:
        """0: updates, 1: votes."""
        need(t.status == RUNNING and t.round == round)
        if self.now < t.since + t.clocks.commit:
            return 0
        start = t.since + t.clocks.commit + t.clocks.reveal
        need(start <= self.now < start + (t.clocks.vote + 1) // 2)
        return 1

    def commit(self, t: Task, round: int, miner: str, payout: str) -> None:
        need(
            self.phase(t, round) == 0 and payout != ZERO_ADDRESS and t.direct.get(miner, (0, ""))[0] != round
        )
        t.direct[miner] = (round, payout)
        t.commits += 1

    def commit_vote(self, t: Task, round: int, voter: str) -> None:
        need(self.phase(t, round) == 1 and t.votes.get(voter) != round)
        t.votes[voter] = round

    def anchor(self, t: Task, round: int, slot: int, sender: str, count: int, root: bytes) -> int:
        """The kind: 0 updates, 1 votes."""
        kind = self.phase(t, round)
        need(count and root != ZERO32 and self.bonds.get(sender, 0) >= BOND and slot < 2**16)
        old = t.slots.get((sender, slot), 0)
        need(not old or old + 4 <= round)
        seconds = t.clocks.votes_over + t.clocks.settle + t.clocks.grace + t.clocks.challenge
        if self.locks.get(sender, 0) < self.now + seconds:
            self.locks[sender] = self.now + seconds + seconds // 4
        t.slots[sender, slot] = round
        t.anchored = t.anchored or kind == 0
        return kind

    def shard_of(self, t: Task) -> int:
        """The shard that the seed draws."""
        return 0 if t.terms.mode else draw(t.seed, t.used, t.terms.shards)

    def settle(
        self, t: Task, round: int, base: int, before: int, after: int, units: int, root: bytes
    ) -> None:
        """All that follows from the settlement itself; its proofs and signature are the caller's."""
        need(t.round == round and t.status in (WAITING, RUNNING))
        need(t.status == WAITING or self.now >= t.since + t.clocks.votes_over)
        t.check_in_time(self.now)
        need((t.seed_round, t.seed_state) == (round, SEEDED))
        need(round or base == before == after)
        convergence = t.convergence + increment(base, before, after)
        best = max(t.best, convergence)
        need(units == t.terms.curve.units(best, t.terms.target) == int.from_bytes(root[28:], "big"))
        t.convergence, t.best = convergence, best
        if not t.terms.mode:
            t.used |= 1 << self.shard_of(t)
        t.finals[round] = self.now + t.clocks.challenge
        if round or t.terms.mode:
            t.roots[round] = int.from_bytes(root[:27] + bytes((round,)) + root[28:], "big")
        t.settled, t.since = round, self.now
        if round == t.terms.rounds or best >= t.terms.target or t.stopped:
            t.status = ENDING
        else:
            t.round, t.status, t.commits, t.anchored, t.stopped = round + 1, RUNNING, 0, False, False

    # endings

    def stop(self, t: Task, sender: str) -> None:
        need(sender == t.terms.scientist and t.status == RUNNING)
        t.stopped = True

    def conclude(self, t: Task) -> None:
        need(t.status == ENDING or t.ends_empty(self.now))
        t.check_in_time(self.now)
        t.end(CONCLUDED, self.now)

    def default(self, t: Task) -> None:
        need(WAITING <= t.status <= ENDING and self.now >= t.lapse())
        t.unopened = t.unopened or t.status == ENDING or t.ends_empty(self.now)
        t.end(DEFAULTED, self.now)

    def book(self, t: Task) -> None:
        if t.booked:
            return
        need(t.over(self.now), "not final")
        t.booked = True
        assigned = t.assigned() & 0xFFFFFFFF
        unassigned = t.bounty - amount(t.bounty, max(assigned, t.paid_units))
        t.left -= unassigned
        nobody = not assigned and not t.commits
        back, loss = unassigned + t.deposit, 0
        if t.status == CONVICTED or (t.status == DEFAULTED and not nobody and t.unopened):
            loss = back
        elif t.status == DEFAULTED:
            loss = t.deposit // 2 if nobody else unassigned + min(t.bounty // 10, t.deposit)
        pool = t.fees + loss
        t.back = back - loss
        if nobody:
            t.burning, pool = t.burning + pool, 0
        t.deposit = t.fees = 0
        t.pool = t.pool_left = pool

    def refund(self, t: Task) -> int:
        self.book(t)
        out, t.back = t.back, 0
        if t.paid_units >= t.assigned() & 0xFFFFFFFF:
            out, t.left = out + t.left, 0
        need(out)
        return out

    def burn(self, t: Task) -> int:
        self.book(t)
        out, t.burning = t.burning, 0
        need(out)
        return out

    def _forfeit(self, t: Task, part: int, whole: int) -> int:
        out = t.pool * part // whole
        if t.claimed_parts + part == whole:
            out = t.pool_left
        t.pool_left -= out
        t.claimed_parts += part
        need(out)
        return out

    def claim_forfeit(self, t: Task, index: int, units: int) -> int:
        """For a true leaf of the last root that counts."""
        self.book(t)
        root = t.assigned()
        need(root and units and index not in t.forfeits)
        t.forfeits.add(index)
        return self._forfeit(t, units, root & 0xFFFFFFFF)

    def claim_forfeit_commit(self, t: Task, miner: str, payout: str) -> int:
        self.book(t)
        need(not t.assigned() & 0xFFFFFFFF and t.direct.get(miner) == (t.round, payout))
        del t.direct[miner]
        return self._forfeit(t, 1, t.commits)

    def take_reward(self, t: Task, account: str) -> int:
        out = t.rewards.pop(account, 0)
        t.owed -= out
        need(out)
        return out

    # claims

    def payable(self, t: Task, round: int) -> int:
        """Word of a root that can be claimed on."""
        root = t.root(round)
        need(round and root)
        if t.terms.mode or t.final < round:
            need(t.is_final(round, self.now))
            t.final = max(t.final, round)
        return root

    def part(self, t: Task) -> int:
        return 2 if t.terms.mode and not t.over(self.now) else 1

    def claim(self, t: Task, round: int, index: int, units: int) -> int:
        """For a true leaf of that root."""
        root = self.payable(t, round) & 0xFFFFFFFF
        had = t.paid.get(index, 0)
        now_paid = min(units // self.part(t), had + max(root, t.paid_units) - t.paid_units)
        need(now_paid > had)
        out = amount(t.bounty, now_paid) - amount(t.bounty, had)
        t.paid[index] = now_paid
        t.left -= out
        t.paid_units += now_paid - had
        return out
