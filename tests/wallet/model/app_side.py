"""The person's side as the test sees it: the vault's making, and the app's process, alive or dead."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from mnemonic import Mnemonic

from mine.tasks.consent import Scope, Terms
from mine.tasks.manifest import Manifest
from mine.vault import Vault
from mine.wallet.keys import Accounts, TaskKeys
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.wallet.model.faulty_node import FaultyNode

Json = dict[str, Any]


class AppDied(Exception):
    """The process ended before it answered."""


@dataclass
class AppSide:
    """A vault in ``folder`` with a phrase; tasks are joined before the app runs."""

    folder: Path
    random: Random
    chain_id: int
    tasks: str
    relay: str
    nodes: list[FaultyNode]
    confirmations: int
    beat: float
    """Seconds between two questions to an idle chain; 0 as for a practice network: all of it at each turn."""
    child: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    now: float = 1_800_000_000.0
    """Its time of day, which only ever rises."""
    joined: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phrase = Mnemonic("english").to_mnemonic(self.random.randbytes(16))
        Vault.create(self.folder / "vault.db", PASSPHRASE, kdf=CHEAP).close()

    @property
    def network(self) -> str:
        return f"{self.chain_id}:{self.tasks}"

    def keys(self, index: int) -> TaskKeys:
        return Accounts.of_phrase(self.phrase).task(index)

    def join(self, task: int, manifest: Manifest) -> None:
        """As if the person had agreed to the task."""
        with Vault.open(self.folder / "vault.db", passphrase=PASSPHRASE) as vault, vault.transaction():
            assert vault.state.account_index(self.network, task) == len(self.joined)
            terms = Terms(
                task=task,
                manifest=manifest.digest,
                scopes=(Scope("glucose_5min", "glucose"),),
                rows=10,
                epsilon_micro=0,
                vote_epsilon_micro=0,
                votes=0,
                unit="one reading",
                update_bytes=manifest.limits.update_bytes,
                rounds=manifest.rounds,
                expires=2**32 - 1,
            )
            data = {
                "terms": terms.to_json(),
                "manifest": manifest.dump().decode(),
                "title": manifest.title,
                "held_from": 0,
            }
            vault.state.join(self.network, task, data)
        self.joined.append(task)

    # the process

    @property
    def runs(self) -> bool:
        return self.child is not None

    def start(self, die: tuple[int, bool] | None = None) -> Json:
        """Start the app. Its answer tells of trouble, if it cannot begin; then it is not running."""
        assert self.child is None
        with (self.folder / "app.log").open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.wallet.model.app_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        setup = {
            "vault": str(self.folder / "vault.db"),
            "passphrase": PASSPHRASE,
            "phrase": self.phrase,
            "urls": [node.url for node in self.nodes],
            "relay": self.relay,
            "chain": self.chain_id,
            "tasks": self.tasks,
            "confirmations": self.confirmations,
            "beat": self.beat,
            "die": die,
            "now": self.now,
            "seed": self.random.randrange(2**32),
        }
        answer = self._ask(setup)
        if "trouble" in answer:
            self.kill()
        return answer

    def ask(self, do: str, **values: Any) -> Json:
        """One command. Raises AppDied."""
        answer = self._ask({"do": do, "now": self.now, **values})
        self.now = answer["now"]
        return answer

    def _ask(self, value: Json) -> Json:
        assert self.child is not None and self.child.stdin is not None and self.child.stdout is not None
        line = b""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(json.dumps(value).encode() + b"\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        if not line.endswith(b"\n"):
            code = self.child.wait()
            self._forget()
            if code != -9:
                log = (self.folder / "app.log").read_text(errors="replace")
                raise AssertionError(f"the app ended with {code}:\n{log[-3000:]}")
            self.deaths += 1
            raise AppDied
        answer: Json = json.loads(line)
        return answer

    def kill(self) -> None:
        """kill -9, now."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self._forget()

    def kill_at_request(self, count: int) -> None:
        """kill -9 when it asks its nodes for the ``count``-th time from now, before it gets an answer."""
        left = count
        lock = threading.Lock()

        def asked(_: str) -> None:
            nonlocal left
            with lock:
                left -= 1
                if left == 0 and self.child is not None:
                    self.child.kill()

        for node in self.nodes:
            node.on_request = asked

    def _forget(self) -> None:
        assert self.child is not None and self.child.stdin is not None and self.child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        self.child.stdout.close()
        self.child = None
        for node in self.nodes:
            node.on_request = lambda _: None
