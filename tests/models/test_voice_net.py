"""The PyTorch side; runs where the packages of the "train" extra are installed."""

import tomllib

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed for training only")

from models.loader import OnnxVoiceClassifier  # noqa: E402
from models.voice_net import Committee, DeployedVoiceNet, VoiceNet  # noqa: E402
from pipeline.audio.voice_input import N_MELS, N_ROWS  # noqa: E402
from pipeline.types import VOICE_EMOTIONS  # noqa: E402
from scripts import train_voice_loop  # noqa: E402
from scripts.train_voice import fold_of  # noqa: E402
from scripts.train_voice_data import LabelledVoices  # noqa: E402
from scripts.train_voice_discriminant import (  # noqa: E402
    Answers,
    describe_voices,
    fit_discriminant,
    fit_mixture,
)
from scripts.train_voice_export import export  # noqa: E402
from scripts.train_voice_loop import Setting, answer, train_net  # noqa: E402
from scripts.train_voice_rows import FLOOR, RowDice, augment_rows, mix_rows  # noqa: E402

RNG = np.random.default_rng(0)


def make_voices(n=64):
    """Clips whose emotion is told by one band."""
    labels = np.arange(n) % len(VOICE_EMOTIONS)
    copies = []
    for label in labels:
        rows = RNG.normal(-2, 0.3, (N_ROWS, int(RNG.integers(60, 90)))).clip(FLOOR, 0)
        rows[8 * label : 8 * label + 4] += 1.5
        copies.append(rows.astype(np.float16))
    return LabelledVoices(copies=(tuple(copies),), labels=labels, actors=np.arange(n) // 8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the other exporter of torch renames the weights
def test_the_network_is_small_and_exported_with_its_manifest_entry(tmp_path):
    torch.manual_seed(0)
    voices = make_voices()
    discriminant = fit_discriminant(describe_voices(voices), voices.labels)
    export(DeployedVoiceNet(Committee([VoiceNet(), VoiceNet()]), discriminant, 1.2, 0.5).eval(), voices, tmp_path)
    entry = tomllib.loads((tmp_path / "manifest.toml").read_text())["voice"]
    assert entry["parameters"] <= 2_000_000
    assert entry["actors"] == "0 1 2 3 4 5 6 7"
    classifier = OnnxVoiceClassifier((tmp_path / "voice.onnx").read_bytes(), source="here")
    assert classifier.version == f"voice-{entry['sha256'][:8]}"
    assert classifier.actors == tuple(range(8))
    rows = RNG.normal(-2, 0.5, (3, N_ROWS, 77)).astype(np.float32)
    np.testing.assert_allclose(classifier(rows).sum(axis=1), 1, atol=1e-5)


class StoppedError(Exception):
    """Somebody pulled the plug."""


def test_a_stopped_run_goes_on_as_it_would_have(tmp_path, monkeypatch):
    voices, rows = make_voices(), np.arange(64)
    whole = train_net(voices, rows, Setting(checkpoint=tmp_path / "whole.pt", epochs=2, seed=1, device="cpu"))
    stopped = Setting(checkpoint=tmp_path / "stopped.pt", epochs=2, seed=1, device="cpu")

    def save_and_stop(*state):
        save(*state)
        raise StoppedError

    save = train_voice_loop._save
    with monkeypatch.context() as patch:
        patch.setattr(train_voice_loop, "_save", save_and_stop)
        with pytest.raises(StoppedError):
            train_net(voices, rows, stopped)
    resumed = train_net(voices, rows, stopped)
    for name, weights in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weights, msg=name)


def test_no_speaker_is_heard_and_judged_by_the_same_network():
    actors = np.repeat(np.arange(1, 21), 3)
    fold = fold_of(actors)
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]
    for number in range(5):
        left_out = set(actors[fold == number].tolist())
        assert len(left_out) == 4
        assert not left_out & set(actors[fold != number].tolist())
        assert len({actor % 2 for actor in left_out}) == 2


def test_damage_keeps_shape_and_range_and_is_repeatable():
    clips = [RNG.normal(-2, 0.5, (N_ROWS, n)).astype(np.float32) for n in (60, 90, 75)]
    rows = augment_rows(clips, 70, RowDice(5, 3))
    assert rows.shape == (3, N_ROWS, 70)
    assert float(rows[:, :N_MELS].min()) >= FLOOR
    assert torch.equal(rows, augment_rows(clips, 70, RowDice(5, 3)))
    assert not torch.equal(rows, augment_rows(clips, 70, RowDice(6, 3)))


def test_mixing_mixes_rows_and_targets_alike():
    rows, targets = torch.eye(4), torch.eye(4)
    mixed = [mix_rows(rows, targets, seed) for seed in range(20)]
    assert all(torch.equal(a, b) for a, b in mixed)
    assert any(not torch.equal(a, rows) for a, _ in mixed)
    assert any(torch.equal(a, rows) for a, _ in mixed)


def test_the_discriminant_tells_what_one_band_tells():
    voices, others = make_voices(), make_voices()
    discriminant = fit_discriminant(describe_voices(voices), voices.labels)
    answers = answer(discriminant, others, np.arange(64)).argmax(dim=1).numpy()
    assert np.mean(answers == others.labels) > 0.95


def test_the_mixture_trusts_whom_it_can_trust_and_cools_who_is_too_sure():
    labels = torch.arange(400) % 8
    right = torch.nn.functional.one_hot(labels, 8).float()
    noise = torch.from_numpy(RNG.normal(0, 1, (400, 8)).astype(np.float32))
    good, sure = 3 * right + noise, 6 * (1.2 * right + noise)
    assert fit_mixture([Answers(net=good, discriminant=noise, labels=labels)]).weight < 0.3
    assert fit_mixture([Answers(net=sure, discriminant=torch.zeros(400, 8), labels=labels)]).temperature > 2
