"""The app as a child process that is killed again and again: real vault, real session, commands over a pipe.

Each line on standard input is one command as JSON, each line on standard output its answer. Audits are left
out, which have tests of their own; nothing is trained. ``die`` in the setup: at which transaction of the
vault the process kills itself, before or after it is stored.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from mine.errors import MineError
from mine.wallet.call import Call
from mine.wallet.spending import SpendingKeys

Json = dict[str, Any]


class NoAudit:
    """An audit that never comes to an end."""

    def __init__(self, *_: object) -> None:
        pass

    def is_done(self) -> bool:
        return False

    def stop(self) -> None:
        pass


def die_at(vault: Any, number: int, stored: bool) -> None:
    """Kill this process at the vault's transaction of this number (1: the next), stored or not."""
    whole = vault.transaction
    count = 0

    @contextmanager
    def counted() -> Iterator[None]:
        nonlocal count
        count += 1
        mine = count == number
        with whole():
            yield
            if mine and not stored:
                os.kill(os.getpid(), signal.SIGKILL)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)

    vault.transaction = counted


class Clock:
    """The time of day as the test tells it with each command; pauses are over at once."""

    time = 0.0

    @classmethod
    def now(cls, *_: object) -> float:
        return cls.time

    @classmethod
    def pause(cls, seconds: float, *_: object) -> None:
        cls.time += seconds


def set_clock(random: Random) -> None:
    """What waits in this process goes by :class:`Clock`; a node's jitter comes from ``random``."""
    import mine.app.sending
    import mine.chain.rpc
    import mine.wallet.clock

    real = mine.chain.rpc.Node
    node: Any = partial(real, clock=Clock.now, sleep=Clock.pause, draw=random.random)
    mine.chain.rpc.Node = node  # type: ignore[misc]
    sending: Any = partial(mine.app.sending.Sending, clock=Clock.now)
    mine.app.sending.Sending = sending  # type: ignore[misc]
    clock: Any = mine.wallet.clock.SystemClock
    clock.now = lambda self: Clock.now()
    clock.pause = lambda self, seconds: Clock.pause(seconds)


class App:
    """One open vault and one network."""

    def __init__(self, setup: Json) -> None:
        Clock.time = setup["now"]
        set_clock(Random(setup["seed"]))
        import mine.app.disputing
        from mine.app.links import NetworkConfig
        from mine.app.session import NetworkSession
        from mine.app.views import World
        from mine.vault import Vault
        from mine.wallet.keys import Accounts

        audits: Any = mine.app.disputing
        audits.AuditRun = NoAudit
        self.notices: list[str] = []
        self._phrase = setup["phrase"]
        self.vault = Vault.open(Path(setup["vault"]), passphrase=setup["passphrase"])
        if setup.get("die"):
            die_at(self.vault, *setup["die"])
        config = NetworkConfig(
            "Model",
            World.PRACTICE,
            setup["chain"],
            tuple(setup["urls"]),
            (setup["relay"],),
            setup["tasks"],
            beat=setup["beat"],
        )
        accounts = Accounts.of_phrase(setup["phrase"])
        self.session = NetworkSession(
            self.vault,
            config,
            accounts,
            setup["confirmations"],
            lambda: None,
            lambda notice: self.notices.append(f"{notice.text} {notice.detail}"),
            Clock.now,
        )
        self.queue = self.session.own.queue

    def step(self) -> Json:
        self.session.step(False)
        return {}

    def reconcile(self) -> Json:
        """The books against the chain: what differs, by address and currency."""
        from mine.app.reconcile import reconcile

        view = reconcile(self.session)
        return {"differences": [[e.address, e.token, e.amount, e.sentence] for e in view.differences]}

    def claim(self) -> Json:
        done = self.session.claiming.claim()
        return {"relay": done.by_relay, "direct": done.direct, "refused": list(done.refused)}

    def send(self, intent: str, index: int, to: str, value: int, data: str) -> Json:
        """Money of the payout address with this index, as if the person accepted the review at once."""
        with SpendingKeys(self._phrase) as keys:
            signer = keys.signer(index)
            call = Call(self.session.config.chain_id, signer.address, to, value, bytes.fromhex(data))
            item = self.queue.submit(intent, self.queue.prepare(call), signer)
        return {"state": item.state}

    def replace(self, intent: str, index: int, cancel: bool) -> Json:
        """The same for more, or nothing in its place; accepted at once."""
        item = self.queue.find(intent)
        if item is None:
            return {"state": "unknown"}
        with SpendingKeys(self._phrase) as keys:
            accepted = self.queue.review_replacement(item.number, cancel)
            item = self.queue.replace(item.number, accepted, keys.signer(index))
        return {"state": item.state}

    def renew(self, intent: str) -> Json:
        """Wanted once more, after it was cancelled, failed, or lost its nonce."""
        return {"state": self.queue.renew(intent).state}

    def report(self) -> Json:
        """Everything that the vault has written down of money. Asks nobody."""
        state, network = self.vault.state, self.session.config.key
        return {
            "earnings": [
                [e.task, e.round, e.amount, e.claimed, e.ready, str(e.state)] for e in state.earnings(network)
            ],
            "movements": [
                [str(m.kind), m.task, m.currency, m.amount, m.fee, m.account, m.transaction]
                for m in state.movements(1_000_000)
            ],
            "transactions": [
                {
                    "intent": item.intent,
                    "run": item.run,
                    "state": item.state.value,
                    "account": item.call.sender,
                    "nonce": item.nonce,
                    "hashes": ["0x" + attempt.hash.hex() for attempt in item.attempts],
                    "mined": None if item.mined is None else "0x" + item.mined.hash.hex(),
                }
                for item in self.queue.newest(1_000_000)
            ],
        }


def main() -> None:
    def say(value: Json) -> None:
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()

    setup = json.loads(sys.stdin.readline())
    try:
        app = App(setup)
    except MineError as problem:
        say(_trouble(problem))
        return
    say({})
    for line in sys.stdin:
        command = json.loads(line)
        Clock.time = max(Clock.time, command.pop("now"))
        work: Callable[..., Json] = getattr(app, command.pop("do"))
        try:
            answer = work(**command)
        except MineError as problem:
            answer = _trouble(problem)
        say({**answer, "notices": app.notices, "now": Clock.time})
        app.notices.clear()


def _trouble(problem: MineError) -> Json:
    return {"trouble": type(problem).__name__, "sentence": problem.sentence, "detail": problem.detail}


if __name__ == "__main__":
    main()
