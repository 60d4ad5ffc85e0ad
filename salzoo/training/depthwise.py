"""Gradients of large depthwise kernels in float32 where a network learns in bfloat16.

oneDNN 3.x has no quick kernel for them in bfloat16: those of 5×5 took five times as long as in float32, and two thirds
of a step of EfficientNet-Lite0 on a CPU with AVX512-BF16. Those of 3×3 are quick.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

LARGE = 5
"""Height or width of a kernel from which float32 is quicker."""


class Float32Gradients(TorchFunctionMode):
    """Within the block, forward and backward passes of large depthwise convolutions give the values of bfloat16 and the
    gradients of float32, on a CPU under autocast; all else is as it was."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.conv2d and not kwargs and len(args) == 7 and _is_large(args):
            return _Depthwise.apply(*args)
        return func(*args, **kwargs)


def _is_large(args: Sequence[Any]) -> bool:
    x, weight, _, _, padding, _, groups = args
    return (
        groups == weight.shape[0] == x.shape[-3] > 1
        and max(weight.shape[2:]) >= LARGE
        and not isinstance(padding, str)
        and x.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.is_grad_enabled()
    )


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution in autocast's precision with its gradients in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, *how: Any) -> Tensor:
        """As ``torch.conv2d`` with stride, padding, dilation and groups in ``how``."""
        low = torch.get_autocast_dtype("cpu")
        ctx.how, ctx.dtype, ctx.has_bias = how, x.dtype, bias is not None
        x, kernel = x.to(low), weight.to(low)
        ctx.save_for_backward(x, kernel)
        return torch.conv2d(x, kernel, None if bias is None else bias.to(low), *how)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        """Gradients of x, weight and bias."""
        x, kernel = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.how
        wanted = [*ctx.needs_input_grad[:2], ctx.has_bias and ctx.needs_input_grad[2]]
        of_x, of_weight, of_bias = torch.ops.aten.convolution_backward(
            grad.float(),
            x.float(),
            kernel.float(),
            [len(kernel)],
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            groups,
            wanted,
        )
        return None if of_x is None else of_x.to(ctx.dtype), of_weight, of_bias, None, None, None, None
