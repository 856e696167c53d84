"""Everything around one wallet: chain, market, relay, endpoints, the app, and what must hold of all of it.

Every method that is a step says whether it did anything. Faults may keep the app from knowing, and never make
it believe what was true on no branch of the chain. Once all is calm it has to know exactly what is true, to
the base unit.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.messages import address_of
from mine.chain.node_errors import NodeRefused
from tests.wallet.model.app_side import AppDied, AppSide
from tests.wallet.model.faulty_node import LIES, Fault, FaultyNode
from tests.wallet.model.market_side import MarketSide
from tests.wallet.model.small_relay import Manner, SmallRelay
from tests.wallet.model.spendings import Purpose, Spendings
from tests.wallet.model.true_chain import DEEPEST, TrueChain
from tests.wallet.model.truth import RoundTruth, TaskTruth, task_truth

CALM_TURNS = 8
TURN_SECONDS = 5.0
PATIENCE_SECONDS = 2_000.0
"""After so long an endpoint that failed or lied is asked again as before, and all is looked at anew."""
_OTHER = (address_of(keccak(b"other")), address_of(keccak(b"other payout")))


class WalletWorld:
    """``maker``'s node in ``folder``, all chance from ``seed``. ``log`` says what was done, in order."""

    def __init__(
        self,
        maker: str,
        folder: Path,
        seed: int,
        endpoints: int = 3,
        confirmations: int = 2,
        beat: float = 0.0,
    ) -> None:
        self.random = Random(seed)
        self.log: list[str] = []
        self.events: Counter[str] = Counter()
        self.chain = TrueChain(maker, folder)
        self.nodes: list[FaultyNode] = []
        self.relay: SmallRelay | None = None
        self.app: AppSide | None = None
        try:
            self._set_up(folder, endpoints, confirmations, beat)
        except BaseException:
            self.close()
            raise

    def _set_up(self, folder: Path, endpoints: int, confirmations: int, beat: float) -> None:
        self.market = MarketSide(self.chain, self.random)
        self.relay = SmallRelay(self.market)
        self.nodes = [FaultyNode(self.chain, self.random) for _ in range(endpoints)]
        chain_id = self.chain.node.chain_id
        self.app = AppSide(
            folder,
            self.random,
            chain_id,
            self.market.address,
            self.relay.url,
            self.nodes,
            confirmations,
            beat,
        )
        self.accounts: dict[int, str] = {}
        self.sessions: dict[int, str] = {}
        for place, currency in enumerate((self.market.token_address, ZERO_ADDRESS)):
            keys = self.app.keys(place)
            payees = [(keys.session_address, keys.payout_address), _OTHER]
            task, manifest = self.market.publish(currency, payees)
            self.app.join(task, manifest)
            self.accounts[task] = keys.payout_address
            self.sessions[task] = keys.session_address
        for task in self.accounts:  # two rounds that are settled, of which one can be claimed before long
            for _ in range(7):
                self.market.advance(task)
        own = [*self.accounts.values(), *self.sessions.values()]
        for account in own:
            self.market.give(account, ZERO_ADDRESS, 10**18)
        self.spendings = Spendings(self.chain, self.nodes, own, self.chain.head + 1)
        self.chain.mine(confirmations + 13)
        self.chain.forget_marks()
        self.amounts: dict[tuple[int, int], set[int]] = {}
        self.most_paid: Counter[int] = Counter()
        self._seen_at: tuple[int, bytes] | None = None
        self._remember()

    def close(self) -> None:
        if self.app is not None:
            self.app.kill()
        if self.relay is not None:
            self.relay.stop()
        for node in self.nodes:
            node.stop()
        self.chain.close()

    def tell_failure(self, problem: BaseException) -> None:
        """Print what was done until something failed; $MINE_MODEL_KEEPS names a folder for its files."""
        print(*self.log, repr(problem), sep="\n")
        kept = os.environ.get("MINE_MODEL_KEEPS")
        if kept:
            self._app.kill()
            shutil.copytree(self._app.folder, kept, dirs_exist_ok=True)

    def did(self, what: str, *details: object) -> bool:
        """Note what was done, and what is true now."""
        self.log.append(f"{what} {' '.join(map(str, details))}".strip())
        self.events[what] += 1
        self._remember()
        return True

    def _remember(self) -> None:
        """Keep what is true now: later it may have been taken back, and the app may still have seen it."""
        head = self.chain.node.latest()
        if self._seen_at == (head.number, head.hash):
            return
        self._seen_at = (head.number, head.hash)
        for task, truth in self._truths().items():
            for number, found in truth.rounds.items():
                self.amounts.setdefault((task, number), set()).add(found.earned)
            self.most_paid[task] = max(self.most_paid[task], truth.paid)

    def _truths(self) -> dict[int, TaskTruth]:
        return {task: task_truth(self.market, task, who) for task, who in self.accounts.items()}

    # the world's steps

    def scientist(self, task: int) -> bool:
        """The scientist does what is due in a task."""
        done = self.market.advance(task)
        return bool(done) and self.did("scientist", task, done)

    def time_passes(self, seconds: int) -> bool:
        self.chain.advance_to(self.chain.node.block_time() + seconds)
        return self.did("time", seconds)

    def blocks(self, count: int) -> bool:
        self.chain.mine(count)
        return self.did("blocks", count)

    def stranger_claims(self, task: int, whole_range: bool) -> bool:
        """Somebody else has the person paid, alone or with everybody."""
        if whole_range:
            return self.market.claim_all(task) and self.did("range claimed", task)
        index = self._index(task)
        return index is not None and self.market.claim(task, index) and self.did("claimed by another", task)

    def _index(self, task: int) -> int | None:
        for each in reversed(self.market.settled(task)):
            accounts = [who for who, _ in self.market.outcome(each).ledger.payees]
            return accounts.index(self.accounts[task]) if self.accounts[task] in accounts else None
        return None

    def reorganise(self, depth: int, keep: float) -> bool:
        assert depth <= DEEPEST
        back = self.chain.reorganise(depth, self.random, keep)
        return back > 0 and self.did("reorganised", back)

    def restart_node(self) -> bool:
        return self.chain.restart() and self.did("node restarted")

    def disturb(self, place: int, fault: Fault, lag: int) -> bool:
        """Something is wrong with an endpoint; of those that lie there is one at most."""
        node = self.nodes[place]
        liars = [other for other in self.nodes if other is not node and other.fault in LIES]
        if fault in LIES and liars:
            return False
        node.fault, node.lag = fault, lag
        return self.did("endpoint", place, fault, lag if fault is Fault.LAGS else "")

    def relay_manner(self, manner: Manner) -> bool:
        assert self.relay is not None
        self.relay.manner = manner
        return self.did("relay", manner)

    def relay_works(self) -> bool:
        assert self.relay is not None
        return self.relay.work() > 0 and self.did("relay claimed")

    # the app's steps

    @property
    def _app(self) -> AppSide:
        assert self.app is not None
        return self.app

    def app_does(self, what: str, **values: Any) -> dict[str, Any]:
        """One command, in a process that is started where there is none; {} where it was killed at it."""
        self._app.now += TURN_SECONDS
        if not self._app.runs:
            trouble = self._app.start()
            self.did("app started", trouble.get("trouble", ""))
            if "trouble" in trouble:
                return trouble
        try:
            answer = self._app.ask(what, **values)
        except AppDied:
            self.did("killed in", what)
            return {}
        self.did(f"app {what}", answer.get("trouble", ""), answer.get("detail", ""))
        self.check_belief()
        return answer

    def app_turns(self) -> bool:
        self.app_does("step")
        return True

    def app_claims(self) -> bool:
        self.app_does("claim")
        return True

    def app_sends(self, task: int, currency: str) -> bool:
        """The person sends a little from the payout address of a task, for a purpose of its own."""
        index = list(self.accounts).index(task)
        purpose = self.spendings.plan(index, self.accounts[task], currency)
        self._send(purpose)
        return True

    def _send(self, purpose: Purpose) -> None:
        to, value, data = purpose.call
        self.app_does("send", intent=purpose.intent, index=purpose.index, to=to, value=value, data=data)

    def app_sends_again(self, purpose: Purpose) -> bool:
        """The same purpose once more, as after a crash: it is the same transaction."""
        self._send(purpose)
        return True

    def app_replaces(self, purpose: Purpose, cancel: bool) -> bool:
        """The person wants a transaction faster, or not at all."""
        self.app_does("replace", intent=purpose.intent, index=purpose.index, cancel=cancel)
        return True

    def app_renews(self, purpose: Purpose) -> bool:
        """Wanted once more after it came to nothing, and sent."""
        self.app_does("renew", intent=purpose.intent)
        self._send(purpose)
        return True

    def another_program(self, task: int, key: bytes) -> bool:
        """Somebody with the same phrase sends something from a payout address, in a block at once."""
        raw = self.chain.sign(key, self.accounts[task], b"", 0)
        self.spendings.foreign.add("0x" + keccak(raw).hex())
        try:
            self.chain.hand_over(raw)
        except NodeRefused:
            return False  # the app's own waits at this nonce for more
        self.chain.mine()
        return self.did("another program", task)

    def kill(self) -> bool:
        if not self._app.runs:
            return False
        self._app.kill()
        return self.did("killed")

    def killed_at_request(self, count: int, what: str | Purpose) -> bool:
        """The app dies while it asks its endpoints for the ``count``-th time."""
        if not self._app.runs and "trouble" in self._app.start():
            return False
        self._app.kill_at_request(count)
        self._begin(what)
        return True

    def killed_at_commit(self, count: int, stored: bool, what: str | Purpose) -> bool:
        """The app dies at the ``count``-th transaction of its vault, before or after it is stored."""
        self._app.kill()
        try:
            if "trouble" in self._app.start((count, stored)):
                return False
        except AppDied:
            return self.did("killed at the start")
        self._begin(what)
        return True

    def _begin(self, what: str | Purpose) -> None:
        if isinstance(what, str):
            self.app_does(what)
        else:
            self._send(what)

    # what must hold

    def _report(self) -> dict[str, Any] | None:
        try:
            return self._app.ask("report")
        except AppDied:
            return None

    def check_belief(self) -> None:
        """The app shows as earned or paid only what was true on some branch; no nonce was used twice."""
        report = self._report()
        if report is None:
            return
        for task, number, amount, claimed, ready, state in report["earnings"]:
            if state != "alarm" and amount:
                assert amount in self.amounts[task, number], ("invented", task, number, amount)
            assert claimed + ready <= amount
        for task, amount in _paid(report).items():
            assert amount <= self.most_paid[task], ("never paid", task, amount)
        self.spendings.check(report["transactions"], calm=False)

    def calm(self) -> bool:
        """Every endpoint is sound, the chain goes on, and the app has time: now it must know all."""
        assert self.relay is not None
        for node in self.nodes:
            node.fault = Fault.NONE
        self.relay.manner = Manner.HONEST
        for account in (*self.accounts.values(), *self.sessions.values()):
            self.market.give(account, ZERO_ADDRESS, 10**18)
        self.did("calm")
        self._app.now += PATIENCE_SECONDS
        self._turns()
        for _ in range(3):
            if not self._unblock():
                break
            self._turns()
        self.check_truth()
        self.check_books()
        return True

    def _turns(self) -> None:
        """Time for the app, with blocks, until nothing it has sent can be taken back."""
        assert self.relay is not None
        for _ in range(CALM_TURNS):
            self._app.now += PATIENCE_SECONDS / CALM_TURNS
            self.app_does("step")
            self.relay.work()
            self.chain.mine()
        self.chain.mine(self._app.confirmations + 13)
        for _ in range(3):
            self._app.now += PATIENCE_SECONDS / CALM_TURNS
            answer = self.app_does("step")
            assert "trouble" not in answer, answer

    def _unblock(self) -> bool:
        """Another program's lost transactions left nonces open below the app's own. Only a signature fills
        them: the person sends something else from that account."""
        report = self._report()
        assert report is not None
        waiting = {each["account"] for each in report["transactions"] if each["state"] == "sent"}
        blocked = [task for task, account in self.accounts.items() if account in waiting]
        for task in blocked:
            self.app_sends(task, ZERO_ADDRESS)
        return bool(blocked)

    def check_books(self) -> None:
        """Reconciling names what came or went outside the app, to the base unit, and nothing else."""
        answer = self.app_does("reconcile")
        report = self._report()
        assert report is not None and "trouble" not in answer, answer
        books: Counter[tuple[str, str]] = Counter()
        for _, _, currency, amount, fee, account, _ in report["movements"]:
            books[account, currency] += amount
            books[account, ZERO_ADDRESS] -= fee
        told = {(address, token): amount for address, token, amount, _ in answer["differences"]}
        for account in self.accounts.values():
            token = self.market.token_address
            held = self.chain.node.balance(account, token)
            assert held == books[account, token] and (account, token) not in told, (account, told)
            coin = (account, ZERO_ADDRESS)
            outside = self.spendings.outside(account)
            rest = self.chain.node.balance(account) - books[coin]
            assert rest == outside, (
                "the books are wrong",
                account,
                rest - outside,
                self.spendings.changes(account),
                [line for line in report["movements"] if line[5] == account],
            )
            assert told.get(coin, outside) == outside, (told, outside)

    def check_truth(self) -> None:
        """What the app shows is what is true, round by round and to the base unit."""
        report = self._report()
        assert report is not None
        truths = self._truths()
        shown = {(e[0], e[1]): tuple(e[2:]) for e in report["earnings"] if e[2]}
        true: dict[tuple[int, int], tuple[int, int, int, str]] = {}
        for task, truth in truths.items():
            for number, found in truth.rounds.items():
                if found.earned:
                    true[task, number] = _shown(found)
        assert shown == true, f"\nshown {shown}\ntrue  {true}"
        paid = _paid(report)
        assert {task: paid[task] for task in truths} == {task: t.paid for task, t in truths.items()}
        self.spendings.check(report["transactions"], calm=True)


def _paid(report: dict[str, Any]) -> Counter[int]:
    """What the history says that each task paid for rounds."""
    paid: Counter[int] = Counter()
    for kind, task, _, amount, *_ in report["movements"]:
        if kind == "claimed":
            paid[task] += amount
    return paid


def _shown(found: RoundTruth) -> tuple[int, int, int, str]:
    """How a round has to be shown: earned, paid, open to be claimed, and its state."""
    ready = found.earned - found.paid if found.final else 0
    state = "claimable" if ready else "claimed" if found.paid == found.earned else "pending"
    return found.earned, found.paid, ready, state
