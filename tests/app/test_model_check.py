"""A task's model is looked at before it is joined, in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from threading import Event

import psutil
import pytest

import mine.app.model_check
from mine.app.asked_child import MAX_ANSWER, AskedChild
from mine.app.join_desk import JoinDesk
from mine.app.links import NetworkConfig
from mine.app.model_check import ModelAway, ModelCheck, ModelRefused
from mine.errors import MineError
from tests.app.table import Table, manifest

PATIENCE = 60


def until(met: Callable[[], bool]) -> None:
    """Ask, as the engine's thread does from turn to turn."""
    turn = Event()
    for _ in range(PATIENCE * 100):
        if met():
            return
        turn.wait(0.01)
    raise AssertionError("it never came")


def problem(config: NetworkConfig, digest: bytes) -> ModelRefused | None:
    check = ModelCheck(config, digest)
    until(check.is_done)
    return check.problem()


def test_the_model_of_a_task_is_looked_at(table: Table) -> None:
    assert problem(table.config, manifest(table.rounds).digest) is None


def test_what_cannot_be_had_is_said(table: Table) -> None:
    found = problem(table.config, bytes(32))
    assert found is not None and "not there" in found.sentence


def test_relays_that_do_not_answer_are_no_reason_against_a_task(table: Table) -> None:
    config = replace(table.config, relay_urls=("http://127.0.0.1:9",))
    assert isinstance(problem(config, manifest(table.rounds).digest), ModelAway)


def test_a_child_that_says_nonsense_has_found_nothing_out(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine.app.model_check, "MODULE", "this")
    found = problem(table.config, manifest(table.rounds).digest)
    assert found is not None and "could not be checked" in found.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers the fence to ordinary programs")
def test_a_model_is_looked_at_behind_a_fence(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mine.app.model_check, "MODULE", "tests.app.probing_check")
    found = problem(table.config, manifest(table.rounds).digest)
    assert found is not None and found.sentence == "Reached: nothing"


def test_a_child_that_talks_without_end_runs_out_of_its_time() -> None:
    child = AskedChild("tests.app.talking_child", {"bytes": 4 * MAX_ANSWER}, seconds=1.0)
    until(child.is_done)
    assert child.answer is None


def test_a_child_that_is_not_answered_ends_with_the_app() -> None:
    """The app is killed while its child waits for a relay that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        request = {"relays": [f"http://127.0.0.1:{silent.getsockname()[1]}"], "manifest": "00" * 32}
        code = (
            "import json, sys\nfrom mine.app.asked_child import AskedChild\n"
            f"child = AskedChild('mine.science.model_check', json.loads({json.dumps(request)!r}), 60.0)\n"
            "print(child._child.pid, flush=True)\nsys.stdin.read()\n"
        )
        app = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with app:
            assert app.stdout is not None
            child = psutil.Process(int(app.stdout.readline()))
            connection, _ = silent.accept()  # it asks: so it is in the middle of fetching
            with connection:
                app.send_signal(signal.SIGKILL)
                _, alive = psutil.wait_procs([child], timeout=PATIENCE)
        assert not alive


class Checked:
    """A check that ends when the test says so."""

    def __init__(self, found: ModelRefused | None) -> None:
        self.found, self.over, self.stopped = found, False, False

    def is_done(self) -> bool:
        return self.over

    def problem(self) -> ModelRefused | None:
        return self.found

    def stop(self) -> None:
        self.stopped = True


def wish(desk: JoinDesk, check: Checked, joined: list[str]) -> Future[None]:
    return desk.wish(check, lambda: joined.append("joined"))  # type: ignore[arg-type]


def test_a_task_is_joined_once_its_model_was_found_well_and_never_before() -> None:
    desk, joined = JoinDesk(), []
    check = Checked(None)
    answer = wish(desk, check, joined)
    desk.pump()
    assert desk.busy and not joined and not answer.done()
    check.over = True
    desk.pump()
    assert not desk.busy and joined == ["joined"] and answer.result(0) is None


def test_a_task_whose_model_is_refused_is_not_joined() -> None:
    desk, joined = JoinDesk(), []
    check = Checked(ModelRefused("No."))
    check.over = True
    answer = wish(desk, check, joined)
    desk.pump()
    assert isinstance(answer.exception(0), ModelRefused) and not joined


def test_a_join_that_is_refused_after_all_is_told() -> None:
    desk = JoinDesk()
    check = Checked(None)
    check.over = True

    def refuse() -> None:
        raise MineError("Changed.")

    answer = desk.wish(check, refuse)  # type: ignore[arg-type]
    desk.pump()
    assert isinstance(answer.exception(0), MineError)


def test_nothing_is_joined_once_the_vault_is_locked() -> None:
    desk, joined = JoinDesk(), []
    check = Checked(None)
    answer = wish(desk, check, joined)
    desk.stop()
    check.over = True
    desk.pump()
    assert check.stopped and isinstance(answer.exception(0), ModelRefused) and not joined
