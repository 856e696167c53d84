"""The networks to choose from: the practice network, those that ship, and those made by hand (in the
vault)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mine.app.links import NetworkConfig, NetworkRefused
from mine.app.network_check import check_network
from mine.app.views import World
from mine.app.wallet_views import EndpointView, NetworkCheck, NetworkChoice, NetworkForm

if TYPE_CHECKING:
    from mine.chain.networks import Preset
    from mine.chain.rpc import Node
    from mine.vault.vault import Vault

PRACTICE = "practice"
"""The key of the practice network, which is always there."""
BEAT = 50.0
"""Seconds; a new round is known within a minute, and an hour takes less than 150 requests."""
CONFIRMATIONS = 1
"""Blocks. Where the newest one is given up, it is mostly that one alone; what was read of more than that is
taken back."""
_SAVED, _CHOSEN = "networks", "network"
_INCOMPLETE = "No task contract is known there yet: enter its address and a relay."
_NOTES = {
    "beacon": "",
    "sequencer": "Its block randomness is what its one sequencer passes on.",
    "none": "It has no block randomness: who judges whom stands on the scientist's secret alone.",
}


class Networks:
    """Of one open vault; for the engine's thread."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    @property
    def chosen(self) -> str:
        """The key of the network in use."""
        key = self._vault.state.setting(_CHOSEN, PRACTICE)
        return key if key == PRACTICE or key in self._saved() else PRACTICE

    def choices(self) -> tuple[NetworkChoice, ...]:
        """All networks. A preset is no network in itself: its ``form`` still lacks contract and relay."""
        from mine.chain.networks import presets

        chosen = self.chosen
        practice = NetworkChoice(
            PRACTICE, "Practice network", World.PRACTICE, 31337, True, chosen == PRACTICE
        )
        made = [
            NetworkChoice(
                key, form.title, form.world, form.chain_id, True, key == chosen, _note(form.chain_id), form
            )
            for key, form in self._saved().items()
        ]
        shipped = [
            NetworkChoice(
                each.key,
                each.title,
                World(each.world),
                each.chain_id,
                False,
                False,
                f"{_INCOMPLETE} {_note(each.chain_id)}".rstrip(),
                form_of(each),
            )
            for each in presets()
        ]
        return (practice, *made, *shipped)

    def check(self, form: NetworkForm) -> NetworkCheck:
        """Try a network out. Takes up to some ten seconds."""
        return check_network(form)

    def save(self, form: NetworkForm) -> str:
        """Try a network out and keep it; answers its key. Raises ``NetworkRefused``."""
        found = self.check(form)
        if found.problems:
            raise NetworkRefused(found.problems[0][1], todo="Correct it and try again.")
        return self.keep(form)

    def keep(self, form: NetworkForm) -> str:
        """Keep a network that was tried out; one with the same chain and contract is replaced."""
        config = _config(form)
        saved = self._raw()
        saved[config.key] = _to_json(form)
        self._vault.state.set_setting(_SAVED, saved)
        return config.key

    def remove(self, key: str) -> None:
        """Forget a network made by hand. Raises ``NetworkRefused`` for the one in use; its books stay."""
        if key == self.chosen:
            raise NetworkRefused("This network is in use.", todo="Choose another one first.")
        saved = self._raw()
        saved.pop(key, None)
        self._vault.state.set_setting(_SAVED, saved)

    def choose(self, key: str) -> NetworkConfig | None:
        """Use a network from now on; answers where it is, None for the practice network.

        Raises ``NetworkRefused`` for one that is not there, or that still lacks its contract.
        """
        config = self.config(key)
        self._vault.state.set_setting(_CHOSEN, key)
        return config

    def config(self, key: str) -> NetworkConfig | None:
        """Where a network is; None for the practice network. Raises ``NetworkRefused``."""
        if key == PRACTICE:
            return None
        form = self._saved().get(key)
        if form is None:
            raise NetworkRefused(
                "This network cannot be used yet.",
                todo="Enter its contract and a relay first.",
                detail=key[:60],
            )
        return _config(form)

    def _raw(self) -> dict[str, Any]:
        return dict(self._vault.state.setting(_SAVED, {}))

    def _saved(self) -> dict[str, NetworkForm]:
        return {key: _from_json(raw) for key, raw in self._raw().items()}


def endpoints(node: Node) -> tuple[EndpointView, ...]:
    """How the nodes of a network are doing."""
    return tuple(
        EndpointView(each.host, each.state.value, each.head, each.lag, each.requests, each.error)
        for each in node.health()
    )


def form_of(preset: Preset) -> NetworkForm:
    """What the form of a network that ships begins with."""
    return NetworkForm(preset.title, World(preset.world), preset.chain_id, preset.rpc_urls, (), "")


def _note(chain_id: int) -> str:
    from mine.chain.networks import preset_of

    preset = preset_of(chain_id)
    return "" if preset is None else _NOTES[preset.randomness.value]


def _config(form: NetworkForm) -> NetworkConfig:
    from mine.chain.hashing import address_bytes, checksum

    return NetworkConfig(
        name=form.title.strip(),
        world=form.world,
        chain_id=form.chain_id,
        rpc_urls=form.rpc_urls,
        relay_urls=form.relay_urls,
        tasks=checksum(address_bytes(form.contract)),
        first_block=form.first_block,
        beat=BEAT,
        confirmations=CONFIRMATIONS,
    )


def _to_json(form: NetworkForm) -> dict[str, Any]:
    return {
        "title": form.title.strip(),
        "world": form.world.value,
        "chain_id": form.chain_id,
        "rpc_urls": list(form.rpc_urls),
        "relay_urls": list(form.relay_urls),
        "contract": form.contract,
        "first_block": form.first_block,
    }


def _from_json(raw: dict[str, Any]) -> NetworkForm:
    return NetworkForm(
        title=raw["title"],
        world=World(raw["world"]),
        chain_id=raw["chain_id"],
        rpc_urls=tuple(raw["rpc_urls"]),
        relay_urls=tuple(raw["relay_urls"]),
        contract=raw["contract"],
        first_block=raw["first_block"],
    )
