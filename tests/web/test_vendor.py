import hashlib
import json
import re
from pathlib import Path

import pytest

from scripts.vendor import ROOT, SOURCES, VendorError, copy_assets, read_sha256_list, wrong_files


def test_list_names_every_asset_and_no_other() -> None:
    assert set(read_sha256_list()) == set(SOURCES)


def test_installed_assets_are_the_expected_ones() -> None:
    assert wrong_files(ROOT / "web" / "static" / "vendor", read_sha256_list()) == []


def test_changed_asset_is_refused_and_not_left_in_place(tmp_path: Path) -> None:
    expected = {}
    for name, source in SOURCES.items():
        file = tmp_path / "node_modules" / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        expected[name] = hashlib.sha256(name.encode()).hexdigest()
    target = tmp_path / "vendor"
    copy_assets(tmp_path / "node_modules", target, expected)
    assert wrong_files(target, expected) == []

    (tmp_path / "node_modules" / SOURCES["pico.min.css"]).write_text("changed")
    with pytest.raises(VendorError, match=r"pico\.min\.css"):
        copy_assets(tmp_path / "node_modules", target, expected)
    assert not (target / "pico.min.css").exists()
    assert wrong_files(target, expected) == ["pico.min.css"]


def test_lock_files_name_no_address() -> None:
    for name in ("package-lock.json", "requirements-node.lock"):
        assert not re.search(r"https?://|file:", (ROOT / name).read_text()), name


def test_lock_file_has_the_hash_of_every_package() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)


def test_versions_are_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
