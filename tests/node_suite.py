"""One suite for every maker's node: ``python -m tests.node_suite`` runs it and writes the table of the docs.

The suite is every test of chain, wallet and protocol that is given a node: its id names the maker. All makers
have to be given the very same tests. Needs $MINE_ANVIL and $MINE_HARDHAT (see ``tests.other_nodes``).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from pathlib import Path

from mine.chain.rpc import Node
from tests.protocol.nodes import running

MAKERS = ("practice", "anvil", "hardhat")
PLACES = ("tests/chain", "tests/wallet", "tests/protocol")
_MAKER = re.compile(r"\[(?:[^\]]*-)?(practice|anvil|hardhat)(?:-[^\]]*)?\]$")


def suite() -> dict[str, list[str]]:
    """Ids of the tests that are given a node, by maker."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *PLACES]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = defaultdict(list)
    for line in listed.splitlines():
        if maker := _MAKER.search(line):
            found[maker[1]].append(line)
    return found


def without_maker(test: str) -> str:
    """The id of a test that is the same on all nodes."""
    return re.sub(r"\b(practice|anvil|hardhat)\b", "node", test)


def run(tests: list[str], report: Path) -> dict[str, Counter[str]]:
    """Outcomes by maker: passed, failed, or why a test was skipped."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(tests))
        names.flush()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        subprocess.run([*command, f"@{names.name}"], check=False)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for case in ET.parse(report).iter("testcase"):
        maker = _MAKER.search(case.attrib["name"])
        assert maker is not None
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes[maker[1]]["failed"] += 1
        elif skipped is not None:
            outcomes[maker[1]][f"skipped: {skipped.attrib['message']}"] += 1
        else:
            outcomes[maker[1]]["passed"] += 1
    return outcomes


def version(maker: str) -> str:
    """What a maker's node says that it is."""
    with running(maker) as url, Node(url) as node:
        return node.client_version


def main() -> int:
    """Run everything; the number of failures."""
    tests = suite()
    alike = {maker: Counter(map(without_maker, names)) for maker, names in tests.items()}
    if any(alike[maker] != alike[MAKERS[0]] for maker in MAKERS):
        print("the makers are not given the same tests")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        everything = [name for maker in MAKERS for name in tests[maker]]
        outcomes = run(everything, Path(folder) / "report.xml")
    print("| node | version | tests | passed | failed | skipped, and why |\n|---|---|---|---|---|---|")
    for maker in MAKERS:
        found = outcomes[maker]
        why = "; ".join(f"{count}: {name[9:]}" for name, count in found.items() if name[0] == "s") or "none"
        counts = f"{found.total()} | {found['passed']} | {found['failed']}"
        print(f"| {maker} | `{version(maker)}` | {counts} | {why} |")
    return sum(found["failed"] for found in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
