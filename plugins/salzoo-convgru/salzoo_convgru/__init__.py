"""What this package brings to salzoo."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_temporal_modules(register: Register) -> None:
    register("convgru", "salzoo_convgru.convgru:ConvGRU", summary="Convolutional GRU on a layer's input")
