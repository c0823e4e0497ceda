"""Makes a ``.deb`` and a ``.tar.gz`` of the program in ``dist/initviz``: ``python3 packaging/linux/build.py``.

Needs Debian's ``dpkg-deb`` for the ``.deb``. The program must have been built before: ``python3 tasks.py package``.
"""

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = ROOT / "dist" / "initviz"
NAME = "org.initviz.InitViz"
ICON_SIZES = (48, 64, 128, 256, 512)
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

sys.path.insert(0, str(ROOT))

from tasks import PYTHON, QT_LIBRARIES, SCREEN_LIBRARIES  # noqa: E402 - found only through the line above

CONTROL = """Package: initviz
Version: {version}
Section: education
Priority: optional
Architecture: {architecture}
Installed-Size: {size}
Depends: libc6, {depends}
Recommends: fonts-dejavu-core, fonts-droid-fallback | fonts-noto-cjk
Maintainer: InitViz contributors <maintainers@initviz.invalid>
Description: see why a network's start decides whether it learns
 Several copies of a small neural network get different starts and train side
 by side. The window shows loss, gradients, weights and signals layer by layer
 while they do.
"""


def version() -> str:
    """Return the program's version as the source has it."""
    source = (ROOT / "initviz" / "__init__.py").read_text(encoding="utf-8")
    return source.split('__version__ = "')[1].split('"')[0]


def lay_out_share(share: Path) -> None:
    """Write the menu entry, the description for software centres, and the icons below a ``share`` folder."""
    applications, metainfo = share / "applications", share / "metainfo"
    applications.mkdir(parents=True)
    metainfo.mkdir()
    shutil.copy(HERE / f"{NAME}.desktop", applications)
    text = (HERE / f"{NAME}.metainfo.xml").read_text(encoding="utf-8")
    built = datetime.datetime.fromtimestamp((PROGRAM / "initviz").stat().st_mtime, datetime.UTC)
    text = text.replace("@VERSION@", version()).replace("@DATE@", built.date().isoformat())
    (metainfo / f"{NAME}.metainfo.xml").write_text(text, encoding="utf-8")
    target = str(share / "icons" / "hicolor" / "{size}x{size}" / "apps" / f"{NAME}.png")
    sizes = [str(size) for size in ICON_SIZES]
    subprocess.run([str(PYTHON), str(ROOT / "packaging" / "icon.py"), target, "--sizes", *sizes], check=True)
    scalable = share / "icons" / "hicolor" / "scalable" / "apps"
    scalable.mkdir(parents=True)
    shutil.copy(ROOT / "resources" / "icons" / "initviz.svg", scalable / f"{NAME}.svg")


def build_deb(target: Path) -> None:
    """Write the Debian package."""
    with tempfile.TemporaryDirectory(dir=PROGRAM.parent) as folder:
        tree = Path(folder, "initviz")
        lay_out_share(tree / "usr" / "share")
        # Links instead of copies: the program is large.
        shutil.copytree(PROGRAM, tree / "usr" / "lib" / "initviz", symlinks=True, copy_function=os.link)
        (tree / "usr" / "bin").mkdir()
        (tree / "usr" / "bin" / "initviz").symlink_to("../lib/initviz/initviz")
        documents = tree / "usr" / "share" / "doc" / "initviz"
        documents.mkdir(parents=True)
        shutil.copy(ROOT / "LICENSE", documents / "copyright")
        shutil.copy(ROOT / "THIRD_PARTY_NOTICES.md", documents)
        size = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
        depends = ", ".join(sorted({*QT_LIBRARIES.values(), *SCREEN_LIBRARIES.values()}))
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN" / "control").write_text(
            CONTROL.format(version=version(), architecture=architecture(), size=size, depends=depends),
            encoding="utf-8",
        )
        for path in (tree, *tree.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(tree), str(target)], check=True
        )


def build_archive(target: Path) -> None:
    """Write an archive that is unpacked anywhere; ``initviz/initviz`` starts the program."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(target, "w:gz", compresslevel=6) as archive:
        lay_out_share(Path(folder, "share"))
        archive.add(PROGRAM, "initviz")
        archive.add(Path(folder, "share"), "initviz/share")


def architecture() -> str:
    """Return Debian's name for this machine."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def main() -> int:
    """Build what the command line asks for, both by default."""
    parser = argparse.ArgumentParser(description="Make a .deb and a .tar.gz of the program in dist/initviz.")
    parser.add_argument("--only", choices=["deb", "tar.gz"], help="make one of them")
    only = parser.parse_args().only
    formats = [only] if only else ["deb", "tar.gz"]
    if not (PROGRAM / "initviz").exists():
        print("There is no program yet. Build it first: python3 tasks.py package", file=sys.stderr)
        return 1
    if "deb" in formats:
        if shutil.which("dpkg-deb") is None:
            print("A .deb needs dpkg-deb. For the archive alone: build.py --only tar.gz", file=sys.stderr)
            return 1
        build_deb(ROOT / "dist" / f"initviz_{version()}_{architecture()}.deb")
    if "tar.gz" in formats:
        build_archive(ROOT / "dist" / f"initviz-{version()}-linux-{platform.machine()}.tar.gz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
