import tomllib

import pytest

from models.loader import MODELS_DIR, read_manifest
from scripts.manifest import write_entry

ENTRY = {"name": "eyes", "file": "eyes.onnx", "sha256": "0" * 64, "licence": 'A "quoted" one\\', "temperature": 0.9}


def test_an_entry_is_added_and_the_others_stay_as_they_are(tmp_path):
    path = tmp_path / "manifest.toml"
    before = (MODELS_DIR / "manifest.toml").read_text()
    path.write_text(before)
    write_entry(path, "zebra", ENTRY)
    networks = tomllib.loads(path.read_text())
    assert networks.pop("zebra") == ENTRY
    assert networks == tomllib.loads(before)
    assert path.read_text().startswith(before)
    assert read_manifest(tmp_path, "emotion") == read_manifest(MODELS_DIR, "emotion")


def test_an_entry_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "manifest.toml"
    write_entry(path, "eyes", ENTRY | {"gone": 1})
    write_entry(path, "eyes", ENTRY)
    assert tomllib.loads(path.read_text()) == {"eyes": ENTRY}
    assert [item.name for item in tmp_path.iterdir()] == ["manifest.toml"]


@pytest.mark.parametrize("text", ["[emotion", "emotion = 3", "[emotion]\nparts = [1]"])
def test_a_file_that_is_no_manifest_is_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.toml"):
        write_entry(path, "eyes", ENTRY)
    assert path.read_text() == text
