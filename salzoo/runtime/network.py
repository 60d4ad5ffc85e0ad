"""Whether the Hugging Face Hub can be asked, found out before its client tries again for a minute."""

from contextlib import suppress
from pathlib import Path

SECONDS = 10.0
"""How long the Hub may take to answer at all."""


def is_reachable() -> bool:
    """Whether the Hub (``HF_ENDPOINT``) answers anything; never in its offline mode."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return False
    with suppress(Exception):  # of the HTTP client, which is another one in each major version
        get_session().head(constants.ENDPOINT, timeout=SECONDS)
        return True
    return False


def cached_snapshots(repo_id: str) -> list[Path]:
    """The folders of a model's commits in the client's cache, the latest first."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo_id.replace('/', '--')}" / "snapshots"
    try:
        found = [path for path in folder.iterdir() if any(path.iterdir())]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []


def check_at_hand(repo_id: str) -> None:
    """Raise ConnectionError where a model is neither in the cache nor to be had."""
    if not cached_snapshots(repo_id) and not is_reachable():
        raise ConnectionError("the Hub cannot be reached")
