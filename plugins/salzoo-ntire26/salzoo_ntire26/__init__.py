"""What this package brings to salzoo."""

from salzoo.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    register(
        "ntire26",
        "salzoo_ntire26.dataset:open_ntire26",
        summary="NTIRE 2026 and AIM 2024: videos with sound, fixations by mouse",
        aliases=("avimos",),
    )
