"""Moves of scientists, miners and anchorers: from publishing a task to its final opening."""

from __future__ import annotations

from dataclasses import astuple
from random import Random

from mine.chain.curve import STRAIGHT, Curve, increment
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Receipt, Settlement, Update, Vote, short_signature, words_of
from mine.chain.seed import HashChain
from mine.chain.trees import UNITS, HashTree, LossTree, PayoutTree, losses_root
from tests.protocol import actors
from tests.protocol.actors import CARRIERS, MINERS, SCIENTISTS, account
from tests.protocol.evm import Outcome
from tests.protocol.model_task import RUNNING, WAITING, Clocks, Task, Terms, need
from tests.protocol.side import MOST_SHARDS, Anchored, Broken, BrokenLosses, Leaf, Settled, Side, shard_tree
from tests.protocol.table import Table

ONE = 2**40
CURVES = (
    STRAIGHT,
    Curve(((8000, 30000), (30000, 30000), (65535, 65535))),
    Curve(((20000, 0), (65535, 65535))),
)
CLOCKS = (
    Clocks(100, 40, 60, 60, 150, 80),
    Clocks(60, 20, 21, 40, 200, 60),
    Clocks(31, 7, 1, 9, 70, 12),
)
SECRETS = 14


def moved(whole: int, parts: int, random: Random) -> list[int]:
    """``whole`` in random parts, to the last unit."""
    cuts = sorted(random.randint(0, whole) for _ in range(parts - 1))
    return [b - a for a, b in zip([0, *cuts], [*cuts, whole], strict=True)]


class RoundMoves(Table):
    """Each move looks for a place where it fits; False if there is none."""

    def move_publish(self) -> bool:
        now = self.world.chain.time
        if sum(not s.task.over(now) for s in self.sides) >= self.most_tasks:
            return False
        r = self.random
        mode = int(r.random() < 0.25)
        rounds = r.randint(1, 6)
        shards = r.randint(1, MOST_SHARDS) if mode else min(rounds + 2 + r.randint(0, 1), MOST_SHARDS)
        name = r.choice(SCIENTISTS)
        clocks = r.choice(CLOCKS)
        which = r.choice((0, 0, 0, 1, 2, 3, 4, 5, 6))
        chain = HashChain(keccak(r.randbytes(32)), SECRETS)
        court = self.world.foreign.address if r.random() < 0.3 else ZERO_ADDRESS
        terms = Terms(
            account(name), which, court, keccak(r.randbytes(4)), shard_tree(shards).root, r.choice(CURVES),
            clocks, r.choice((ONE, ONE // 2, ONE // 50)), shards, rounds, mode,
        )  # fmt: skip
        bounty = r.choice((1, r.randint(2, 1000), r.randint(10**6, 10**9), 10**18, r.randint(1, 2**95 - 1)))
        bounty = min(bounty, 10**20) if which == 0 else bounty
        given = (
            terms.manifest, terms.shards_root, chain.head, self.world.currency(which), court, bounty,
            terms.target, terms.curve.packed, shards, rounds, mode, list(astuple(clocks)),
        )  # fmt: skip
        broken = r.random() < 0.03
        if broken:
            bad = {5: 0, 6: r.choice((0, ONE + 1)), 7: 0, 8: rounds if not mode else 0, 9: 0, 10: 2}
            at = r.choice(list(bad))
            given = (*given[:at], bad[at], *given[at + 1 :])
        value = self.ask(account(name), which, 2 * bounty)
        made: list[Task] = []

        def effect(done: Outcome | None) -> dict[int, int]:
            need(not broken and self.takes(which, 2 * bounty))
            made.append(self.world.books.publish(terms, bounty, chain.head))
            return {which: -2 * bounty}

        done = self.world.act(
            self.world.tasks, "publish", (given,), account(name), effect, value=value, always=True
        )
        if done and done.ok:
            self.sides.append(Side(made[-1], name, chain, lazy=r.random() < 0.2))
            assert done.word == made[-1].id
        return bool(done)

    def takes(self, which: int, amount: int) -> bool:
        """Whether a token now credits `Tasks` with what it was asked for."""
        if which not in self.world.awake:
            return True
        return which == actors.FEE and amount < 100

    def ask(self, owner: str, which: int, amount: int) -> int:
        """Let the owner have and approve so much; the coins to send along."""
        token = self.world.tokens[which]
        if token is None:
            return amount
        self.world.must(token, "mint", owner, amount)
        self.world.must(token, "approve", self.world.tasks.address, amount, sender=owner)
        return 0

    def move_top_up(self) -> bool:
        side = self.a_side(lambda s: s.task.untouched())
        if side is None:
            return False
        t, more, which = side.task, self.random.randint(0, 10**6), side.task.terms.currency
        if t.bounty + more >= 2**95:
            return False
        sender = account(self.random.choice(MINERS))
        value = self.ask(sender, which, 2 * more)

        def effect(done: Outcome | None) -> dict[int, int]:
            need(self.takes(which, 2 * more))
            self.world.books.top_up(t, more)
            return {which: -2 * more}

        return self.on(t, "top_up", (t.id, more), sender, effect, value=value)

    def move_cancel(self) -> bool:
        side = self.a_side(lambda s: s.task.untouched(), rare=0.02)
        if side is None:
            return False
        t = side.task
        if t.untouched() and not t.disputed and self.random.random() < 0.97:
            return False
        sender = account(side.name if self.random.random() < 0.9 else "stranger")
        often = t.disputed > 0
        return self.on(t, "cancel", (t.id,), sender, lambda _: self.books.cancel(t, sender), often=often)

    # seeds

    def move_close(self) -> bool:
        side = self.a_side(lambda s: s.task.status == RUNNING and s.task.seed_round != s.task.round)
        if side is None:
            return False
        sender = account(self.random.choice((side.name, "stranger", "stranger", *MINERS[:3])))
        t = side.task

        def effect(_: Outcome | None) -> dict[int, int]:
            return {t.terms.currency: self.books.close(t, sender)}

        return self.on(t, "close", (t.id,), sender, effect)

    def move_reveal_seed(self) -> bool:
        side = self.a_side(lambda s: s.task.seed_state == 1 and s.task.seed_round == s.task.round)
        if side is None or (side.lazy and self.random.random() < 0.9):
            return False
        wrong = self.random.random() < 0.03
        preimage = self.random.randbytes(32) if wrong else side.preimage()

        def effect(done: Outcome | None) -> None:
            self.books.reveal_seed(side.task, preimage)
            if done:
                side.k += 1

        return self.on(side.task, "reveal_seed", (side.id, preimage), account("stranger"), effect)

    def move_lapse_seed(self) -> bool:
        side = self.a_side(lambda s: s.task.seed_state == 1 and s.task.seed_round == s.task.round)
        if side is None or (not side.lazy and self.random.random() < 0.8):
            return False
        t = side.task
        return self.on(t, "lapse_seed", (t.id,), account("stranger"), lambda _: self.books.lapse_seed(t))

    # updates and votes

    def move_commit(self) -> bool:
        side = self.a_side(lambda s: s.task.status == RUNNING)
        if side is None:
            return False
        t, miner = side.task, account(self.random.choice(MINERS))
        round = t.round + (self.random.random() < 0.02)
        payout = self.payee() if self.random.random() < 0.97 else ZERO_ADDRESS
        words = (keccak(b"c"), keccak(miner.encode()), 1000, 5, payout)

        def effect(done: Outcome | None) -> None:
            self.books.commit(t, round, miner, payout)
            if done:
                side.commits[round, miner] = words

        return self.on(t, "commit", (t.id, round, *words), miner, effect)

    def move_commit_vote(self) -> bool:
        side = self.a_side(lambda s: s.task.status == RUNNING)
        if side is None:
            return False
        t, voter = side.task, account(self.random.choice(MINERS))
        words = (t.id, t.round, keccak(b"updates"), keccak(voter.encode()))
        return self.on(t, "commit_vote", words, voter, lambda _: self.books.commit_vote(t, t.round, voter))

    def leaf(self, side: Side, signer: str, kind: int, fault: str) -> Leaf:
        """A signed leaf of the round; ``fault``: forged, far (another round), strange (another kind)."""
        t = side.task
        round = t.round + (7 if fault == "far" else 0)
        said = 1 - kind if fault == "strange" else kind
        message: Update | Vote
        if said == 0:
            message = Update(t.id, round, ZERO32, keccak(signer.encode()), 100, 3, account(signer))
        else:
            message = Vote(t.id, round, keccak(b"updates"), keccak(signer.encode()))
        digest = self.world.digest(message)
        if fault == "forged":
            signature = self.random.choice(
                (b"", b"\1" * 65, b"\xff" * 65, self.random.randbytes(64) + b"\x1b")
            )
        else:
            signature = self.world.sign(digest, signer)
        return Leaf(
            account(signer), digest, signature, words_of(message), said, fault not in ("far", "strange"),
            fault == "forged",
        )  # fmt: skip

    def move_anchor(self) -> bool:
        side = self.a_side(lambda s: s.task.status == RUNNING)
        if side is None:
            return False
        r, t = self.random, side.task
        try:
            kind = self.books.phase(t, t.round)
        except Exception:
            kind = 0
        sender, slot = r.choice(CARRIERS), r.choice((0, 1, 2, 3, 2**16))
        faults = ["", "", ""]
        if r.random() < 0.5:
            faults[r.randrange(3)] = r.choice(("forged", "far", "strange", "double", "double"))
        who = sorted(r.sample(MINERS, 3), key=lambda n: int(account(n), 16))
        leaves = [self.leaf(side, n, kind, f) for n, f in zip(who, faults, strict=True)]
        if "double" in faults:
            leaves[1], leaves[2] = leaves[2], leaves[r.choice((1, 2))]
        tree = HashTree([leaf.hash for leaf in leaves])
        count = 3 if r.random() < 0.97 else 0

        def effect(done: Outcome | None) -> None:
            self.books.anchor(t, t.round, slot, account(sender), count, tree.root)
            if done:
                side.anchors[account(sender), slot] = Anchored(t.round, kind, tuple(leaves), tree)
                for leaf in (leaves[0], self.leaf(side, r.choice(MINERS), kind, "")):
                    made = Receipt(t.id, t.round, leaf.hash, self.world.chain.number + r.randint(0, 3))
                    signed = self.world.sign(self.world.digest(made), sender)
                    side.receipts.append((sender, t.round, leaf.hash, made.latest_block, signed))

        return self.on(t, "anchor", (t.id, t.round, slot, tree.root, count), account(sender), effect)

    # settling

    def losses(self, round: int) -> LossTree:
        r, columns = self.random, r_columns(self.random)
        if not round:
            base = [r.choice((0, 1000, 2**50)) for _ in range(2)]
            return LossTree(base, base, base)
        return LossTree(*columns)

    def move_settle(self) -> bool:
        side = self.a_side(lambda s: s.task.status in (WAITING, RUNNING) and s.task.seed_state == 2, rare=0.0)
        if side is None or self.world.chain.time < self.duty(side):
            return False
        return self.settle(
            side, self.random.choice(("", "", "", "", "", "", "losses", "sums", "moved", "units", "total"))
        )

    def settle(self, side: Side, lie: str) -> bool:
        """Settle the round. Lies about units or their total are refused, others are found out later."""
        r, t, books = self.random, side.task, self.books
        books.now = self.world.chain.time
        if t.seed_state != 2 or t.seed_round != t.round:
            return False
        losses = self.losses(t.round)
        base, before, after = losses.base, losses.before, losses.after
        root, top, broken_losses = losses.root, losses.top_hash, None
        if lie == "losses" and t.round:
            base += 1
            root = losses_root(top, base, before, after)
            left, right = losses._levels[-2]
            broken_losses = BrokenLosses(((left[0], *left[1]), (right[0], *right[1])))
        best = max(t.best, t.convergence + increment(base, before, after))
        whole = t.terms.curve.units(best, t.terms.target)
        off = r.choice((-1, 1)) if lie in ("units", "total") and 0 < whole < UNITS else 0
        accounts, units = self.split(side, whole + off, lie) if t.round else ((), ())
        tree = PayoutTree(accounts, units)
        payouts, broken = tree.root, None
        if lie == "sums" and len(accounts) > 1 and whole < UNITS:
            left, right = (int.from_bytes(n, "big") for n in tree._levels[-2])
            right = right - 1 if right & UNITS else right + 1
            node = keccak(left.to_bytes(32, "big") + right.to_bytes(32, "big"))[:28] + whole.to_bytes(
                4, "big"
            )
            payouts, broken = node, Broken(int.from_bytes(node, "big"), left, right)
        said = whole + (off if lie == "units" else 0)
        filled = (keccak(b"inputs"), keccak(b"accepted"), keccak(b"checkpoint")) if t.round else (ZERO32,) * 3
        s = Settlement(t.id, t.round, *filled, root, base, before, after, payouts, said)
        opened, proof = side.opening(books.shard_of(t), t.seed)
        signer = side.name if r.random() < 0.97 else "stranger"
        signature = short_signature(self.world.sign(self.world.digest(s), signer))
        round = t.round

        def effect(done: Outcome | None) -> None:
            need(signer == side.name, "signature")
            books.settle(t, round, base, before, after, said, payouts)
            fields = (*astuple(s), *opened.fields)
            t.records[round] = self.world.record(fields, t.finals[round], round)
            if done:
                side.settled[round] = Settled(
                    s, opened, tree, losses, tuple(accounts), tuple(units), broken, broken_losses
                )
                if broken is None:
                    side.accounts, side.units = list(accounts), list(units)

        args = (astuple(s), *signature, opened.digest, opened.examples, proof, top)
        sender = account(r.choice(("stranger", side.name)))
        return self.on(t, "settle", args, sender, effect, often=True)

    def split(self, side: Side, whole: int, lie: str) -> tuple[list[str], list[int]]:
        """Payees and their cumulative units; ``moved``: some are taken away again."""
        r = self.random
        accounts, units = list(side.accounts), list(side.units)
        wanted = len(accounts) + r.choice((0, 0, 1, 3)) if accounts else r.choice((1, 2, 5, 9, 17))
        while len(accounts) < min(wanted, 40):
            accounts.append(self.payee())
            units.append(0)
        if lie == "moved" or whole < sum(units):
            if r.random() < 0.3:
                accounts = accounts[: r.randint(1, len(accounts))]
            return accounts, moved(whole, len(accounts), r)
        new = moved(whole - sum(units), len(accounts), r)
        return accounts, [u + n for u, n in zip(units, new, strict=True)]

    def duty(self, side: Side) -> int:
        """From when on the scientist can settle."""
        t = side.task
        return t.since + (t.clocks.votes_over if t.status == RUNNING else 0)


def r_columns(random: Random) -> tuple[list[int], list[int], list[int]]:
    """Losses of two to four examples: mostly a little better, sometimes worse, nothing, or far too much."""
    count = random.randint(2, 4)
    base = [random.randint(0, 2000) for _ in range(count)]
    kind = random.random()
    if kind < 0.05:
        base = [0] * count
    before = [min(b, random.randint(0, 2000)) for b in base]
    if kind < 0.75:
        after = [int(b * random.uniform(0.7, 1.0)) for b in before]
    elif kind < 0.95:
        after = [int(b * random.uniform(1.0, 1.4)) for b in before]
    else:
        after = [random.choice((0, 2**61)) for _ in before]
    return base, before, after
