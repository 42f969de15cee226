"""The PyTorch side; runs where the packages of the "train" extra are installed."""

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed for training only")

from models.emotion_net import EmotionNet, conv_norm_pairs, load_imagenet  # noqa: E402
from models.loader import load_emotion_classifier  # noqa: E402
from pipeline.video.crop import FACE_SIZE_PX, MIN_CONTRAST, prepare_faces  # noqa: E402
from scripts.train_emotion_augment import Dice, augment, equalise, mix, normalise, place  # noqa: E402
from scripts.train_emotion_crew import Crew  # noqa: E402
from scripts.train_emotion_data import load_training  # noqa: E402
from scripts.train_emotion_export import export, export_student, fit_temperature, fold_batch_norm  # noqa: E402
from scripts.train_emotion_loop import Run, Setting  # noqa: E402
from scripts.train_emotion_losses import supervised_loss  # noqa: E402
from scripts.train_emotion_networks import build  # noqa: E402
from scripts.train_emotion_recipe import QUICK, STUDENT, TEACHERS, turned_over  # noqa: E402
from scripts.train_emotion_start import load_deployed  # noqa: E402


def folded_weights(net):
    rng = np.random.default_rng(0)
    weights = {}
    for name, conv, _ in conv_norm_pairs(net):
        shape = list(conv.weight.shape)
        shape[1] = 3 if name == "features.0.0" else shape[1]
        weights[f"{name}.weight"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        weights[f"{name}.bias_folded"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
    return weights


def test_batch_norm_put_back_keeps_the_function():
    torch.manual_seed(0)
    net, faces = EmotionNet(), torch.randn(8, 1, 48, 48)
    load_imagenet(net, folded_weights(net), faces)
    evaluated = net.eval().features(faces)
    trained = net.train().features(faces)
    # Batch statistics are what the running ones were set to, but for the bias of the variance.
    assert float((evaluated - trained).detach().abs().mean()) < 0.02 * float(evaluated.detach().abs().mean())
    for _, conv, _ in conv_norm_pairs(net):
        np.testing.assert_allclose(conv.weight.detach().flatten(1).norm(dim=1), 2**0.5, rtol=1e-4)


def test_folding_keeps_the_function():
    torch.manual_seed(0)
    net, faces = EmotionNet().eval(), torch.randn(4, 1, 48, 48)
    np.testing.assert_allclose(fold_batch_norm(net)(faces).detach(), net(faces).detach(), atol=1e-5)


def test_augmented_faces_are_grey_levels_and_repeatable():
    faces = torch.randint(0, 256, (32, 1, 48, 48)).float()
    one, other = (augment(faces, STUDENT, Dice(3)) for _ in range(2))
    assert one.shape == (32, 1, 48, 48)
    assert torch.equal(one, other)
    assert not torch.equal(one, augment(faces, STUDENT, Dice(4)))
    assert 0 <= float(one.min()) <= float(one.max()) <= 255
    assert float(normalise(one, 8.0).std()) == pytest.approx(0.5, abs=0.05)


def test_mild_faces_are_moved_only_and_come_first():
    faces = torch.full((32, 1, 48, 48), 130.0)  # moving a flat picture leaves it as it is
    changed = augment(faces, QUICK, Dice(3))
    assert changed.shape == (32, 1, 64, 64)
    is_flat = (changed - 130).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert bool(is_flat[:20].all())
    assert not bool(is_flat[20:].any())


def test_a_network_enlarges_the_faces_of_the_product_itself():
    net, faces = EmotionNet(stem_stride=2, size_px=64).eval(), torch.randn(4, 1, 48, 48)
    np.testing.assert_allclose(net(faces).detach(), net(place(faces, 64)).detach(), atol=1e-5)


def test_training_prepares_faces_as_live_frames_are_prepared():
    faces = torch.randint(0, 256, (4, 1, 48, 48), dtype=torch.uint8)
    mine = normalise(place(faces.float(), FACE_SIZE_PX), MIN_CONTRAST)
    np.testing.assert_allclose(mine, prepare_faces(faces[:, 0].numpy()), atol=0.02)


def test_equalising_is_what_opencv_does():
    faces = (torch.randn(3, 1, 48, 48) * 30 + 120).clamp(0, 255).round()
    expected = np.stack([cv2.equalizeHist(face[0].numpy().astype(np.uint8)) for face in faces])
    np.testing.assert_allclose(equalise(faces)[:, 0].round(), expected, atol=1)


def test_blends_share_their_targets():
    faces, targets = torch.randn(8, 1, 64, 64), torch.eye(14)[:8]
    mixed = [mix(faces, targets, Dice(seed)) for seed in range(20)]
    assert any(not torch.equal(shown, faces) for shown, _ in mixed)
    for _, shares in mixed:
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(8))


def test_a_row_without_votes_teaches_its_label_alone():
    logits = torch.randn(2, 2, 7, requires_grad=True)
    targets = torch.zeros(2, 14)
    targets[:, 7] = 1
    supervised_loss(logits, targets).backward()
    assert float(logits.grad[:, 0].abs().max()) == 0
    assert float(logits.grad[:, 1].abs().max()) > 0


@pytest.mark.parametrize("recipe", [*TEACHERS, STUDENT], ids=lambda recipe: recipe.name)
def test_every_network_answers_with_two_heads(recipe):
    assert build(recipe).eval()(torch.zeros(2, 1, 64, 64)).shape == (2, 2, 7)


def test_an_ablation_turns_one_ingredient_over():
    assert not turned_over(STUDENT, "mix").mix
    assert not turned_over(STUDENT, "align").align
    assert turned_over(STUDENT, "equalise").equalise
    assert turned_over(QUICK, "mild_share").mild_share == 0
    with pytest.raises(ValueError, match="no such ingredient"):
        turned_over(STUDENT, "luck")
    with pytest.raises(ValueError, match="how much to add"):
        turned_over(STUDENT, "mild_share")


@pytest.fixture
def folder(tmp_path):
    """FER2013 in small, and ImageNet weights that are none."""
    rng = np.random.default_rng(0)
    votes = np.zeros((80, 10), np.uint8)
    votes[np.arange(80), rng.integers(0, 7, 80)] = 10
    np.savez(
        tmp_path / "fer2013.npz",
        pixels=rng.integers(0, 256, (80, 48, 48)).astype(np.uint8),
        emotion=rng.integers(0, 7, 80).astype(np.uint8),
        usage=np.repeat(np.array([0, 1], np.uint8), (64, 16)),
        ferplus_votes=votes,
    )
    framing = np.tile(np.float32([[0.9, 0.1, 0.02], [-0.1, 0.9, 0]]), (80, 1, 1))
    np.savez(tmp_path / "alignment.npz", framing=framing)
    np.savez(tmp_path / "imagenet.npz", **folded_weights(EmotionNet()))
    return tmp_path


def test_a_run_goes_on_where_it_stopped_and_ends_as_if_it_had_not(folder):
    recipe = replace(QUICK, batch=16)

    def run(name):
        (folder / name).mkdir(exist_ok=True)
        setting = Setting(device=torch.device("cpu"), folder=folder / name, imagenet=folder / "imagenet.npz",
                          epochs=1.0, minutes=None, seed=1)  # fmt: skip
        made = Run(recipe, setting, load_training(folder))
        made.resume()
        return made

    whole = run("whole")
    whole.train([])
    stopped = run("parts")
    stopped.net.train()
    for _ in range(2):
        stopped._one_step([])
    stopped.save()
    resumed = run("parts")
    assert resumed.step == 2
    resumed.train([])
    assert whole.step == resumed.step == 4
    ends = zip(whole.ema.state_dict().values(), resumed.ema.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in ends)


def _train_in_a_crew(rank, folder):
    setting = Setting(device=torch.device("cpu"), folder=folder, imagenet=folder / "imagenet.npz", epochs=1.0,
                      minutes=None, seed=1, crew=Crew(rank, 2, folder / "meeting"))  # fmt: skip
    run = Run(replace(QUICK, batch=16, balance=False), setting, load_training(folder))
    seen = []
    rows = run._next_rows
    run._next_rows = lambda: seen.append(rows()) or seen[-1]
    run.train([])
    torch.save({"net": list(run.net.parameters()), "seen": torch.cat(seen), "step": run.step}, folder / f"{rank}.pt")


@pytest.mark.slow
def test_a_crew_sees_each_face_once_and_stays_of_one_mind(folder):
    torch.multiprocessing.spawn(_train_in_a_crew, (folder,), nprocs=2)
    first, second = (torch.load(folder / f"{rank}.pt") for rank in range(2))
    assert first["step"] == second["step"] == 2
    assert sorted(torch.cat((first["seen"], second["seen"])).tolist()) == list(range(64))
    assert all(torch.equal(one, other) for one, other in zip(first["net"], second["net"], strict=True))
    assert (folder / "student.part.pt").exists()


@pytest.mark.slow
def test_a_crew_fails_when_one_of_it_does(tmp_path):
    command = [sys.executable, "-m", "scripts.train_emotion", "--data", str(tmp_path), "--out", str(tmp_path / "out"),
               "--quick", "--processes", "2", "--device", "cpu"]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    assert "fer2013.npz" in ended.stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the other exporter of torch renames the weights
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_what_is_exported_computes_the_same_and_can_be_trained_on(folder, tmp_path):
    torch.manual_seed(0)
    net = EmotionNet(stem_stride=2, size_px=64).eval()
    for _, _, norm in conv_norm_pairs(net):
        torch.nn.init.normal_(norm.bias, std=0.1)  # equal biases would be stored once, under one name
    export(net, load_training(folder), tmp_path / "models")
    classifier = load_emotion_classifier(tmp_path / "models")
    faces = torch.randn(4, 1, FACE_SIZE_PX, FACE_SIZE_PX)
    assert classifier(faces.numpy()).shape == (4, 7)
    again = EmotionNet(stem_stride=2, size_px=64)
    load_deployed(again, tmp_path / "models" / "emotion.onnx", faces)
    np.testing.assert_allclose(again.eval()(faces).detach(), net(faces).detach(), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_the_mean_of_two_runs_is_exported(folder, tmp_path):
    nets = []
    for name in ("one", "other"):
        nets.append(EmotionNet(stem_stride=2, size_px=64).eval())
        for _, _, norm in conv_norm_pairs(nets[-1]):
            torch.nn.init.normal_(norm.bias, std=0.1)  # as above
        (tmp_path / name).mkdir()
        torch.save(nets[-1].state_dict(), tmp_path / name / "student.pt")
    (tmp_path / "one" / "student.json").write_text('{"stem_stride": 2, "size_px": 64}')
    export_student(tmp_path / "one", folder, tmp_path / "models", average_with=tmp_path / "other")
    with torch.no_grad():
        for mine, theirs in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
            mine.copy_((mine + theirs) / 2)
    faces = torch.randn(4, 1, FACE_SIZE_PX, FACE_SIZE_PX)
    again = EmotionNet(stem_stride=2, size_px=64)
    load_deployed(again, tmp_path / "models" / "emotion.onnx", faces)
    np.testing.assert_allclose(again.eval()(faces).detach(), nets[0](faces).detach(), atol=1e-4)


def test_temperature_undoes_overconfidence():
    torch.manual_seed(0)
    logits = torch.randn(4000, 7)
    labels = torch.distributions.Categorical(logits=logits).sample()
    assert fit_temperature(2 * logits, labels) == pytest.approx(2, abs=0.15)
