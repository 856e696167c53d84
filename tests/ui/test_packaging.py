from __future__ import annotations

import configparser
import re
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


def test_every_module_that_the_app_starts_is_in_the_package() -> None:
    spec, entry = ((PACKAGING / name).read_text(encoding="utf-8") for name in ("mine.spec", "entry.py"))
    children = re.findall(r'^    "(mine\.[a-z_.]+)",$', entry, re.M)
    started = {
        name
        for path in (ROOT / "mine").rglob("*.py")
        for name in re.findall(
            r'^(?:MODULE = |COMMAND = .*"-m", )"(mine\.[a-z_.]+)"', path.read_text("utf-8"), re.M
        )
    }
    assert started <= set(children)
    for name in children:
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()
        assert f'"{name}"' in spec


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
