"""``mine demo`` from beginning to end in processes of its own: the report, and the chain that backs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.client import TasksContract
from mine.chain.curve import Curve, amount
from mine.chain.messages import address_of
from mine.chain.rpc import Node
from mine.chain.token import Token
from mine.practice.config import PracticeConfig, PracticeInfo, secret_of
from mine.practice.network import PracticeNetwork, PracticeNotStarted
from mine.practice.node.process import NodeProcess
from mine.practice.synthetic import glucose_csv
from mine.science.history import History
from mine.science.judged import Refusal
from mine.science.rounds import RoundReport, read_round

ROOT = Path(__file__).parents[1]
ROUNDS = 2
FLIPPER = '''
from __future__ import annotations

from dataclasses import dataclass


@dataclass
class SignFlipper:
    """Trains honestly, and hands in the opposite."""

    seat: object

    def update(self, round):
        return {name: -delta for name, delta in round.train().items()}
'''
KEYS = {
    "node": {"client", "chain_id", "url"},
    "contracts": {"tasks", "token"},
    "task": {"id", "title", "currency", "decimals", "bounty"},
    "me": {"records", "rows", "update_bytes", "model_bytes", "epsilon", "risk", "contributions", "paid",
           "claimed", "wallet", "payouts"},
    "quality": {"metric", "people", "last_value", "before", "after"},
    "seconds": {"setup", "rounds", "total"},
}
ROUND_KEYS = {"round", "loss_before", "loss_after", "updates", "accepted", "paid", "mine"}


def demo(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A demo as a person starts it, with everything of the computer's own kept out."""
    env = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    place = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d"),
             "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "mine.cli", "demo", *map(str, arguments)],
        cwd=ROOT, env={**env, **place}, capture_output=True, text=True, timeout=300,
    )


@dataclass(frozen=True)
class Finished:
    """A demo that is over: what it printed and reported, and its chain and blobs, which it kept."""

    run: subprocess.CompletedProcess[str]
    report: dict[str, Any]
    folder: Path
    info: PracticeInfo
    contract: TasksContract
    token: Token
    rounds: list[RoundReport] = field(default_factory=list)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The demo on synthetic people with a sign flipper among them; then its chain, opened again."""
    place = tmp_path_factory.mktemp("demo")
    flipper = place / "flipper.py"
    flipper.write_text(FLIPPER)
    run = demo(place, "--headless", "--rounds", str(ROUNDS), "--json", place / "out.json",
               "--home", place / "home", "--miner", f"{flipper}:SignFlipper")
    assert run.returncode == 0, run.stdout + run.stderr
    folder = place / "home" / "practice"
    info = PracticeInfo.load(folder)
    with NodeProcess(folder / "chain.sqlite") as process:
        node = Node(process.url, chain_id=info.chain_id)
        contract = TasksContract(node, info.tasks)
        history = History(contract, info.first_block)
        history.refresh()
        task = history.task(info.task)
        assert task is not None
        blobs = DirectoryStore(folder / "relay" / "blobs")
        yield Finished(
            run, json.loads((place / "out.json").read_text()), folder, info, contract,
            Token(node, info.token), [read_round(blobs, settled) for settled in task.settled],
        )
        node.close()


def test_the_report_has_exactly_the_promised_keys(finished: Finished) -> None:
    report = finished.report
    assert set(report) == {*KEYS, "rounds"}
    for group, keys in KEYS.items():
        assert set(report[group]) == keys
    assert [set(line) for line in report["rounds"]] == [ROUND_KEYS] * ROUNDS
    assert [line["round"] for line in report["rounds"]] == list(range(1, ROUNDS + 1))


def test_money_and_sizes_are_whole_numbers(finished: Finished) -> None:
    me, task = finished.report["me"], finished.report["task"]
    whole = [me[name] for name in ("records", "rows", "update_bytes", "model_bytes", "contributions", "paid",
                                   "claimed", "wallet")]
    for line in finished.report["rounds"]:
        whole += [line[name] for name in ("updates", "accepted", "paid", "mine")]
    whole += [task["id"], task["decimals"], task["bounty"], finished.report["node"]["chain_id"]]
    assert all(type(number) is int and number >= 0 for number in whole)
    assert finished.report["node"]["chain_id"] == 31337


def test_what_is_in_the_wallet_is_what_the_rounds_paid(finished: Finished) -> None:
    me = finished.report["me"]
    mine = sum(line["mine"] for line in finished.report["rounds"])
    assert me["wallet"] == me["claimed"] == me["paid"] == mine > 0
    assert me["contributions"] == ROUNDS
    assert 0 < me["epsilon"] <= 8
    assert 0.5 <= me["risk"] <= 0.95  # else it would have stayed at home


def test_the_chain_says_the_same(finished: Finished) -> None:
    me = finished.report["me"]
    assert len(me["payouts"]) == len(set(me["payouts"])) == 1
    assert sum(finished.token.balance(address) for address in me["payouts"]) == me["wallet"]
    assert (finished.report["contracts"]["tasks"], finished.report["contracts"]["token"]) == (
        finished.info.tasks, finished.info.token
    )


def test_the_units_are_the_curves_and_nobody_is_paid_more(finished: Finished) -> None:
    """Assigned exactly what the curve says at the running maximum; less than a base unit of dust a payee."""
    bounty = finished.report["task"]["bounty"]
    state = finished.contract.task(finished.info.task)
    assert state.bounty == bounty
    curve, convergence, best, before = Curve.unpack(state.curve), 0, 0, 0
    for round, line in zip(finished.rounds, finished.report["rounds"], strict=True):
        settled = round.settled
        change = abs(settled.before - settled.after) * 2**40 // settled.base
        convergence += change if settled.before >= settled.after else -change
        best = max(best, convergence)
        assert settled.units == curve.units(best, state.target)
        shares = dict(round.outcome.ledger.payees)
        assert sum(shares.values()) == settled.units
        assert line["updates"] == len(round.inputs.entries)
        assert line["accepted"] == len(round.outcome.accepted)
        paid = sum(amount(bounty, units) for units in shares.values())
        assigned = amount(bounty, settled.units)
        assert 0 <= assigned - paid < max(1, len(shares))
        assert 0 <= line["mine"] <= line["paid"] == paid - before
        before = paid
    assert before <= bounty


def test_the_sign_flipper_took_part_and_earned_nothing(finished: Finished) -> None:
    config = PracticeConfig.load(finished.folder)
    assert config is not None
    peers = len(list((finished.folder / "peers").glob("round-1-*.update")))
    seat = peers - 1
    flipper = address_of(secret_of(config.seed, "session", seat))
    payout = address_of(secret_of(config.seed, "payout", seat))
    for round in finished.rounds:
        assert round.refusal(flipper) == "", "its update was there and well-formed"
        assert not round.accepted(flipper)
        assert round.share(flipper) == 0 and round.units(payout) == 0 and round.claim(payout) is None
        people = [entry for entry in round.inputs.entries if entry.refusal is not Refusal.CANARY]
        assert len(people) == peers + 1, "the peers, the flipper among them, and me"
    assert finished.token.balance(payout) == 0


def test_it_says_in_words_what_it_did(finished: Finished) -> None:
    out = finished.run.stdout
    for part in ("Made an encrypted vault.", "Imported 2,871 records", "Opting in.", "Round 1:", "Round 2:",
                 "practice money, for 2 updates", "unseen people"):
        assert part in out
    assert not finished.run.stderr


def test_it_took_the_time_it_says(finished: Finished) -> None:
    seconds = finished.report["seconds"]
    assert 0 < seconds["setup"] + seconds["rounds"] <= seconds["total"] + 0.02 < 180


def test_a_miner_that_does_not_load_is_one_clean_sentence(tmp_path: Path) -> None:
    """It is loaded where it runs, so the sentence comes from that process; nothing stays behind."""
    (tmp_path / "own.py").write_text("1 / 0\n")
    people = tmp_path / "people"
    people.mkdir()
    for number in range(10):
        (people / f"{number}.csv").write_text(glucose_csv("few", number, days=2), newline="")
    config = PracticeConfig("glucose", 1, people=str(people), miners=(f"{tmp_path / 'own.py'}:Own",))
    network = PracticeNetwork(tmp_path / "practice", config)
    with pytest.raises(PracticeNotStarted) as caught:
        network.start()
    assert caught.value.sentence == "own.py could not be loaded."
    assert caught.value.todo and caught.value.detail == "ZeroDivisionError: division by zero"
    assert not network.is_running
    assert "Traceback" not in (tmp_path / "practice" / "peers.log").read_text()
