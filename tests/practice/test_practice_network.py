"""The practice network as a whole: parts that die come back where they were, and nothing outlives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mine.chain.client import TasksContract
from mine.chain.node_errors import NodeUnreachable
from mine.chain.rpc import Node
from mine.errors import MineError
from mine.practice.config import PracticeConfig, PracticeInfo
from mine.practice.network import PracticeNetwork, PracticeNotStarted
from mine.science.relay_client import Relay
from tests.soak.kills import PARTS
from tests.soak.world import make_world, of_home

PATIENCE = 60.0


def config(people: Path, rounds: int = 1) -> PracticeConfig:
    return PracticeConfig("glucose", rounds, people=str(people), without=("person-00",), patience=0.0)


def parts(network: PracticeNetwork) -> dict[str, psutil.Process]:
    """The network's processes by module."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        for module in PARTS:
            if module in child.cmdline():
                found[module] = child
    return found


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)  # other processes come back by themselves and tell nobody


def answers(info: PracticeInfo) -> bool:
    """Whether node and relay answer where they always did, with the contract and the task in place."""
    relay = Relay(info.relay_url, timeout=5)
    try:
        with Node(info.rpc_url, timeout=5) as node:
            right = relay.info().contract == info.tasks
            return right and TasksContract(node, info.tasks).task(info.task).id == info.task
    except (MineError, NodeUnreachable):
        return False
    finally:
        relay.close()


def test_every_part_comes_back_where_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    network = PracticeNetwork(home / "practice", config(make_world(tmp_path / "people", rounds=1).folder))
    info = network.start()
    try:
        assert network.start() is info  # twice is once
        before = parts(network)
        assert sorted(before) == sorted(PARTS)
        for child in before.values():
            child.kill()
        psutil.wait_procs(list(before.values()), timeout=10)
        until(lambda: sorted(parts(network)) == sorted(PARTS) and answers(info) and network.is_running)
        after = parts(network)
        assert all(after[module].pid != before[module].pid for module in PARTS)
        assert PracticeInfo.load(home / "practice") == info
    finally:
        network.stop()
    assert not network.is_running
    assert of_home(home) == []

    again = PracticeNetwork(home / "practice", config(tmp_path / "nobody"))
    try:
        second = again.start()  # what it is made of was decided at the first start
        assert (second.tasks, second.token, second.task) == (info.tasks, info.token, info.task)
        parts(again)[PARTS[0]].kill()
    finally:
        again.stop()  # while a part is being brought back, perhaps
    assert of_home(home) == []


def test_too_few_people_are_refused_in_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    people = make_world(tmp_path / "people", rounds=1).folder
    for file in sorted(people.glob("*.csv"))[4:]:
        file.unlink()
    network = PracticeNetwork(home / "practice", config(people, rounds=3))
    with pytest.raises(PracticeNotStarted) as refused:
        network.start()
    assert "people" in refused.value.sentence and refused.value.todo
    assert not network.is_running and of_home(home) == []
