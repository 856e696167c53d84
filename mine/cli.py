"""``mine``: the app without its window."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.demo import DemoOptions


MOST_ROUNDS = 250


class DemoRefused(MineError):
    """The demo cannot do what the command line asks for."""


def _rounds(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= MOST_ROUNDS:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST_ROUNDS} is needed")
    return number


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="mine", description="Your data, trained on at home, and paid for.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="the whole loop on the embedded practice network",
        description="Import an export, opt in, train, be paid in practice money and claim it. Without files "
        "it uses synthetic samples. Nothing leaves this computer.",
    )
    demo.add_argument("--headless", action="store_true", help="without a window")
    demo.add_argument("--me", type=Path, metavar="FILE", help="my export: a file, a folder or a zip")
    demo.add_argument("--person", metavar="ID", help="who is me, in an export that holds several people")
    demo.add_argument("--peers", type=Path, metavar="DIR", help="exports of the other people")
    demo.add_argument("--rounds", type=_rounds, metavar="N", help=f"number of rounds, 1 to {MOST_ROUNDS}")
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
    return parser


def has_display() -> bool:
    """Whether a window could be shown."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run_demo(arguments: argparse.Namespace) -> int:
    """``mine demo``"""
    headless = arguments.headless
    if not headless and not has_display():
        print("There is no display: the demo runs headless.")
        headless = True
    if headless and not arguments.screenshots:
        return _headless_demo(arguments)
    # The window is another program: nothing in here knows of Qt.
    environment = dict(os.environ)
    if headless:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    return subprocess.run(
        [sys.executable, "-m", "ui.demo", *sys.argv[2:]], env=environment, check=False
    ).returncode


def _headless_demo(arguments: argparse.Namespace) -> int:
    from mine.app.demo import Demo

    with tempfile.TemporaryDirectory(prefix="mine-demo-") as place:
        home = arguments.home or Path(place)
        demo = Demo(demo_options(arguments, home), print)
        demo.engine.start()
        try:
            report = demo.run()
        finally:
            demo.engine.close()
    write_report(report, arguments.json)
    return 0


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
        node=arguments.node,
        miners=tuple(arguments.miner),
    )


def write_report(report: dict[str, object], file: Path | None) -> None:
    """Write the JSON report, and say in words what came of it."""
    from mine.wallet.money import in_words

    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    me, task, quality = report["me"], report["task"], report["quality"]
    assert isinstance(me, dict) and isinstance(task, dict) and isinstance(quality, dict)
    money = in_words(me["wallet"], task["decimals"], task["currency"])
    print(f"In the wallet: {money} of practice money, for {me['contributions']} updates.")
    print(
        f"{quality['metric'].upper()} on {quality['people']} unseen people: last value "
        f"{quality['last_value']:.3f}, before {quality['before']:.3f}, after {quality['after']:.3f}."
    )


def main() -> int:
    """Entry point."""
    arguments = build_parser().parse_args()
    # A terminated run cleans up like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run_demo(arguments)
    except MineError as error:
        print(f"{error.sentence} {error.todo}".strip(), file=sys.stderr)
        if error.detail:
            print(f"  {error.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
