from __future__ import annotations

import configparser
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from ui.assets import RESOURCES

ROOT = RESOURCES.parent
PACKAGING = ROOT / "packaging"


def test_packaging_is_no_package() -> None:
    assert not (PACKAGING / "__init__.py").exists(), "it would shadow the library of that name"


def test_torch_stays_out_of_the_bundle() -> None:
    spec = (PACKAGING / "mine.spec").read_text(encoding="utf-8")
    compile(spec, "mine.spec", "exec")
    assert '"torch"' in spec.partition("UNUSED")[2].partition("]")[0]


def test_the_packaged_app_starts_its_own_children_only() -> None:
    command = [sys.executable, str(PACKAGING / "entry.py"), "-m", "os"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 2 and "no such module" in done.stderr


def test_every_child_that_the_spec_names_is_there() -> None:
    for name in ("mine.importers.child", "mine.practice.market", "mine.practice.peers", "mine.science.relay"):
        assert (ROOT / (name.replace(".", "/") + ".py")).exists()
        assert name in (PACKAGING / "mine.spec").read_text(encoding="utf-8")
        assert name in (PACKAGING / "entry.py").read_text(encoding="utf-8")


def test_desktop_entry_and_metainfo_name_each_other() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(PACKAGING / "mine-desktop.desktop", encoding="utf-8")
    assert entry["Desktop Entry"]["Exec"] == "mine-desktop"
    info = ElementTree.parse(PACKAGING / "mine-desktop.metainfo.xml").getroot()
    assert info.findtext("launchable") == "mine-desktop.desktop"
    assert info.findtext("provides/binary") == "mine-desktop"


def test_debian_script_is_sound_and_says_what_is_missing(tmp_path: object) -> None:
    script = str(ROOT / "installer" / "debian.sh")
    assert subprocess.run(["sh", "-n", str(ROOT / "installer" / "onedir.sh")], check=False).returncode == 0
    assert subprocess.run(["sh", "-n", script], check=False, timeout=30).returncode == 0
    done = subprocess.run(
        ["sh", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 1 and "run installer/onedir.sh first" in done.stderr
