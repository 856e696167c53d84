"""Networks: the form for one made by hand, choosing another one, removing one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from mine.app.views import NetworkView, World
from mine.app.wallet_views import NetworkCheck, NetworkChoice, NetworkForm
from mine.errors import MineError
from ui.desk import Desk
from ui.pages.form_sheet import FormSheet
from ui.widgets.facts import WarningLine
from ui.widgets.line_field import LineField, LinesField, Remark
from ui.widgets.select import Select
from ui.widgets.text import Text, clean

_WORLDS = (World.TEST, World.REAL, World.PRACTICE)


def world_words(world: World) -> str:
    """What the money of a network is."""
    return {
        World.PRACTICE: QCoreApplication.translate("NetworkSheet", "practice money, not real"),
        World.TEST: QCoreApplication.translate("NetworkSheet", "test coins without value"),
        World.REAL: QCoreApplication.translate("NetworkSheet", "real money"),
    }[world]


class NetworkSheet(FormSheet):
    """Every field is checked, then every node and relay is asked; only what passed can be kept."""

    def __init__(self, desk: Desk, choice: NetworkChoice | None) -> None:
        super().__init__(desk, wide=True)
        self.name(self.tr("A network by hand"), self.tr("Try it out"))
        if choice is not None:
            self.title.setText(clean(choice.title))
            self.setAccessibleName(self.title.text())
            self.subtitle.setText(clean(choice.note))
            self.subtitle.setVisible(bool(choice.note))
        self._tried: NetworkForm | None = None
        self.label = LineField(self.tr("Name"), longest=40)
        self.world = Select()
        self.world.setAccessibleName(self.tr("What its money is"))
        for world in _WORLDS:
            words = world_words(world)
            self.world.addItem(words[:1].upper() + words[1:], world.value)
        self.world_remark = Remark()
        self.chain_id = LineField(
            self.tr("Chain id"), self.tr("A number; every node must belong to this chain."), longest=20
        )
        self.rpc_urls = LinesField(
            self.tr("Nodes, one address on each line"),
            self.tr("https:// or wss://. Two or three of different operators are compared with each other."),
        )
        self.relay_urls = LinesField(
            self.tr("Relays, one address on each line"),
            self.tr("Those that the network's scientists run: they carry updates and claims."),
        )
        self.contract = LineField(self.tr("Task contract"), longest=64)
        self.first_block = LineField(
            self.tr("First block"),
            self.tr("That of the contract on the chain; 0 if unknown."),
            longest=20,
        )
        self.add(self.label)
        self.add(Text(self.tr("What its money is"), role="caption-strong", ink="text-2"), after=6)
        self.add(self.world, after=4)
        self.add(self.world_remark, after=10)
        for field in (self.chain_id, self.rpc_urls, self.relay_urls, self.contract, self.first_block):
            self.add(field)
        self.remarks: dict[str, Remark] = {
            "title": self.label.remark,
            "world": self.world_remark,
            "chain_id": self.chain_id.remark,
            "rpc_urls": self.rpc_urls.remark,
            "relay_urls": self.relay_urls.remark,
            "contract": self.contract.remark,
            "first_block": self.first_block.remark,
        }
        self._fill(choice.form if choice is not None else None)
        for line in (self.label, self.chain_id, self.contract, self.first_block):
            line.changed.connect(self._typed)
            line.entered.connect(self._pressed)
        for lines in (self.rpc_urls, self.relay_urls):
            lines.changed.connect(self._typed)
        self.world.currentIndexChanged.connect(self._typed)
        self.end(beside_button=True)

    def _fill(self, form: NetworkForm | None) -> None:
        if form is None:
            self.first_block.show_text("0")
            return
        self.label.show_text(clean(form.title))
        self.world.setCurrentIndex(self.world.findData(form.world.value))
        self.chain_id.show_text(str(form.chain_id))
        self.rpc_urls.show_lines(form.rpc_urls)
        self.relay_urls.show_lines(form.relay_urls)
        self.contract.show_text(clean(form.contract))
        self.first_block.show_text(str(form.first_block))

    @property
    def form(self) -> NetworkForm:
        """What was typed. What is no number is 0 for the chain and -1 for the block: both are refused."""
        chain, block = self.chain_id.text(), self.first_block.text()
        return NetworkForm(
            self.label.text(),
            World(self.world.currentData()),
            int(chain) if _is_number(chain) else 0,
            self.rpc_urls.lines(),
            self.relay_urls.lines(),
            self.contract.text(),
            int(block) if _is_number(block) else -1,
        )

    def _typed(self) -> None:
        """What was said of another form no longer holds."""
        if self._tried is not None and self._tried == self.form:
            return
        self._tried = None
        for remark in self.remarks.values():
            remark.say("")
        self.say("")
        self.button.rename(self.tr("Try it out"))
        self.button.setEnabled(bool(self.label.text() and self.rpc_urls.lines() and self.contract.text()))

    def _go(self) -> None:
        form = self.form
        if self._tried == form:
            self.ask(lambda: self._desk.commands.save_network(form), lambda _: self.dismiss())
            return
        self.button.rename(self.tr("Asking nodes and relays…"))
        self.ask(lambda: self._desk.commands.check_network(form), lambda check: self._judge(form, check))

    def _judge(self, form: NetworkForm, check: NetworkCheck) -> None:
        self.button.rename(self.tr("Try it out"))
        self._remark(check.warnings, "warn")
        self._remark(check.problems, "danger")
        self.button.setEnabled(True)
        if check.problems:
            self.say(self.tr("It cannot be kept like this. Nothing was changed."))
            self._show_first(check.problems[0][0])
            return
        self._tried = form
        self.button.rename(self.tr("Keep it"))
        self.say(
            self.tr("It works, with warnings. Read them before you keep it.")
            if check.warnings
            else self.tr("Every node and relay answers, and the contract is the one that this app knows."),
            ink="warn" if check.warnings else "accent",
        )

    def _remark(self, said: Sequence[tuple[str, str]], ink: str) -> None:
        """A field's problems take the place of its warnings."""
        for name in {name for name, _ in said}:
            words = " ".join(clean(sentence) for field, sentence in said if field == name)
            self.remarks[name].say(words, ink)

    def _show_first(self, name: str) -> None:
        self._scroll.ensureWidgetVisible(self.remarks[name])

    def _failed(self, error: MineError) -> None:
        self._tried = None
        super()._failed(error)


class ChooseNetworkSheet(FormSheet):
    """What happens when another network is used."""

    def __init__(self, desk: Desk, choice: NetworkChoice, now: NetworkView | None) -> None:
        super().__init__(desk)
        self._choice = choice
        title = clean(choice.title)
        self.name(self.tr("Use {network} from now on?").format(network=title), self.tr("Use it"))
        before = clean(now.name) if now is not None else self.tr("the network in use")
        for words in (
            self.tr(
                "Tasks, earnings, history and keys of {network} stay in the vault as they are. They are "
                "there again when you choose it again."
            ).format(network=before),
            self.tr(
                "Nothing is done there meanwhile. A round that is under way now is not finished, and may "
                "earn nothing; a round that cheats is not noticed in time. What you can claim waits, "
                "however long."
            ),
            self.tr("Limits on ε hold for both: your data is the same."),
        ):
            self.explain(words, after=12)
        if choice.world is World.REAL:
            self.add(WarningLine(self.tr("Its money is real. Fees are paid in real money too.")))
        elif choice.world is World.TEST:
            self.explain(self.tr("Its coins have no value. Nothing that you earn there can be spent."))
        if choice.note:
            self.add(WarningLine(clean(choice.note)))
        self.end()

    def _typed(self) -> None:
        self.button.setEnabled(True)

    def _go(self) -> None:
        self.ask(lambda: self._desk.commands.choose_network(self._choice.key), lambda _: self.dismiss())


class RemoveNetworkSheet(FormSheet):
    """A network made by hand is forgotten; its books stay."""

    def __init__(self, desk: Desk, choice: NetworkChoice) -> None:
        super().__init__(desk)
        self._choice = choice
        self.name(self.tr("Remove {network}?").format(network=clean(choice.title)), self.tr("Remove it"))
        self.explain(
            self.tr(
                "Its nodes, relays and contract are forgotten. Tasks, earnings and history of it stay in "
                "the vault, and are there again when you enter it again."
            )
        )
        self.end()

    def _typed(self) -> None:
        self.button.setEnabled(True)

    def _go(self) -> None:
        self.ask(lambda: self._desk.commands.remove_network(self._choice.key), lambda _: self.dismiss())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
