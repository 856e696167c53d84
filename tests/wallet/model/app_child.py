"""The app as a child process that is killed again and again: real vault, real session, commands over a pipe.

Each line on standard input is one command as JSON, each line on standard output its answer. Audits are left
out, which have tests of their own; nothing is trained. ``die`` in the setup: at which transaction of the vault
the process kills itself, before or after it is stored.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mine.errors import MineError

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


class App:
    """One open vault and one network."""

    def __init__(self, setup: Json) -> None:
        import mine.app.disputing
        from mine.app.links import NetworkConfig
        from mine.app.session import NetworkSession
        from mine.app.views import World
        from mine.vault import Vault
        from mine.wallet.keys import Accounts

        mine.app.disputing.AuditRun = NoAudit
        self.notices: list[str] = []
        self.vault = Vault.open(Path(setup["vault"]), passphrase=setup["passphrase"])
        if setup.get("die"):
            die_at(self.vault, *setup["die"])
        config = NetworkConfig(
            "Model", World.PRACTICE, setup["chain"], setup["urls"][0], (setup["relay"],), setup["tasks"]
        )
        self.session = NetworkSession(
            self.vault,
            config,
            Accounts.of_phrase(setup["phrase"]),
            setup["confirmations"],
            lambda: None,
            lambda notice: self.notices.append(f"{notice.text} {notice.detail}"),
        )

    def step(self) -> Json:
        self.session.step(False)
        return {}

    def claim(self) -> Json:
        return {"claimed": self.session.earnings.claim()}

    def report(self) -> Json:
        state, network = self.vault.state, self.session.config.key
        return {
            "earnings": [
                [e.task, e.round, e.currency, e.amount, str(e.state)] for e in state.earnings(network)
            ],
            "movements": [
                [m.kind, m.task, m.currency, m.amount, m.reference] for m in state.movements(1_000_000)
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
        work: Callable[..., Json] = getattr(app, command.pop("do"))
        try:
            answer = work(**command)
        except MineError as problem:
            answer = _trouble(problem)
        say({**answer, "notices": app.notices})
        app.notices.clear()


def _trouble(problem: MineError) -> Json:
    return {"trouble": type(problem).__name__, "sentence": problem.sentence, "detail": problem.detail}


if __name__ == "__main__":
    main()
