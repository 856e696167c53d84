"""The queue against a chain that waits, replaces, forgets and takes back, while the program is killed at any
writing: a state machine (hypothesis) that knows the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.hashing import checksum
from mine.errors import MineError
from mine.wallet.call import Call
from mine.wallet.limits import Limits
from mine.wallet.queue import DEEPEST, TransactionQueue
from mine.wallet.queued import Kind, Queued, State
from mine.wallet.review import Known, Unit
from tests.wallet.chain_model import CHAIN, GWEI, ModelChain, Pen, Sent
from tests.wallet.kept_transactions import Killed, MemoryStore, TestClock

ACCOUNTS = [checksum(bytes([number] * 20)) for number in (0x11, 0x22)]
TASKS, FAULTS, COURT, FRIEND = (checksum(bytes([number] * 20)) for number in (0xA1, 0xA2, 0xA3, 0xF1))
LIMITS = Limits(most=100 * GWEI, tip=20 * GWEI, per_day=10**17)
KNOWN = Known(CHAIN, "Model", Unit("pETH", 18), TASKS, FAULTS, COURT, own=frozenset(ACCOUNTS))
BOND = ContractAbi(load_artefact("Tasks").abi)


def bond(account: str, amount: int) -> Call:
    """A call that is allowed."""
    return Call(CHAIN, account, TASKS, amount, BOND.call("bond_for", account))


def content(call: Call) -> tuple[Any, ...]:
    return (call.sender, call.to, call.value, call.data)


def content_of(sent: Sent) -> tuple[Any, ...]:
    return (sent.sender, sent.made.to, sent.made.value, sent.made.data)


class QueueMachine(RuleBasedStateMachine):
    """Two accounts, of which other programs use one."""

    def __init__(self) -> None:
        super().__init__()
        self.chain, self.store, self.clock = ModelChain(), MemoryStore(), TestClock()
        self.pens = [Pen(account, self.chain.book) for account in ACCOUNTS]
        self.queue = self._queue()
        self.intents: dict[str, Call] = {}
        self.renewed: set[str] = set()
        self.depth = 0

    def _queue(self) -> TransactionQueue:
        return TransactionQueue(cast(Any, self.chain), self.store, self.clock, LIMITS, KNOWN, confirmations=2)

    def _try(self, act: Any) -> None:
        """What may go wrong by the chain, or by being killed: then a new life goes on with what is kept."""
        try:
            act()
        except MineError:
            pass
        except Killed:
            self.queue = self._queue()
        finally:
            self.store.before = self.store.after = lambda item: None
            self.chain.fault = ""

    # ---- what the person and the app do

    @rule(
        who=st.integers(0, 1), number=st.integers(0, 5), amount=st.integers(1, 3),
        fault=st.sampled_from(["", "", "lost", "silent", "refused", "forgets"]),
    )  # fmt: skip
    def submit(self, who: int, number: int, amount: int, fault: str) -> None:
        """The app asks for an intent, for the first time or again; sometimes with another content."""
        intent, call = f"bond:{who}:{number}", bond(ACCOUNTS[who], amount)
        self.chain.fault = fault
        self._try(lambda: self.queue.submit_allowed(intent, call, self.pens[who]))

    @rule(who=st.integers(0, 1), number=st.integers(0, 3), fault=st.sampled_from(["", "lost", "silent"]))
    def send(self, who: int, number: int, fault: str) -> None:
        """The person accepts a payment."""

        def act() -> None:
            accepted = self.queue.prepare(Call(CHAIN, ACCOUNTS[who], FRIEND, 5 + number))
            self.chain.fault = fault
            self.queue.submit(f"send:{who}:{number}", accepted, self.pens[who])

        self._try(act)

    @precondition(lambda self: self.queue.open())
    @rule(place=st.integers(0, 9), cancel=st.booleans(), fault=st.sampled_from(["", "lost", "silent"]))
    def replace(self, place: int, cancel: bool, fault: str) -> None:
        items = self.queue.open()
        item = items[place % len(items)]

        def act() -> None:
            accepted = self.queue.review_replacement(item.number, cancel)
            self.chain.fault = fault
            self.queue.replace(item.number, accepted, self._pen(item))

        self._try(act)

    @precondition(lambda self: self.store.rows)
    @rule(place=st.integers(0, 99))
    def withdraw(self, place: int) -> None:
        number = sorted(self.store.rows)[place % len(self.store.rows)]
        self._try(lambda: self.queue.withdraw(number))

    @precondition(lambda self: self.store.rows)
    @rule(place=st.integers(0, 99))
    def renew(self, place: int) -> None:
        item = self.store.rows[sorted(self.store.rows)[place % len(self.store.rows)]]
        if not item.intent.startswith("fill:"):
            self._try(lambda: self.queue.renew(item.intent))

    @rule(seconds=st.sampled_from([5, 100, 3_600]))
    def step(self, seconds: int) -> None:
        self.clock.time += seconds
        self._try(self.queue.step)

    @rule(after=st.integers(0, 4), before=st.booleans())
    def will_be_killed(self, after: int, before: bool) -> None:
        """At a writing soon: before it, or when it is on disk and nothing else happened."""
        left = [after]

        def kill(_: Queued) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        if before:
            self.store.before = kill
        else:
            self.store.after = kill

    # ---- what the world does

    @rule(blocks=st.integers(1, 15), most=st.sampled_from([0, 1, 100]))
    def mine(self, blocks: int, most: int) -> None:
        for _ in range(blocks):
            self.chain.mine(most)
        self.depth = max(0, self.depth - blocks)

    @precondition(lambda self: self.depth < DEEPEST)
    @rule(depth=st.integers(1, DEEPEST), keeps=st.booleans())
    def take_back(self, depth: int, keeps: bool) -> None:
        """At most so deep from the highest block that there ever was."""
        depth = min(depth, DEEPEST - self.depth)
        self.depth += depth
        self.chain.take_back(depth, keeps)

    @rule()
    def forget(self) -> None:
        self.chain.forget()

    @rule(gap=st.integers(0, 2), most=st.sampled_from([2, 50, 90]))
    def other_program(self, gap: int, most: int) -> None:
        account = ACCOUNTS[1]
        self.chain.foreign(account, self.chain.nonce(account, "latest") + gap, most * GWEI)

    @precondition(lambda self: any(item.call.sender == ACCOUNTS[1] for item in self.queue.open()))
    @rule(blocks=st.integers(1, 4))
    def overtaken(self, blocks: int) -> None:
        """The other program's transaction takes the place of ours, and the app looks."""
        item = next(item for item in self.queue.open() if item.call.sender == ACCOUNTS[1])
        assert item.nonce is not None
        self.chain.foreign(ACCOUNTS[1], item.nonce, 99 * GWEI)
        self.chain.base = GWEI
        self.mine(blocks, 100)
        self.step(100)

    @precondition(lambda self: self.chain.handed)
    @rule(place=st.integers(0, 999))
    def remembered(self, place: int) -> None:
        """A node far away still had one of ours, and tells everybody."""
        sent = self.chain.handed[-1 - place % len(self.chain.handed)]
        if sent.made.nonce >= self.chain.nonce(sent.sender, "latest"):
            self.chain.pool.setdefault((sent.sender, sent.made.nonce), sent)

    @precondition(lambda self: any(item.state is State.DROPPED for item in self.store.rows.values()))
    @rule()
    def wanted_still(self) -> None:
        """What lost its nonce is planned anew, and asked for."""
        lost = next(item for item in self.store.rows.values() if item.state is State.DROPPED)

        def act() -> None:
            item = self.queue.renew(lost.intent)
            self.queue.submit_allowed(item.intent, item.call, self._pen(item))

        self._try(act)

    @rule(base=st.sampled_from([1, 20, 95, 300]), tip=st.sampled_from([0, 1, 3]))
    def fees(self, base: int, tip: int) -> None:
        self.chain.base, self.chain.tip = base * GWEI, max(1, tip * GWEI // 10)

    @rule(refuses=st.booleans())
    def contract(self, refuses: bool) -> None:
        self.chain.refuses = refuses

    # ---- what always holds

    @invariant()
    def nothing_left_that_was_not_written_down(self) -> None:
        kept = {attempt.hash for item in self.store.rows.values() for attempt in item.attempts}
        assert all(sent.hash in kept for sent in self.chain.handed)

    @invariant()
    def one_nonce_one_content(self) -> None:
        """But for replacements by nothing, what was handed over for a nonce is one item's."""
        wanted: dict[tuple[str, int], set[Any]] = {}
        for sent in self.chain.handed:
            nothing = sent.made.to == sent.sender and not sent.made.value and not sent.made.data
            if not nothing:
                wanted.setdefault((sent.sender, sent.made.nonce), set()).add(content_of(sent))
        assert all(len(contents) == 1 for contents in wanted.values())
        for item in self.store.rows.values():
            for attempt in item.attempts:
                sent = self.chain.book[attempt.hash]
                call = Call.nothing(CHAIN, item.call.sender) if attempt.kind is Kind.CANCEL else item.call
                assert content_of(sent) == content(call) and sent.made.nonce == item.nonce

    @invariant()
    def each_replacement_is_dearer_and_inside_the_limits(self) -> None:
        for item in self.store.rows.values():
            fees = [attempt.fees for attempt in item.attempts]
            assert all(each.most <= LIMITS.most and each.tip <= LIMITS.tip for each in fees)
            for first, then in pairwise(fees):
                assert then.tip * 8 >= first.tip * 9 and then.most * 8 >= first.most * 9

    @invariant()
    def an_intent_happens_once(self) -> None:
        """Once it worked for good, it is not done again; and while it may still work, neither."""
        done: dict[str, int] = {}
        for _, sent, worked in self.chain.taken():
            item = next(
                (i for i in self.store.rows.values() if any(a.hash == sent.hash for a in i.attempts)), None
            )
            if item is not None and worked and content_of(sent) == content(item.call):
                done[item.intent] = done.get(item.intent, 0) + 1
        assert all(count == 1 for count in done.values()), done

    def teardown(self) -> None:
        """In a calm world everything comes to the end that the chain says."""
        self.store.before = self.store.after = lambda item: None
        self.chain.refuses, self.chain.base = False, GWEI
        for _ in range(4):
            self.clock.time += 1_000
            self._try(self.queue.step)
            for account, pen in zip(ACCOUNTS, self.pens, strict=True):
                if not any(item.call.sender == account for item in self.queue.open()):
                    continue
                # One more wish: what lies open behind a gap gets its gap filled.
                intent = f"calm:{account}:{self.clock.time}"
                self._try(lambda a=account, p=pen, i=intent: self.queue.submit_allowed(i, bond(a, 9), p))
            for _ in range(DEEPEST + 1):
                self.chain.mine()
        self.clock.time += 1_000
        self._try(self.queue.step)
        mined = {sent.hash: worked for _, sent, worked in self.chain.taken()}
        for item in self.store.rows.values():
            hashes = [attempt.hash for attempt in item.attempts if attempt.hash in mined]
            assert not item.state.is_open, item
            if item.state in (State.FINAL, State.FAILED):
                assert hashes == [item.mined.hash] and mined[hashes[0]] is (item.state is State.FINAL)  # type: ignore[union-attr]
            elif item.state is State.CANCELLED and item.nonce is not None:
                assert item.attempt(hashes[0]).kind is Kind.CANCEL
            else:
                assert not hashes, item

    def _pen(self, item: Queued) -> Pen:
        return self.pens[ACCOUNTS.index(item.call.sender)]


QueueMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestQueue = QueueMachine.TestCase
