"""Checkpoint folders from the Hugging Face Hub, through huggingface_hub: its cache, resumption, tokens and endpoint.

Only the three files of a checkpoint folder are ever asked for, all at one commit: whatever else a repository lists, a
pickle or a path that leads elsewhere, stays there.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salzoo.hub.checkpoint import CARD, CONFIG, WEIGHTS, load_checkpoint, read_config
from salzoo.interfaces import SalzooError

REPO = re.compile(r"([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?", re.ASCII)
"""``org/repo`` or ``org/repo@revision``; a revision is a branch, a tag or a commit."""


@dataclass(frozen=True)
class Pulled:
    """A checkpoint folder in huggingface_hub's cache.

    Attributes:
        folder: where it is.
        repo_id: ``org/repo``.
        commit: that it was taken from.
        sha256: of its weights file.
    """

    folder: Path
    repo_id: str
    commit: str
    sha256: str


def pull(name: str, sha256: str | None = None) -> Pulled:
    """Fetch a checkpoint folder, or find it in the cache.

    Args:
        name: ``org/repo`` or ``org/repo@revision``.
        sha256: what the weights file must have; by default what the Hub states.

    Raises:
        SalzooError: no such repository, revision or file, no right to read it, no connection and not in the cache, a
            checksum that differs, or a folder that is no whole checkpoint. What was wrong is removed from the cache.
    """
    match = REPO.fullmatch(name)
    if match is None:
        raise SalzooError(f"{name!r} is not the name of a model on the Hub: org/repo or org/repo@revision")
    repo_id, revision = match[1], match[2]
    config = _fetch(name, repo_id, CONFIG, revision)
    commit = config.parent.name
    try:
        read_config(config.parent)
        weights = _fetch(name, repo_id, WEIGHTS, commit)
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # The cache names a large file after the sha256 that the Hub states.
        stated = sha256 or (weights.resolve().name if re.fullmatch("[0-9a-f]{64}", weights.resolve().name) else digest)
        if digest != stated:
            raise SalzooError(f"{WEIGHTS} has sha256 {digest}, not {stated}: it was damaged or replaced")
        load_checkpoint(config.parent)
        _check_card(_fetch(name, repo_id, CARD, commit))
    except SalzooError as error:
        if not _unreachable(error):
            _forget(config.parent)
        raise SalzooError(f"{name} on the Hub: {error}") from error
    return Pulled(config.parent, repo_id, commit, digest)


def _fetch(name: str, repo_id: str, file: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download

    with hub_errors(name, file):
        return Path(hf_hub_download(repo_id, file, revision=revision))


class _UnreachableError(SalzooError):
    """What was wanted could not be had, which says nothing about what lies in the cache."""


def _unreachable(error: SalzooError) -> bool:
    return isinstance(error, _UnreachableError)


@contextmanager
def hub_errors(name: str, file: str = "") -> Iterator[None]:
    """Turn what huggingface_hub raises into one line that says what was wanted and what to do."""
    from huggingface_hub import constants, errors

    wanted = f"{name}{f' ({file})' if file else ''}"
    try:
        yield
    except errors.HFValidationError as error:
        raise _UnreachableError(f"{name!r} cannot be a name on the Hub: {_first_line(error)}") from error
    except errors.GatedRepoError as error:
        raise _UnreachableError(f"{wanted}: access must be asked for on its page, and HF_TOKEN set") from error
    except errors.RevisionNotFoundError as error:
        raise _UnreachableError(f"{wanted}: the repository has no such revision") from error
    except errors.RepositoryNotFoundError as error:
        raise _UnreachableError(
            f"{wanted}: {constants.ENDPOINT} has no such model, or it is private: check the name, or log in "
            "(hf auth login, or HF_TOKEN)"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        why = "offline mode is on" if constants.HF_HUB_OFFLINE else f"{constants.ENDPOINT} cannot be reached"
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            why = _answered(error.__cause__)
        raise _UnreachableError(f"{wanted} is not in the cache, and {why}") from error
    except errors.EntryNotFoundError as error:
        raise _UnreachableError(f"{wanted}: the repository has no {file}, so it is no salzoo checkpoint") from error
    except errors.HfHubHTTPError as error:
        raise _UnreachableError(f"{wanted}: {_answered(error)}") from error
    except errors.OfflineModeIsEnabled as error:
        raise _UnreachableError(f"{wanted}: offline mode is on (HF_HUB_OFFLINE)") from error
    except Exception as error:  # of the HTTP client, which is another one in each major version
        raise _UnreachableError(
            f"{wanted}: the connection to {constants.ENDPOINT} failed ({type(error).__name__}: {_first_line(error)})"
        ) from error


def _answered(error: Any) -> str:
    """What the Hub said, and what to do."""
    from huggingface_hub import constants

    status = getattr(error.response, "status_code", "an error")
    hint = ": log in (hf auth login, or HF_TOKEN)" if status in (401, 403) else "; try again later"
    return f"{constants.ENDPOINT} answered {status}{hint}"


def _check_card(path: Path) -> None:
    from huggingface_hub import ModelCard

    try:
        ModelCard(path.read_text(encoding="utf-8"))
    except Exception as error:  # whatever a YAML parser can think of
        raise SalzooError(f"its card cannot be read: {_first_line(error)}") from error


def _forget(folder: Path) -> None:
    """Remove the files of a checkpoint folder from the cache, with the blobs that they point to."""
    for name in (CONFIG, WEIGHTS, CARD):
        path = folder / name
        if path.is_symlink():
            path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
