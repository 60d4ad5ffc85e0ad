"""What this package brings to salzoo."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_metrics(register: Register) -> None:
    register("emd", "salzoo_emd.emd:emd", summary="Exact earth mover's distance at 1/32 of the size (lower is better)")
