"""Train the emotion network on FER2013 faces with FER+ votes: first larger teachers, then the small network on them.

The folder of --data holds fer2013.npz and mobilenet_v2_imagenet.npz, and may hold codec.npz (scripts/code_faces) and
alignment.npz (scripts/align_faces). The same command goes on where it was stopped; networks that are finished in --out
are not trained again. On a GPU the teachers are trained side by side. At the end models/emotion.onnx is written.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import torch
from torch import nn

from models.emotion_net import N_EMOTIONS
from scripts.train_emotion_crew import Crew, hired
from scripts.train_emotion_data import PUBLIC_TEST, load_training, seen_rows
from scripts.train_emotion_faces import Faces
from scripts.train_emotion_loop import Run, Setting
from scripts.train_emotion_networks import build
from scripts.train_emotion_recipe import QUICK, STUDENT, TEACHERS, Recipe

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
RECIPES = {recipe.name: recipe for recipe in (*TEACHERS, STUDENT)}


def main() -> int:
    """Train what is not trained yet, then export."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.only is not None:
        train(RECIPES[options.only], options)
        return 0
    if not options.export_only:
        if options.teachers and not options.quick and not train_teachers(options):
            return 1
        recipe = QUICK if options.quick else STUDENT
        recipe = replace(recipe, learning_rate=options.learning_rate or recipe.learning_rate)
        if options.rank > 0:
            train(recipe, options, Crew(options.rank, options.processes, options.meeting))
            return 0
        with hired("scripts.train_emotion", sys.argv[1:], options.processes) as crew:
            train(recipe, options, crew)
    if options.export:
        from scripts.train_emotion_export import export_student

        export_student(options.out, options.data, options.models, options.average_with)
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_emotion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz and mobilenet_v2_imagenet.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--models", type=Path, default=MODELS_DIR, help="folder for emotion.onnx")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, help="length of each run in passes over the faces (default 60)")
    length.add_argument("--minutes", type=float, help="length of the student's run")
    parser.add_argument("--teacher-minutes", type=float, help="length of the teachers' run, all side by side")
    parser.add_argument("--compile", action="store_true", help="compile the networks: pays off on a GPU in long runs")
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--processes", type=int, default=1, help="that train the student together, on a CPU")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(RECIPES), help="train this network alone")
    parser.add_argument("--quick", action="store_true", help="a cheaper network without teachers, for two CPU cores")
    parser.add_argument("--start", type=Path, help="an emotion.onnx of ours for the student to begin with")
    parser.add_argument("--learning-rate", type=float, help="the student's, at the top of its schedule")
    parser.add_argument(
        "--no-teachers", dest="teachers", action="store_false", help="train the student on labels alone"
    )
    parser.add_argument("--no-export", dest="export", action="store_false", help="leave models/ as it is")
    parser.add_argument("--average-with", type=Path, help="--out of the run that made --start: export the mean of both")
    parser.add_argument("--export-only", action="store_true", help="write models/emotion.onnx from a finished student")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--meeting", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.processes < 1 or (options.processes > 1 and options.device != "cpu"):
        parser.error("--processes takes 1 or more, and more than 1 on a CPU only")
    return options


def train_teachers(options: argparse.Namespace) -> bool:
    """Train each teacher in a process of its own, at once on a GPU, else one after the other; say whether all did."""
    missing = [recipe.name for recipe in TEACHERS if not finished(recipe.name, options.out).exists()]
    common = [sys.executable, "-m", "scripts.train_emotion", "--data", str(options.data), "--out", str(options.out),
              "--device", options.device, "--seed", str(options.seed), "--threads", str(options.threads)]  # fmt: skip
    common += ["--compile"] if options.compile else []
    if options.teacher_minutes is not None:
        common += ["--minutes", str(options.teacher_minutes)]
    elif options.epochs is not None:
        common += ["--epochs", str(options.epochs)]
    if options.device == "cpu":
        return all(subprocess.run([*common, "--only", name], check=False).returncode == 0 for name in missing)
    running = [subprocess.Popen([*common, "--only", name]) for name in missing]
    codes = [process.wait() for process in running]
    return not any(codes)


def finished(name: str, folder: Path) -> Path:
    """Where the weights of a finished network lie."""
    return folder / f"{name}.pt"


def train(recipe: Recipe, options: argparse.Namespace, crew: Crew | None = None) -> None:
    """Train one network to the end of its run, unless it is there already, and measure it on PublicTest.

    Args:
        recipe: the network and its ingredients.
        options: data, out, device, seed, teachers, and either minutes or epochs.
        crew: the processes that train it together, None for this one alone.
    """
    if finished(recipe.name, options.out).exists():
        return
    training = load_training(options.data)
    seen = seen_rows(training, load_training(options.data, PUBLIC_TEST))
    epochs = None if options.minutes is not None else options.epochs or 60.0
    setting = Setting(device=torch.device(options.device), folder=options.out, epochs=epochs, minutes=options.minutes,
                      imagenet=options.data / "mobilenet_v2_imagenet.npz", seed=options.seed,
                      compiled=options.compile, start=None if recipe in TEACHERS else options.start,
                      crew=crew or Crew())  # fmt: skip
    run = Run(recipe, setting, training.rows(seen))
    run.resume()
    is_taught = recipe.distil and options.teachers and recipe not in TEACHERS
    run.train(load_teachers(options.out, setting) if is_taught else [])
    if not setting.crew.leads:
        return
    public = measure(run.ema, recipe, options, setting.device)
    torch.save(run.ema.state_dict(), finished(recipe.name, options.out))
    run.checkpoint.unlink(missing_ok=True)
    report = {
        "name": recipe.name,
        "epochs": round(run.epochs, 1),
        "minutes": round(run.elapsed_s / 60, 2),
        "stem_stride": recipe.stem_stride,
        "size_px": recipe.size_px,
    } | public
    (options.out / f"{recipe.name}.json").write_text(json.dumps(report))
    print(json.dumps(report), flush=True)


def load_teachers(folder: Path, setting: Setting) -> list[tuple[nn.Module, int]]:
    """Open the finished teachers with the size of their input in pixels."""
    teachers = []
    for recipe in TEACHERS:
        net = build(recipe)
        net.load_state_dict(torch.load(finished(recipe.name, folder), map_location="cpu", weights_only=True))
        net = net.to(setting.device, memory_format=torch.channels_last).eval()
        teachers.append((torch.compile(net) if setting.compiled else net, recipe.size_px))
    return teachers


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def measure(net: nn.Module, recipe: Recipe, options: argparse.Namespace, device: torch.device) -> dict[str, float]:
    """Measure both heads on PublicTest: accuracy, macro F1 of the FER+ head, its accuracy after a video codec."""
    faces = Faces(load_training(options.data, PUBLIC_TEST), recipe, device)
    logits = predict(net, faces, recipe, faces.pixels)
    truth, answers = faces.shares.argmax(dim=1)[faces.has_votes], logits[faces.has_votes, 0].argmax(dim=1)
    confusion = torch.bincount(truth * N_EMOTIONS + answers, minlength=N_EMOTIONS**2).view(N_EMOTIONS, -1).double()
    f1 = 2 * confusion.diagonal() / (confusion.sum(dim=0) + confusion.sum(dim=1)).clamp_min(1)
    result = {
        "public_ferplus7": float((truth == answers).double().mean()),
        "public_macro_f1": float(f1.mean()),
        "public_fer2013": float((logits[:, 1].argmax(dim=1) == faces.labels).double().mean()),
    }
    if faces.codec_pixels is not None:
        coded = predict(net, faces, recipe, faces.codec_pixels)[faces.has_votes, 0].argmax(dim=1)
        result["public_ferplus7_after_codec"] = float((truth == coded).double().mean())
    return {name: round(value, 4) for name, value in result.items()}


def predict(net: nn.Module, faces: Faces, recipe: Recipe, pixels: torch.Tensor) -> torch.Tensor:
    """Return the logits of all faces, shape (n, 2, 7), in single precision."""
    rows = torch.arange(len(pixels), device=pixels.device)
    return torch.cat([net(faces.prepared(part, recipe, pixels)).float() for part in rows.split(256)])


if __name__ == "__main__":
    sys.exit(main())
