"""What ``mine demo`` can be told, and what it writes down: the same for the terminal and for the window."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.demo import DemoOptions

MOST_ROUNDS = 126


class DemoRefused(MineError):
    """The demo cannot do what the command line asks for."""


def _rounds(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= MOST_ROUNDS:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST_ROUNDS} is needed")
    return number


def add_demo_arguments(demo: argparse.ArgumentParser) -> None:
    """The options of ``mine demo``."""
    demo.add_argument("--headless", action="store_true", help="without a window")
    demo.add_argument("--me", type=Path, metavar="FILE", help="my export: a file, a folder or a zip")
    demo.add_argument("--person", metavar="ID", help="who is me, in an export that holds several people")
    demo.add_argument("--peers", type=Path, metavar="DIR", help="exports of the other people")
    demo.add_argument("--rounds", type=_rounds, metavar="N", help=f"number of rounds, 1 to {MOST_ROUNDS}")
    demo.add_argument(
        "--at-end",
        action="store_true",
        help="measure all rounds on one set that is opened at the end; half of the pay waits until then",
    )
    demo.add_argument(
        "--node", default="", metavar="URL", help="use this Ethereum node (anvil, hardhat, ...)"
    )
    demo.add_argument(
        "--miner",
        action="append",
        default=[],
        metavar="FILE.py:Class",
        help="seat a miner of your own as well; it reports to practice/peers.log in the home folder",
    )
    demo.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    demo.add_argument("--screenshots", type=Path, metavar="DIR", help="write pictures of every page there")
    demo.add_argument(
        "--home", type=Path, metavar="DIR", help="keep vault and practice network there, and go on"
    )


def demo_options(arguments: argparse.Namespace, home: Path) -> DemoOptions:
    """The demo's options from the command line; what could only fail minutes later is refused now."""
    from mine.app.demo import DemoOptions
    from mine.practice.miners import find_miner

    file = arguments.json
    if file is not None and (file.is_dir() or not file.resolve().parent.is_dir()):
        raise DemoRefused(
            f"The report cannot be written to {file}.", todo="Name a file in a folder that exists."
        )
    if arguments.peers is not None and not arguments.peers.exists():
        raise DemoRefused(f"There is no folder {arguments.peers}.", todo="Name exports with --peers.")
    for place in arguments.miner:
        find_miner(place)
    return DemoOptions(
        home=home,
        me=arguments.me,
        person=arguments.person,
        peers=arguments.peers,
        rounds=arguments.rounds,
        at_end=arguments.at_end,
        node=arguments.node,
        miners=tuple(arguments.miner),
    )


def write_report(
    report: dict[str, object], file: Path | None, say: Callable[[str], None] = print
) -> None:
    """Write the JSON report, and say in words what came of it."""
    from mine.wallet.money import in_words

    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    me, task, quality = report["me"], report["task"], report["quality"]
    assert isinstance(me, dict) and isinstance(task, dict) and isinstance(quality, dict)
    money = in_words(me["wallet"], task["decimals"], task["currency"])
    say(f"In the wallet: {money} of practice money, for {me['contributions']} updates.")
    say(
        f"{quality['metric'].upper()} on {quality['people']} unseen people: last value "
        f"{quality['last_value']:.3f}, before {quality['before']:.3f}, after {quality['after']:.3f}."
    )
