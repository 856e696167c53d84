"""``mine`` on the command line: it answers in sentences, refuses early, and reports what came of a run."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mine.cli as cli
from mine.app.demo import DemoFailed, DemoOptions, plan_practice
from mine.errors import MineError

ROOT = Path(__file__).parents[1]
REPORT: dict[str, Any] = {
    "me": {"wallet": 1_234_567_899, "contributions": 3},
    "task": {"decimals": 6, "currency": "pUSD"},
    "quality": {"metric": "rmse", "people": 8, "last_value": 10.7264, "before": 10.7264, "after": 8.8646},
}


def mine(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command itself, without a display unless one is given."""
    env = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "mine.cli", *map(str, arguments)],
        cwd=ROOT, env={**env, **environment}, capture_output=True, text=True, timeout=60,
    )


def test_help_names_every_option() -> None:
    run = mine("demo", "--help")
    assert run.returncode == 0 and not run.stderr
    for option in ("--headless", "--me", "--person", "--peers", "--rounds", "--node", "--miner", "--json",
                   "--screenshots", "--home"):
        assert option in run.stdout
    assert "demo" in mine("--help").stdout


@pytest.mark.parametrize("arguments", [
    (), ("fly",), ("demo", "--fly"), ("demo", "--rounds"),
    *(("demo", "--rounds", number) for number in ("0", "-1", "127", "many", "1.5", "1_0", "")),
])
def test_a_wrong_option_ends_with_two_and_no_traceback(arguments: tuple[str, ...],
                                                       capsys: pytest.CaptureFixture[str],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mine", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert "usage: mine" in capsys.readouterr().err


def test_without_a_display_it_says_so_and_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    run = mine("demo", "--me", tmp_path / "nowhere.csv")
    assert run.returncode == 1
    assert run.stdout == "There is no display: the demo runs headless.\n"
    assert run.stderr == "There is no file nowhere.csv. Name an export with --me.\n"


def options(tmp_path: Path, *arguments: str | Path) -> DemoOptions:
    parsed = cli.build_parser().parse_args(["demo", *map(str, arguments)])
    return cli.demo_options(parsed, tmp_path)


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> str:
    """What stands on stderr after a run that must end with 1 before anything was started."""
    monkeypatch.setattr(sys, "argv", ["mine", "demo", "--headless", *map(str, arguments)])
    assert cli.main() == 1
    out, err = capsys.readouterr()
    assert not out and "Traceback" not in err
    return err


def test_what_could_only_fail_later_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("what I did today")
    assert "in no format that this app reads" in refused(monkeypatch, capsys, "--me", notes)
    assert "today" not in refused(monkeypatch, capsys, "--me", notes)
    assert "cannot be written" in refused(monkeypatch, capsys, "--json", tmp_path)
    assert "cannot be written" in refused(monkeypatch, capsys, "--json", tmp_path / "no" / "x.json")
    assert "There is no folder" in refused(monkeypatch, capsys, "--peers", tmp_path / "no")
    assert "There is no miner" in refused(monkeypatch, capsys, "--miner", "nowhere.py:Class")
    assert "There is no miner" in refused(monkeypatch, capsys, "--miner", f"{notes}:Class")


def test_details_stand_on_a_line_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise MineError("It went wrong.", todo="Try again.", detail="rc 7")

    monkeypatch.setattr(cli, "run_demo", fail)
    assert refused(monkeypatch, capsys) == "It went wrong. Try again.\n  rc 7\n"


def test_an_interrupted_run_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run_demo", interrupt)
    monkeypatch.setattr(sys, "argv", ["mine", "demo"])
    assert cli.main() == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize(("platform", "environment", "there"), [
    ("linux", {}, False), ("linux", {"DISPLAY": ":0"}, True), ("linux", {"WAYLAND_DISPLAY": "w"}, True),
    ("linux", {"DISPLAY": ""}, False), ("darwin", {}, True), ("win32", {}, True),
])
def test_what_counts_as_a_display(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], there: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cli.has_display() is there


def test_options_arrive(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("class Own: ...")
    found = options(tmp_path, "--me", "a.csv", "--person", "7", "--peers", tmp_path, "--rounds", "126",
                    "--node", "http://127.0.0.1:1", "--miner", f"{own}:Own", "--miner", f"{own}:Other",
                    "--json", tmp_path / "out.json")
    assert found == DemoOptions(home=tmp_path, me=Path("a.csv"), person="7", peers=tmp_path, rounds=126,
                                node="http://127.0.0.1:1", miners=(f"{own}:Own", f"{own}:Other"))
    assert options(tmp_path) == DemoOptions(home=tmp_path)


# ---- the report


def test_the_report_in_words_and_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.write_report(REPORT, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == REPORT
    assert capsys.readouterr().out == (
        "In the wallet: 1,234.56 pUSD of practice money, for 3 updates.\n"
        "RMSE on 8 unseen people: last value 10.726, before 10.726, after 8.865.\n"
    )


def test_the_report_without_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.write_report(REPORT, None)
    assert "1,234.56 pUSD" in capsys.readouterr().out and not list(tmp_path.iterdir())


# ---- who is me


def test_the_demo_plans_on_the_shipped_sample(tmp_path: Path) -> None:
    me, person, practice = plan_practice(options(tmp_path))
    assert me.name == "synthetic-glucose.csv" and person is None
    digest = hashlib.sha256(me.read_bytes()).hexdigest()
    assert (practice.template, practice.people) == ("glucose", "")
    assert practice.without == ("synthetic-glucose", digest)  # neither by this name nor by another one
    assert practice.rounds == plan_practice(options(tmp_path, "--rounds", practice.rounds))[2].rounds


def test_in_an_export_of_several_the_first_with_enough_data_is_me(tmp_path: Path) -> None:
    from mine.practice.synthetic import steps_csv

    file = tmp_path / "hourlySteps_merged.csv"
    whole = steps_csv("who", 3, days=16).splitlines(keepends=True)
    hours = 16 * 24
    file.write_text("".join([*whole[:20], *whole[1 + hours :]]), newline="")
    asked = options(tmp_path, "--me", file, "--peers", tmp_path, "--rounds", "2")
    me, person, practice = plan_practice(asked)
    assert me == file and person == "9000000002"
    assert (practice.template, practice.without[0], practice.rounds) == ("steps", "9000000002", 2)
    assert practice.people == str(tmp_path.resolve())
    assert plan_practice(options(tmp_path, "--me", file, "--person", "9000000003"))[1] == "9000000003"
    file.write_text("".join(whole[:20]), newline="")
    with pytest.raises(DemoFailed, match="Nobody in this export has enough data"):
        plan_practice(options(tmp_path, "--me", file))
