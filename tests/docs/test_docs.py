"""The documents say what is there, and what they say is there exists."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from scripts import document_signals
from server.config import PREFIX, Config

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", [item.name for item in fields(Config)])
def test_each_setting_is_documented(name):
    text = (ROOT / "docs/install.md").read_text()
    assert f"`--{name.replace('_', '-')}`" in text
    assert f"`{PREFIX}{name.upper()}`" in text


def test_no_setting_is_documented_that_does_not_exist():
    known = {PREFIX + item.name.upper() for item in fields(Config)}
    for document in DOCUMENTS:
        assert set(re.findall(r"COMPOSURE_[A-Z_]+[A-Z]", document.read_text())) <= known, document.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_commands_lead_somewhere(document):
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
    for command in re.findall(r"\bscripts/[a-z_]+", text):
        assert (ROOT / command).exists(), f"{document.name} names {command}"


def test_lock_files_hold_no_addresses():
    for lock in [*ROOT.glob("requirements*.lock"), ROOT / "package-lock.json"]:
        assert "://" not in lock.read_text(), lock.name


def test_the_page_of_signals_is_what_the_catalogue_says():
    assert (ROOT / "docs/signals.md").read_text() == document_signals.render()
