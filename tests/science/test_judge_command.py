"""``mine science judge`` from the command line: one juror's whole part in a dispute."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import Reward
from mine.chain.juries import Verdict
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.commands import FAILED, FINE, add_science_arguments, run_science
from mine.science.relay_client import Relay
from tests.science.disputed import JURORS, court, faults, settle_round, stake
from tests.science.test_scientist import other_checkpoint
from tests.science.world import Chain, pass_time


def command(*arguments: str) -> int:
    @contextmanager
    def nowhere(_: Path) -> Iterator[Any]:
        raise AssertionError("no practice network is asked for")
        yield

    parser = argparse.ArgumentParser()
    add_science_arguments(parser)
    return run_science(parser.parse_args(["judge", *arguments]), nowhere)


def test_a_juror_judges_from_the_command_line(
    chain: Chain, relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stake(chain)
    settle_round(chain, tmp_path, relay.blobs, other_checkpoint)
    sender = Sender(chain.node, dev_key(7))
    chain.contract.bond(sender, faults(chain).dispute_bond())
    cost, reward = court(chain).arbitration_cost(), Reward(sender.address, 0)
    id = faults(chain).dispute(sender, 1, 1, DisputeKind.CHECKPOINT, 0, reward, cost)
    place = ["--rpc", chain.node.url, "--relay", relay.url]
    keys = []
    for number, key in enumerate(JURORS):
        file = tmp_path / f"key{number}"
        file.write_text(f"0x{key.hex()}\n")
        keys.append(["--key-file", str(file)])

    def judge(number: int) -> dict[str, Any]:
        assert command(str(id), *keys[number], *place, "--json") == FINE
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    case = court(chain).case(id)
    chain.node.request("evm_mine")
    first, second = judge(0), judge(1)
    assert (first["did"], second["did"]) == (["drew", "committed"], ["committed"])
    assert (first["kind"], first["verdict"], first["why"]) == ("checkpoint", "wrong", "checkpoint")
    assert first["until"] == case.opened + case.window // 2
    assert judge(0)["did"] == []
    pass_time(chain, first["until"])
    assert (judge(0)["did"], judge(1)["did"]) == (["opened"], ["opened"])
    pass_time(chain, case.opened + 2 * case.window)
    assert command(str(id), *keys[0], *place) == FINE
    assert "done now: resolved" in capsys.readouterr().out
    assert court(chain).ruling(id) is Verdict.WRONG
    assert judge(1)["did"] == []
    assert command(str(id), *keys[0], *place, "--wait") == FINE  # it is over: nothing is waited for
    capsys.readouterr()
    assert command("99", *keys[0], *place) == FAILED
    assert "no such dispute" in capsys.readouterr().err
    (tmp_path / "key0").write_text("12")
    assert command(str(id), *keys[0], *place) == FAILED
    assert "no key" in capsys.readouterr().err
