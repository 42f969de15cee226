"""Several processes that train one network together: each sees its own faces, all take the same step.

Small networks leave a second thread idle half of the time; on two CPU cores two processes of one thread each show a
network four faces where one process of two threads shows it three.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor


class Crew:
    """The processes of one run; a crew of one needs nobody.

    Args:
        rank: of this process, from 0.
        size: how many there are.
        meeting: a file that does not exist yet, by which the processes find one another; unused by a crew of one.
    """

    def __init__(self, rank: int = 0, size: int = 1, meeting: Path | None = None) -> None:
        self.rank, self.size = rank, size
        if size > 1:
            assert meeting is not None
            dist.init_process_group("gloo", init_method=meeting.absolute().as_uri(), rank=rank, world_size=size)

    @property
    def leads(self) -> bool:
        """True in the process that saves, measures and reports."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of single precision by their means over the crew."""
        if self.size == 1:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(together)
        together /= self.size
        for tensor, mean in zip(tensors, together.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def mean(self, value: float) -> float:
        """Return the mean of a number over the crew, the same everywhere."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        dist.all_reduce(shared)
        return float(shared) / self.size


@contextmanager
def hired(module: str, arguments: Sequence[str], size: int) -> Iterator[Crew]:
    """Start the other processes of a crew, yield this one's place in it, and end them.

    Args:
        module: what they run, with ``--rank`` and ``--meeting`` behind the arguments.
        arguments: of the command line.
        size: how many processes there are, this one with them.

    Raises:
        RuntimeError: one of them failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        others = [
            subprocess.Popen([sys.executable, "-m", module, *arguments, "--rank", str(rank), "--meeting", str(meeting)])
            for rank in range(1, size)
        ]
        try:
            yield Crew(0, size, meeting)
            failed = [process.wait() for process in others]
        except BaseException:
            for process in others:
                process.terminate()
            raise
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()
        if any(failed):
            raise RuntimeError("one of the processes that trained together failed")
