"""What goes into a training run: the network, the schedule, and every ingredient that can be left out."""

from dataclasses import dataclass, replace

INGREDIENTS = (
    "imagenet", "votes", "ema", "warp", "mild_share", "degrade", "codec", "relight", "occlude", "mix", "balance",
    "distil", "equalise", "align",
)  # fmt: skip
"""What an ablation turns over, one at a time: left out where the recipe has it, added where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training run."""

    name: str
    """Names the checkpoint."""
    network: str
    """A key of ``scripts.train_emotion_networks.NETWORKS``."""
    size_px: int = 48
    """Side of the input; the deployed network enlarges faces of 48 px to it by itself."""
    stem_stride: int = 1
    """Stride of the first convolution, MobileNetV2 only."""
    optimiser: str = "adamw"
    """``adamw`` or ``sgd`` (Nesterov momentum 0.9)."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    batch: int = 256
    share: float = 1.0
    """Part of the time, relative to the networks trained beside it."""
    mild_share: float = 0.0
    """Part of each batch that is only mirrored and moved a little: short runs underfit without such faces."""

    imagenet: bool = True
    """Start from ImageNet weights (MobileNetV2 only), else from random ones."""
    votes: bool = True
    """The FER+ target is the distribution of the votes, else its largest."""
    ema: bool = True
    """The result is the exponential moving average of the weights, else the last weights."""
    warp: bool = True
    """Turn, scale and shift. Without it faces are only mirrored."""
    degrade: bool = True
    """Lower resolution, blur, quantise, add noise."""
    codec: bool = True
    """Three faces in ten have been through VP8 or H.264 (where --data has copies that have)."""
    relight: bool = True
    """Gamma, side light, darkness, clipping."""
    occlude: bool = True
    """Glasses-like bars, covered parts, a covered lower face."""
    mix: bool = True
    """MixUp and CutMix, each in a quarter of the steps."""
    balance: bool = True
    """Faces with votes for disgust come four times an epoch, for fear twice."""
    distil: bool = True
    """Learn from the teachers' answers to the same augmented faces."""
    equalise: bool = False
    """Histogram equalisation of every face, in training and at test."""
    align: bool = False
    """Most faces levelled and framed by landmarks as in a call, at test all that have them (needs alignment.npz)."""


STUDENT = Recipe(name="student", network="mobilenet", align=True)

QUICK = replace(
    STUDENT, size_px=64, stem_stride=2, batch=64, learning_rate=1e-3, mild_share=0.625, mix=False, distil=False
)
"""For two CPU cores and an hour or two: a quarter of the cost, labels alone, mostly mild changes, no blends."""

TEACHERS = (
    Recipe(name="teacher-mobilenet", network="mobilenet", size_px=64, share=1.2),
    Recipe(name="teacher-resnet", network="resnet", optimiser="sgd", learning_rate=0.1, weight_decay=5e-4),
    Recipe(name="teacher-vgg", network="vgg", optimiser="sgd", learning_rate=0.05, weight_decay=5e-4, share=0.7),
    Recipe(name="teacher-dense", network="dense", optimiser="sgd", learning_rate=0.1, weight_decay=3e-4),
)


def turned_over(recipe: Recipe, ingredient: str) -> Recipe:
    """Return the recipe without one of INGREDIENTS that it has, or with one that it does not have.

    Raises:
        ValueError: there is no such ingredient, or nothing says how much of it to add.
    """
    if ingredient not in INGREDIENTS:
        raise ValueError(f"no such ingredient: {ingredient!r}; there are {', '.join(INGREDIENTS)}")
    amount = getattr(recipe, ingredient)
    if not amount and not isinstance(amount, bool):
        raise ValueError(f"the recipe has no {ingredient}, and how much to add is not said")
    # Alternatives are named by what changes, so that each has a checkpoint of its own.
    name = f"{'no' if amount else 'with'}-{ingredient.removesuffix('_share')}"
    return replace(recipe, **{ingredient: type(amount)(not amount), "name": name})
