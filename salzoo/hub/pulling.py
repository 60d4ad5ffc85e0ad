"""Checkpoint folders from the Hugging Face Hub, through huggingface_hub: its cache, resumption, tokens and endpoint.

Only the three files of a checkpoint folder are ever asked for, all at one commit: whatever else a repository lists, a
pickle or a path that leads elsewhere, stays there.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salzoo.hub.cards import split_card
from salzoo.hub.checkpoint import CARD, CONFIG, WEIGHTS, load_checkpoint, read_config
from salzoo.hub.guarding import HostileAnswerError, guarded
from salzoo.interfaces import SalzooError
from salzoo.interfaces.errors import one_line
from salzoo.runtime.files import file_sha256
from salzoo.runtime.network import cached_snapshots, is_reachable

FILES = (CONFIG, WEIGHTS, CARD)

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
        digest = file_sha256(weights)
        # The cache names a large file after the sha256 that the Hub states.
        stated = sha256 or (weights.resolve().name if re.fullmatch("[0-9a-f]{64}", weights.resolve().name) else digest)
        if digest != stated:
            raise SalzooError(f"{WEIGHTS} has sha256 {digest}, not {stated}: it was damaged or replaced")
        load_checkpoint(config.parent)
        split_card(_fetch(name, repo_id, CARD, commit).read_text(encoding="utf-8", errors="replace"), CARD)
    except SalzooError as error:
        if not isinstance(error, _UnreachableError):
            _forget(config.parent)
        raise SalzooError(f"{name} on the Hub: {error}") from error
    return Pulled(config.parent, repo_id, commit, digest)


def _fetch(name: str, repo_id: str, file: str, revision: str | None) -> Path:
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    try:
        with hub_errors(name, file):
            if not isinstance(try_to_load_from_cache(repo_id, file, revision=revision), str) and not (
                constants.HF_HUB_OFFLINE or is_reachable()
            ):
                wanted = f"{name} ({file}) is not in the cache"
                raise _UnreachableError(f"{wanted}, and {constants.ENDPOINT} cannot be reached")
            with guarded(file):
                return Path(hf_hub_download(repo_id, file, revision=revision))
    except _UnreachableError:
        # Where the cache has lost which commit a name means, what it holds is better than nothing.
        whole = [folder for folder in cached_snapshots(repo_id) if all((folder / each).exists() for each in FILES)]
        if revision is not None or not whole or not (constants.HF_HUB_OFFLINE or not is_reachable()):
            raise
        print(f"salzoo: {name}: the Hub cannot be asked; the cache holds commit {whole[0].name}", file=sys.stderr)
        return whole[0] / file


class _UnreachableError(SalzooError):
    """What was wanted could not be had, which says nothing about what lies in the cache."""


@contextmanager
def hub_errors(name: str, file: str = "") -> Iterator[None]:
    """Turn what huggingface_hub raises into one line that says what was wanted and what to do."""
    from huggingface_hub import constants, errors

    wanted = f"{name}{f' ({file})' if file else ''}"
    try:
        yield
    except _UnreachableError:
        raise
    except HostileAnswerError as error:
        raise _UnreachableError(f"{wanted}: {error}; is {constants.ENDPOINT} the Hub that you mean?") from error
    except errors.HFValidationError as error:
        raise _UnreachableError(f"{name!r} cannot be a name on the Hub: {one_line(error)}") from error
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
    except OSError as error:
        if error.filename is None and not error.errno:  # of the HTTP client: requests' errors are OSErrors
            raise _connection_failed(wanted, error) from error
        raise _UnreachableError(f"{wanted}: the cache cannot be written ({one_line(error)})") from error
    except ValueError as error:
        raise _UnreachableError(f"{wanted}: what the server answers makes no sense ({one_line(error)})") from error
    except Exception as error:  # of the HTTP client, which is another one in each major version
        raise _connection_failed(wanted, error) from error


def _connection_failed(wanted: str, error: Exception) -> _UnreachableError:
    from huggingface_hub import constants

    return _UnreachableError(f"{wanted}: the connection to {constants.ENDPOINT} failed ({one_line(error)})")


def _answered(error: Any) -> str:
    """What the Hub said, and what to do."""
    from huggingface_hub import constants

    status = getattr(error.response, "status_code", "an error")
    hint = ": log in (hf auth login, or HF_TOKEN)" if status in (401, 403) else "; try again later"
    return f"{constants.ENDPOINT} answered {status}{hint}"


def _forget(folder: Path) -> None:
    """Remove the files of a checkpoint folder from the cache, with the blobs that they point to."""
    for name in (CONFIG, WEIGHTS, CARD):
        path = folder / name
        if path.is_symlink():
            path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
