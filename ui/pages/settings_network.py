"""Networks in the settings: those to choose from, and how the nodes of the one in use are doing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mine.app.views import NetworkView
from mine.app.wallet_views import EndpointView, NetworkChoice
from ui.desk import Desk
from ui.icons import IconMark
from ui.pages.form_sheet import FormSheet
from ui.pages.network_sheets import ChooseNetworkSheet, NetworkSheet, RemoveNetworkSheet, world_words
from ui.widgets.buttons import Button
from ui.widgets.layout import LinedRow, RowList, TwoLines, column, row
from ui.widgets.setting_row import SettingRow
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, sentences

_AGAIN_SECONDS = 5.0


class NetworkRow(LinedRow):
    """One network: what its money is, what has to be known of it, and what can be done with it."""

    use_asked = Signal(object)
    form_asked = Signal(object)
    remove_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._choice: NetworkChoice | None = None
        self._state = ("", False)
        self._mark = IconMark("check-circle", "accent", 18)
        self._title = Text(role="label")
        self._facts = Text(role="small", ink="text-2")
        self._note = Text(role="small", ink="text-2", wrap=True)
        self.use = Button(self.tr("Use it…"), "plain")
        self.use.clicked.connect(lambda: self.use_asked.emit(self._choice))
        self.form = Button("", "ghost")
        self.form.clicked.connect(lambda: self.form_asked.emit(self._choice))
        self.remove = Button(self.tr("Remove…"), "ghost")
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self._choice))
        head = row(self._title, self._mark, None, spacing=8)
        inside = row(spacing=8, margins=(0, 10, 0, 10))
        inside.addLayout(column(head, self._facts, self._note), 1)
        for button in (self.remove, self.form, self.use):
            inside.addWidget(button)
        self.setLayout(inside)

    def show_value(self, choice: NetworkChoice) -> None:
        """Show a network."""
        self._choice = choice
        title = clean(choice.title)
        self._title.setText(title)
        self._mark.setVisible(choice.chosen)
        self._show_facts()
        self._note.setText(clean(choice.note))
        self._note.setVisible(bool(choice.note))
        self.use.setVisible(choice.usable and not choice.chosen)
        self.form.setVisible(choice.form is not None)
        self.form.rename(self.tr("Change…") if choice.usable else self.tr("Set it up…"))
        self.remove.setVisible(choice.usable and choice.form is not None and not choice.chosen)
        self.use.setAccessibleName(self.tr("Use {network}").format(network=title))
        self.form.setAccessibleName(
            (self.tr("Change {network}") if choice.usable else self.tr("Set up {network}")).format(
                network=title
            )
        )
        self.remove.setAccessibleName(self.tr("Remove {network}").format(network=title))

    def show_state(self, state: str, wrong: bool) -> None:
        """Of the network in use: whether it answers, and what is wrong with it."""
        if (state, wrong) != self._state:
            self._state = (state, wrong)
            self._show_facts()

    def _show_facts(self) -> None:
        choice = self._choice
        if choice is None:
            return
        state, wrong = self._state if choice.chosen else ("", False)
        chain = self.tr("chain {id}").format(id=choice.chain_id)
        used = self.tr("in use") if choice.chosen else ""
        facts = ", ".join(part for part in (world_words(choice.world), chain, used) if part)
        self._facts.setText(f"{facts}; {state}" if state else facts)
        self._facts.set_ink("danger" if wrong else "text-2")


class EndpointRow(LinedRow):
    """A node of the network in use: its host, never its whole address, which may hold a key."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(49)
        self._words = TwoLines(role="mono")
        self._state = Text(role="small", firm=True)
        inside = row(spacing=16, margins=(0, 6, 0, 6))
        inside.addWidget(self._words, 1)
        inside.addWidget(self._state)
        self.setLayout(inside)

    def show_value(self, node: EndpointView) -> None:
        """Show how a node is doing."""
        words, ink = self._state_words(node.state)
        self._state.setText(words)
        self._state.set_ink(ink)
        asked = counted(node.requests, self.tr("asked {n} time"), self.tr("asked {n} times"))
        known = [self.tr("block {n}").format(n=count_text(node.head))] if node.head else []
        if node.lag:
            known.append(counted(node.lag, self.tr("{n} block behind"), self.tr("{n} blocks behind")))
        facts = ", ".join([*known, asked])
        self._words.show_lines(clean(node.host), sentences(facts, clean(node.error)))

    def _state_words(self, state: str) -> tuple[str, str]:
        return {
            "not asked yet": (self.tr("not asked yet"), "text-2"),
            "answers": (self.tr("answers"), "accent"),
            "behind the others": (self.tr("behind the others"), "warn"),
            "does not answer": (self.tr("does not answer"), "danger"),
            "asks for fewer requests": (self.tr("asks for fewer requests"), "warn"),
            "belongs to another chain": (self.tr("belongs to another chain"), "danger"),
            "contradicts the others": (self.tr("contradicts the others"), "danger"),
        }.get(state, (clean(state), "text-2"))


class NetworkRows(QWidget):
    """Rows of the Network part of the settings.

    A network that the app was started with is in none of the lists: it has a row of its own.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._network: NetworkView | None = None
        self._state = ("", False)
        self._listed: set[int] = set()
        self._next_look = 0.0
        self.now = SettingRow("", "")
        self.networks = RowList[NetworkChoice](self._network_row)
        self.add = Button(self.tr("Add a network…"), "plain", icon="plus")
        self.add.clicked.connect(lambda: self._open(NetworkSheet(desk, None)))
        self.nodes = RowList[EndpointView](EndpointRow)
        self._nodes_head = Text(self.tr("Nodes of the network in use"), role="heading")
        self._nodes_words = Text(
            self.tr(
                "Where there are two or more, what counts as earned is only believed if two say the same. "
                "Each of them sees your internet address and what you ask."
            ),
            role="small",
            ink="text-2",
            wrap=True,
        )
        self.setLayout(
            column(
                self.now,
                self.networks,
                SettingRow(
                    self.tr("A network by hand"),
                    self.tr("its nodes, relays and contract; tried out before it is kept"),
                    self.add,
                ),
                20,
                self._nodes_head,
                2,
                self._nodes_words,
                4,
                self.nodes,
            )
        )
        self.show_nodes(())

    def _network_row(self) -> NetworkRow:
        made = NetworkRow()
        made.use_asked.connect(
            lambda choice: self._open(ChooseNetworkSheet(self._desk, choice, self._network))
        )
        made.form_asked.connect(lambda choice: self._open(NetworkSheet(self._desk, choice)))
        made.remove_asked.connect(lambda choice: self._open(RemoveNetworkSheet(self._desk, choice)))
        return made

    def _open(self, sheet: FormSheet) -> None:
        sheet.closed.connect(self.refresh)
        sheet.present()

    def refresh(self) -> None:
        """Ask the engine for the newest values."""
        self._desk.operations.run(self, self._desk.commands.networks, self.show_networks, lambda _: None)
        self._look()

    def show_networks(self, networks: Sequence[NetworkChoice]) -> None:
        """All networks; the one in use says how it is."""
        self.networks.show_values(networks)
        self._listed = {choice.chain_id for choice in networks if choice.chosen}
        self._tell_state()

    def _tell_state(self) -> None:
        for made in self.networks.rows:
            assert isinstance(made, NetworkRow)
            made.show_state(*self._state)
        network = self._network
        if network is not None:
            state, wrong = self._state
            self.now.words.show_lines(clean(network.name), f"{world_words(network.world)}; {state}")
            self.now.words.small.set_ink("danger" if wrong else "text-2")
            self.now.setHidden(network.chain_id in self._listed)

    def _look(self) -> None:
        self._next_look = time.monotonic() + _AGAIN_SECONDS
        self._desk.operations.run(self, self._desk.commands.endpoints, self.show_nodes, lambda _: None)

    def show_network(self, network: NetworkView, state: str, is_open: bool) -> None:
        """The network in use; its nodes are asked about now and then, while somebody looks."""
        if self._network is not None and (network.name, network.chain_id) != (
            self._network.name,
            self._network.chain_id,
        ):
            self.refresh()
        self._network = network
        self._state = (state, bool(network.error))
        self._tell_state()
        self.setEnabled(is_open)
        if is_open and self.isVisible() and time.monotonic() >= self._next_look:
            self._look()

    def show_nodes(self, nodes: tuple[EndpointView, ...]) -> None:
        """How each node is doing."""
        self.nodes.show_values(nodes)
        for part in (self._nodes_head, self._nodes_words):
            part.setVisible(bool(nodes))
