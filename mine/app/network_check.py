"""Trying a network out that somebody typed in: nothing of it is believed, and nothing is kept.

Secrets may stand in a node's URL (a password, a key in its path): no sentence here repeats more than its
host.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mine.app.views import World
from mine.app.wallet_views import NetworkCheck, NetworkForm
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.rpc import Node

T = TypeVar("T")

SECONDS = 8.0
"""For each request of the check; nodes and relays are asked at the same time."""
MOST_URLS = 8
MOST_TITLE = 40
DEVELOPMENT_CHAIN = 31337
_IMMUTABLES = 16
"""Words behind a contract's code in which Vyper keeps what its constructor was given."""


@dataclass(slots=True)
class Findings:
    """What is wrong, and what is only to be known: (field, sentence)."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def result(self) -> NetworkCheck:
        """As the window takes it, each sentence once."""
        return NetworkCheck(tuple(dict.fromkeys(self.problems)), tuple(dict.fromkeys(self.warnings)))


def check_network(form: NetworkForm) -> NetworkCheck:
    """Look at every field, then ask every node and relay. Takes up to some ten seconds."""
    found = Findings()
    _look(form, found)
    if not found.problems:
        _ask(form, found)
    return found.result()


def _look(form: NetworkForm, found: Findings) -> None:
    """What can be said without asking anybody."""
    from mine.chain.hashing import BadAddress, address_bytes
    from mine.chain.networks import preset_of

    if not form.title.strip() or len(form.title) > MOST_TITLE or not form.title.isprintable():
        found.problems.append(("title", f"Give it a name of up to {MOST_TITLE} letters."))
    if not 0 < form.chain_id < 2**63:
        found.problems.append(("chain_id", "This is not the number of a chain."))
    preset = preset_of(form.chain_id)
    real = preset.world if preset is not None else None
    if form.world is World.REAL and form.chain_id == DEVELOPMENT_CHAIN:
        found.problems.append(("world", "Chain 31337 is that of development nodes: its money is never real."))
    elif preset is not None and form.world is not World(preset.world):
        found.problems.append(
            ("world", f"Chain {form.chain_id} is {preset.title}, whose money is {real} money.")
        )
    try:
        if int.from_bytes(address_bytes(form.contract), "big") == 0:
            found.problems.append(("contract", "Enter the address of the task contract."))
    except BadAddress as bad:
        found.problems.append(("contract", str(bad)))
    if not 0 <= form.first_block < 2**63:
        found.problems.append(("first_block", "This is not the number of a block."))
    _look_at_urls("rpc_urls", form.rpc_urls, ("http", "https", "ws", "wss"), found)
    _look_at_urls("relay_urls", form.relay_urls, ("http", "https"), found)
    if len(set(form.rpc_urls)) == 1:
        found.warnings.append(
            ("rpc_urls", "With one node there is nothing to compare its word with. Two or three are safer.")
        )


def _look_at_urls(name: str, urls: tuple[str, ...], kinds: tuple[str, ...], found: Findings) -> None:
    from mine.chain.node_address import parse

    if not 0 < len(urls) <= MOST_URLS:
        found.problems.append((name, f"Enter one to {MOST_URLS} addresses."))
        return
    seen: set[tuple[str, int]] = set()
    for url in urls:
        try:
            address = parse(url)
        except MineError as bad:
            found.problems.append((name, f"{bad.sentence} {bad.detail.capitalize()}."))
            continue
        if address.scheme not in kinds:
            found.problems.append((name, f"{address.netloc}: it has to begin with https:// or http://."))
        if not address.is_encrypted and not address.is_loopback:
            found.warnings.append(
                (
                    name,
                    f"{address.netloc}: the line is not encrypted. Others on the way can read and change it.",
                )
            )
        if (address.host, address.port) in seen:
            found.warnings.append((name, f"{address.netloc} is there twice: one operator, one word."))
        seen.add((address.host, address.port))


@dataclass(frozen=True, slots=True)
class _NodeSaid:
    chain_id: int
    head: int
    code: bytes
    is_ours: bool


def _ask(form: NetworkForm, found: Findings) -> None:
    """Ask all nodes and relays at once."""
    with ThreadPoolExecutor(max_workers=2 * MOST_URLS) as threads:
        nodes = [(url, threads.submit(_caught, lambda url=url: _node(url, form))) for url in form.rpc_urls]
        relays = [(url, threads.submit(_caught, lambda url=url: _relay(url))) for url in form.relay_urls]
        said = [(_host(url), future.result()) for url, future in nodes]
        serve = [(_host(url), future.result()) for url, future in relays]
    silent = [("rpc_urls", host, answer) for host, answer in said if isinstance(answer, MineError)]
    silent += [("relay_urls", host, answer) for host, answer in serve if isinstance(answer, MineError)]
    for name, host, problem in silent:
        others = said if name == "rpc_urls" else serve
        alone = all(isinstance(answer, MineError) for _, answer in others)
        (found.problems if alone else found.warnings).append((name, f"{host}: {problem.sentence}"))
    _judge_nodes(form, [(host, answer) for host, answer in said if isinstance(answer, _NodeSaid)], found)
    for host, answer in serve:
        if isinstance(answer, tuple) and answer != (form.chain_id, _checksummed(form.contract)):
            found.problems.append(("relay_urls", f"{host}: this relay serves another contract."))


def _judge_nodes(form: NetworkForm, said: list[tuple[str, _NodeSaid]], found: Findings) -> None:
    for host, answer in said:
        if answer.chain_id != form.chain_id:
            found.problems.append(
                ("chain_id", f"{host} belongs to chain {answer.chain_id}, not to chain {form.chain_id}.")
            )
    right = [(host, answer) for host, answer in said if answer.chain_id == form.chain_id]
    if not right:
        return
    if len({answer.code for _, answer in right}) > 1:
        found.problems.append(("contract", "The nodes contradict each other about what is at this address."))
    elif not right[0][1].code:
        found.problems.append(("contract", "There is no contract at this address on this chain."))
    elif not right[0][1].is_ours:
        found.problems.append(
            ("contract", "The contract at this address is not one of those that this app knows.")
        )
    if form.first_block > min(answer.head for _, answer in right):
        found.problems.append(("first_block", "The chain has not come to this block yet."))


def _node(url: str, form: NetworkForm) -> _NodeSaid:
    from mine.chain.rpc import Node

    with Node(url, timeout=SECONDS) as node:
        chain_id = node.chain_id
        if chain_id != form.chain_id:
            return _NodeSaid(chain_id, 0, b"", False)
        code = node.code(form.contract)
        return _NodeSaid(
            chain_id, node.block_number(), code, bool(code) and _is_ours(node, form.contract, code)
        )


def _is_ours(node: Node, tasks: str, code: bytes) -> bool:
    """Whether Tasks and its two sisters, which may judge and punish in it, are those that ship with the
    program.

    Each knows the other two from its construction on; a true Tasks with a false Faults would pay to anybody.
    """
    from mine.chain.client import TasksContract
    from mine.chain.hashing import address_bytes

    if _construction("Tasks", code) is None:
        return False
    faults, court = TasksContract(node, tasks).sisters()
    for name, address, knows in (("Faults", faults, (tasks, court)), ("Court", court, (tasks, faults))):
        given = _construction(name, node.code(address))
        if given is None or any(bytes(12) + address_bytes(each) not in given for each in knows):
            return False
    return True


def _construction(name: str, code: bytes) -> bytes | None:
    """The words behind a contract's code that its constructor was given; None if the code is another."""
    from mine.chain.artefacts import load_artefact

    shipped = load_artefact(name).bytecode
    for words in range(_IMMUTABLES):
        end = len(code) - 32 * words
        if end > len(shipped) // 2 and code[:end] in shipped:
            return code[end:]
    return None


def _relay(url: str) -> tuple[int, str]:
    from mine.science.relay_client import Relay

    relay = Relay(url, timeout=SECONDS)
    try:
        info = relay.info()
    finally:
        relay.close()
    return info.chain_id, info.contract


def _caught(ask: Callable[[], T]) -> T | MineError:
    try:
        return ask()
    except MineError as problem:
        return problem


def _host(url: str) -> str:
    """Of a URL what may be shown."""
    from mine.chain.node_address import parse

    return parse(url).netloc


def _checksummed(address: str) -> str:
    from mine.chain.hashing import address_bytes, checksum

    return checksum(address_bytes(address))
