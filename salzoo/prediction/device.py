"""Where a model runs."""

import torch

from salzoo.interfaces.errors import SalzooError


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name, checked; without a name the best one here: CUDA, then MPS, then the CPU.

    Args:
        name: what ``torch.device`` takes: "cpu", "cuda", "cuda:1", "mps".

    Raises:
        SalzooError: unknown to PyTorch, or not available here.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SalzooError(f"unknown device {name!r}: name one such as cpu, cuda, cuda:1 or mps") from None
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).strip().partition("\n")[0]
        raise SalzooError(f"device {name!r} cannot be used here ({why}); --device cpu always works") from error
    return device
