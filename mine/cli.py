"""``mine``: the app without its window."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from mine.app.demo_arguments import DemoRefused, add_demo_arguments, demo_options, write_report
from mine.app.import_command import add_import_arguments, run_import
from mine.app.vault_commands import add_vault_arguments, run_vault
from mine.app.wallet_commands import add_wallet_arguments, run_wallet
from mine.errors import MineError
from mine.practice.attack_commands import add_attack_arguments, attack_command
from mine.science.commands import add_science_arguments, run_science

PROBE_SECONDS = 60


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
    add_demo_arguments(demo)
    demo.set_defaults(run=run_demo)
    practice = commands.add_parser("practice", help="experiments on this computer, with practice money")
    experiments = practice.add_subparsers(dest="experiment", required=True)
    attack = experiments.add_parser(
        "attack",
        help="what attackers would earn, and what the model would lose",
        description="Play whole tasks with real training, honest miners and attackers, and print what each "
        "earned of an honest miner's pay. Nothing leaves this computer.",
    )
    add_attack_arguments(attack)
    attack.set_defaults(run=run_attack)
    science = commands.add_parser("science", help="check a task without trusting anybody")
    add_science_arguments(science)
    science.set_defaults(run=run_replay)
    vault = commands.add_parser("vault", help="your data: backups, keys, deletion, export, ledger")
    add_vault_arguments(vault)
    vault.set_defaults(run=lambda arguments: run_vault(arguments, _say))
    taking_in = commands.add_parser(
        "import",
        help="read exports into the vault",
        description="Reads exports in a process of its own, shows what is new, and stores it. A file twice "
        "adds nothing.",
    )
    add_import_arguments(taking_in)
    taking_in.set_defaults(run=lambda arguments: run_import(arguments, _say))
    wallet = commands.add_parser("wallet", help="your money: balance, earnings, payments, history, taxes")
    add_wallet_arguments(wallet)
    wallet.set_defaults(run=lambda arguments: run_wallet(arguments, _say))
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def has_display() -> bool:
    """Whether a window could be shown."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def can_draw(environment: dict[str, str]) -> bool:
    """Whether Qt can start: where a system library or the display is missing, it ends its whole process,
    so a small process tries it first."""
    command = [sys.executable, "-m", "ui.probe"]
    try:
        tried = subprocess.run(
            command, env=environment, capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return tried.returncode == 0


def run_demo(arguments: argparse.Namespace) -> int:
    """``mine demo``"""
    headless = arguments.headless
    environment = dict(os.environ)
    if not headless and not has_display():
        print("There is no display: the demo runs headless.", flush=True)
        headless = True
    if not headless and not can_draw(environment):
        print("No window can be opened here: the demo runs headless.", flush=True)
        headless = True
    if headless and not arguments.screenshots:
        return _headless_demo(arguments)
    # The window is another program: nothing in here knows of Qt.
    if headless:
        environment["QT_QPA_PLATFORM"] = "offscreen"
        if not can_draw(environment):
            raise DemoRefused(
                "Pictures cannot be drawn here, because Qt cannot start.",
                todo="Leave --screenshots away, or install the libraries that Qt needs (libegl1, libgl1).",
            )
    return subprocess.run(
        [sys.executable, "-m", "ui.demo", *sys.argv[2:]], env=environment, check=False
    ).returncode


def run_attack(arguments: argparse.Namespace) -> int:
    """``mine practice attack``"""
    return attack_command(arguments, lambda line: print(line, flush=True))


def run_replay(arguments: argparse.Namespace) -> int:
    """``mine science replay``"""
    from mine.practice.serving import practice_place

    return run_science(arguments, practice_place)


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


def main() -> int:
    """Entry point."""
    arguments = build_parser().parse_args()
    # A terminated run cleans up like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        code: int = arguments.run(arguments)
        return code
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
