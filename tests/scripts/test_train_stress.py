import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.svm import SVC

from models.stress_module import load_stress_module
from pipeline.catalogue import CATALOGUE
from scripts.train_stress import main
from scripts.train_stress_data import SPEECH_COLUMN, DataError, Windows, load_windows, read_labels, read_series
from scripts.train_stress_figures import (
    area_under_roc,
    leave_one_subject_out,
    measure,
    measure_speech,
    measure_subgroups,
)
from scripts.train_stress_fit import MAX_DEPTH, MIN_LEAF, SEED, fit
from server.export.columns import COLUMNS, SIGNAL_COLUMNS, read_signals
from tests.fakes.signals import signal, tick

TELLING, NOISE = "nonverbal.negative_share", "nonverbal.surprise_share"
N_TREES = 10
STRETCH_S = 60


def write_sessions(folder: Path, *, effect: float, n_subjects: int = 8, seed: int = 3) -> Path:
    """A session a subject: four minutes with alternating labels, of which one signal depends by ``effect`` spreads."""
    dice = np.random.default_rng(seed)
    header = ["t_s", SPEECH_COLUMN, *(f"{name}{end}" for name in (TELLING, NOISE) for end in ("", "_quality", "_z"))]
    lines = []
    for i in range(n_subjects):
        with (folder / f"composure-s{i}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            own = dice.normal(0, 0.5)
            for t in range(4 * STRETCH_S + 1):
                label = ((t - 1) // STRETCH_S + i) % 2
                z = own + effect * label + dice.normal(), dice.normal()
                # One reading in ten is worthless, and would give the answer away.
                quality = 0.1 if t % 10 == 0 else 0.9
                telling = 50.0 * label if quality < 0.5 else z[0]
                writer.writerow([t, round(dice.random(), 3), 0.2, quality, telling, 0.1, 0.9, z[1]])
        for n in range(4):
            glasses = "yes" if i % 3 == 0 else "no"
            lines.append([f"s{i}", f"p{i}", n * STRETCH_S, (n + 1) * STRETCH_S, (n + i) % 2, glasses])
    labels = folder / "labels.csv"
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([["session", "subject", "from_s", "to_s", "label", "glasses"], *lines])
    return labels


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    write_sessions(folder, effect=3.0)
    return folder


def windows_of(folder: Path, hop_s: float = 15.0):
    return load_windows(folder, read_labels(folder / "labels.csv"), hop_s=hop_s)


def test_the_exported_columns_are_the_ones_that_are_read():
    assert {f"{name}{end}" for name in CATALOGUE for end in ("_z", "_quality")} <= set(SIGNAL_COLUMNS)
    assert {"t_s", SPEECH_COLUMN} <= {column.name for column in COLUMNS}


def test_what_is_exported_is_what_is_read(tmp_path: Path):
    estimates = [
        tick(float(t), 0.3, signal(TELLING, 0.4, z=1.5, quality=0.4 if t == 2 else 0.9), signal(NOISE, None))
        for t in (1, 2, 3)
    ]
    with (tmp_path / "s.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["t_s", *SIGNAL_COLUMNS])
        writer.writerows([item.t_s, *read_signals(item)] for item in estimates)
    series = read_series(tmp_path / "s.csv")
    assert series.t_s.tolist() == [1.0, 2.0, 3.0]
    assert series.distances[TELLING] == pytest.approx([1.5, np.nan, 1.5], nan_ok=True)
    assert np.isnan(series.distances[NOISE]).all()
    assert np.isnan(series.speech_share).all()


def test_windows_lie_within_their_stretch_and_leave_poor_values_out(told: Path):
    windows = windows_of(told)
    assert windows.signals == (TELLING, NOISE)
    assert len(windows.labels) == 8 * 4 * 3
    medians = windows.features[:, 0]
    assert np.abs(medians).max() < 10
    assert medians[windows.labels == 1].mean() - medians[windows.labels == 0].mean() == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("kind", ["logistic", "forest", "svm"])
def test_a_signal_that_tells_is_found_in_people_who_were_left_out(told: Path, kind: str):
    windows = windows_of(told)
    figures = measure(windows, leave_one_subject_out(kind, windows, n_trees=N_TREES), has_intervals=True)
    assert figures.auroc is not None
    assert figures.balanced_accuracy is not None
    assert figures.auroc > 0.9
    assert figures.balanced_accuracy > 0.8
    assert figures.brier < 0.2
    assert figures.auroc_ci95 is not None
    assert 0.5 < figures.auroc_ci95[0] <= figures.auroc <= figures.auroc_ci95[1]


def test_random_labels_are_not_learnt(tmp_path: Path):
    write_sessions(tmp_path, effect=0.0, n_subjects=16)
    windows = windows_of(tmp_path)
    for kind in ("logistic", "forest"):
        figures = measure(windows, leave_one_subject_out(kind, windows, n_trees=N_TREES), has_intervals=True)
        assert figures.auroc is not None
        assert figures.auroc == pytest.approx(0.5, abs=0.12)
        assert figures.auroc_ci95 is not None
        assert figures.auroc_ci95[0] < 0.5


def noise(*, n_subjects: int, shares: list[float], seed: int) -> Windows:
    """Windows whose features know nothing of the labels; each subject has a share of label 1, repeated in turn."""
    dice, n_windows = np.random.default_rng(seed), 12
    labels = [(np.arange(n_windows) < round(n_windows * share)).astype(int) for share in shares]
    subjects = np.repeat([f"p{i}" for i in range(n_subjects)], n_windows)
    return Windows(
        signals=(TELLING, NOISE),
        features=dice.normal(size=(len(subjects), 4)),
        labels=np.concatenate([labels[i % len(labels)] for i in range(n_subjects)]),
        subjects=subjects,
        groups={},
        speech_share=np.full(len(subjects), np.nan),
        n_sessions=n_subjects,
        n_skipped=0,
    )


@pytest.mark.parametrize("shares", [[0.0, 1.0], [0.25, 0.75, 0.5, 1.0, 0.0]])
def test_guessing_is_worth_half_however_unequally_the_labels_fall_on_the_subjects(shares: list[float]):
    found, of_probability = [], []
    for seed in range(10):
        windows = noise(n_subjects=10, shares=shares, seed=seed)
        answers = leave_one_subject_out("logistic", windows, n_trees=N_TREES)
        of_probability.append(area_under_roc(windows.labels, answers.probability))
        found.append(measure(windows, answers, has_intervals=True))
    assert np.mean(of_probability) < 0.45, "the share in training gives the label away, the wrong way round"
    assert np.mean([item.auroc for item in found]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([item.balanced_accuracy for item in found]) == pytest.approx(0.5, abs=0.06)
    n_honest = sum(item.auroc_ci95 is not None and item.auroc_ci95[0] < 0.5 < item.auroc_ci95[1] for item in found)
    assert n_honest >= 7


def test_the_subject_that_is_judged_is_never_among_those_fitted(monkeypatch: pytest.MonkeyPatch, told: Path):
    windows, seen = windows_of(told), []

    def note(kind, signals, features, labels, subjects, *, n_trees):
        seen.append(set(subjects.tolist()))
        return fit(kind, signals, features, labels, subjects, n_trees=n_trees)

    monkeypatch.setattr("scripts.train_stress_figures.fit", note)
    leave_one_subject_out("logistic", windows, n_trees=N_TREES)
    everybody = {f"p{i}" for i in range(8)}
    assert sorted((everybody - fitted).pop() for fitted in seen) == sorted(everybody)
    assert all(len(fitted) == 7 for fitted in seen)


def test_a_module_answers_as_scikit_learn_does(told: Path):
    windows = windows_of(told)
    arguments = windows.signals, windows.features, windows.labels, windows.subjects
    logistic, forest, svm = (fit(kind, *arguments, n_trees=N_TREES) for kind in ("logistic", "forest", "svm"))
    x = (np.nan_to_num(windows.features) - logistic.centre) / logistic.scale
    theirs = LogisticRegression(C=0.1, max_iter=2000).fit(x, windows.labels).predict_proba(x)[:, 1]
    assert [logistic.judge(row) for row in windows.features] == pytest.approx(theirs)
    trees = RandomForestClassifier(
        n_estimators=N_TREES, max_depth=MAX_DEPTH, min_samples_leaf=MIN_LEAF, random_state=SEED
    ).fit(x, windows.labels)
    assert [forest.judge(row) for row in windows.features] == pytest.approx(trees.predict_proba(x)[:, 1])
    machine = SVC(C=1.0, gamma=1 / x.shape[1]).fit(x, windows.labels)
    assert svm.decide.slope > 0  # type: ignore[union-attr]
    order = np.argsort(machine.decision_function(x))
    assert (np.diff(np.array([svm.judge(row) for row in windows.features])[order]) >= -1e-9).all()


def test_figures_are_those_of_scikit_learn():
    dice = np.random.default_rng(1)
    labels = dice.integers(0, 2, 200)
    score = np.round(dice.random(200) + 0.2 * labels, 1)
    assert area_under_roc(labels, score) == pytest.approx(roc_auc_score(labels, score))


def test_balanced_accuracy_and_subgroups(told: Path):
    windows = windows_of(told)
    answers = leave_one_subject_out("logistic", windows, n_trees=N_TREES)
    whole = measure(windows, answers)
    assert whole.balanced_accuracy == pytest.approx(balanced_accuracy_score(windows.labels, answers.decision))
    groups = measure_subgroups(windows, answers)["glasses"]
    assert {name: item.n_subjects for name, item in groups.items()} == {"no": 5, "yes": 3}
    assert sum(item.n_windows for item in groups.values()) == whole.n_windows
    speech = measure_speech(windows)
    assert speech is not None
    assert speech < 0.65


def test_the_command_writes_a_module_that_a_server_loads_and_a_card(told: Path, tmp_path: Path, capsys):
    kind = "forest"
    arguments = ["--sessions", told, "--labels", told / "labels.csv", "--out", tmp_path, "--trees", N_TREES]
    assert main([str(item) for item in [*arguments, "--model", kind, "--hop-s", 30]]) == 0
    read = load_stress_module(tmp_path / "stress.json")
    windows = windows_of(told, 30.0)
    again = fit(kind, windows.signals, windows.features, windows.labels, windows.subjects, n_trees=N_TREES)
    assert [read.module.judge(row) for row in windows.features] == pytest.approx(
        [again.judge(row) for row in windows.features]
    )
    assert json.loads((tmp_path / "stress.json").read_text())["card"]["leave_one_subject_out"].keys() == {
        "logistic",
        "forest",
        "svm",
    }
    card = (tmp_path / "stress.md").read_text()
    for words in ("8 subjects", "AUROC", "Brier", "| glasses |", "(this one)", TELLING, "not as a lie detector"):
        assert words in card
    assert "AUROC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("session,subject\n", "no column from_s, to_s, label"),
        ("session,subject,from_s,to_s,label\ns0,p0,0,60,2\n", "line 2: label must be 0 or 1"),
        ("session,subject,from_s,to_s,label\ns0,p0,60,0,1\n", "line 2: to_s must be after from_s"),
        ("session,subject,from_s,to_s,label\ns0,,0,60,1\n", "must not be empty"),
        ("session,subject,from_s,to_s,label\ns0, ,0,60,1\n", "must not be empty"),
        ("session,subject,from_s,to_s,label\nnone,p0,0,60,1\n", "has no none.csv"),
        ("session,subject,from_s,to_s,label\ns0,p0,0,60,1\ns0,P0,60,120,0\n", "two subjects, 'p0' and 'P0'"),
        ("session,subject,from_s,to_s,label\ns0,p0,0,60,1\ncomposure-s0,P0,60,120,0\n", "two subjects"),
        ("session,subject,from_s,to_s,label\ns0,p0,0,20,1\n", "no labelled stretch lasts 30 s"),
        ("session,subject,from_s,to_s,label\ns0,p0,0,60,1\ns1,p1,0,60,0\n", "at least three"),
        ("session,subject,from_s,to_s,label\n" + "".join(f"s{i},p{i},0,60,1\n" for i in range(3)), "only one label"),
    ],
)
def test_labels_that_cannot_be_used_are_named(told: Path, tmp_path: Path, text: str, problem: str, capsys):
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    assert main(["--sessions", str(told), "--labels", str(labels), "--out", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err


def test_spaces_around_names_make_no_further_sessions_or_subjects(told: Path, tmp_path: Path):
    header, *lines = (told / "labels.csv").read_text().splitlines()
    spaced = [line if i % 2 else " " + line.replace(",p", ", p").replace(",", " ,", 2) for i, line in enumerate(lines)]
    (tmp_path / "labels.csv").write_text("\n".join([header, *spaced]))
    windows = load_windows(told, read_labels(tmp_path / "labels.csv"), hop_s=15.0)
    assert set(windows.subjects.tolist()) == {f"p{i}" for i in range(8)}
    assert windows.n_sessions == 8


def test_a_file_that_is_no_series_is_named(tmp_path: Path):
    write_sessions(tmp_path, effect=1.0, n_subjects=1)
    (tmp_path / "composure-s0.csv").write_text("t_s,stress\n1,0.5\n")
    with pytest.raises(DataError, match="no exported series with signals"):
        windows_of(tmp_path)
