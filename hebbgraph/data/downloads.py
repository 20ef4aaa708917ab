"""Downloads: files of known content, kept in a cache folder, checked on every use.

A file that is not what it must be is refused, wherever it came from; nothing takes its place.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hebbgraph.errors import Fault, Invalid, Unavailable

#: Names the folder of fetched data; by default hebbgraph/data in the user's cache folder.
FOLDER_VARIABLE = "HEBBGRAPH_DATA"
#: Called with (done, total, what is being done); here in bytes, as the text says at its end.
Teller = Callable[[int, int, str], None]

_CHUNK = 2**18
_TIMEOUT_SECONDS = 30.0
_NETWORK_ERRORS = (OSError, http.client.HTTPException)  # URLError and timeouts are OSErrors


@dataclass(frozen=True)
class Remote:
    """A published file: where it lies in the cache, where it is fetched, and what it must be."""

    #: Folder and name below the cache folder.
    path: str
    #: Where it is published; tried in this order.
    urls: tuple[str, ...]
    #: Bytes.
    size: int
    #: Checksum, or nothing where only an MD5 was published.
    sha256: str
    md5: str = ""

    @property
    def checksum(self) -> tuple[str, str]:
        """Return the algorithm and what it must give."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)


def cache_folder() -> Path:
    """Return where fetched data are kept.

    The environment variable HEBBGRAPH_DATA, else ``hebbgraph/data`` in XDG_CACHE_HOME or ~/.cache.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "hebbgraph" / "data"


def obtain(remote: Remote, progress: Teller | None = None) -> Path:
    """Return the checked file in the cache folder, fetching it if it is not there.

    A download that was cut off goes on where it ended. The file appears under its name only when
    it is complete and its checksum right. Raises `Invalid` if the file that is there is another
    one, `Unavailable` if it can be fetched from nowhere: the text says which file to put where.
    """
    target = cache_folder() / remote.path
    if not target.exists():
        with _locked(target, remote):
            if not target.exists():  # another process may have fetched it meanwhile
                return _download(remote, target, progress)
    wrong = _wrong(target, remote)
    if wrong:
        remedy = f"remove it to have it fetched again, or put the one of {remote.urls[0]} there"
        raise Invalid("data file", [Fault(str(target), wrong, _need(remote), remedy)])
    return target


def _download(remote: Remote, target: Path, progress: Teller | None) -> Path:
    """Fetch from the first address that delivers what the file must be."""
    partial = target.with_name(f".{target.name}.partial")
    reasons = []
    for url in remote.urls:
        for _ in range(2):  # what a cut-off download left may be what is wrong: once more without
            resumed = partial.exists()
            try:
                _fetch(url, partial, remote, progress)
                wrong = _wrong(partial, remote)
            except urllib.error.HTTPError as error:
                error.close()
                if resumed and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    partial.unlink()
                    continue
                reasons.append(f"{url}: {error}")
                break
            except _NETWORK_ERRORS as error:
                reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
                break
            if not wrong:
                partial.replace(target)
                return target
            partial.unlink()
            if not resumed:
                reasons.append(f"{url}: refused what it sent, {wrong}")
                break
    raise Unavailable(_offline(remote, target, reasons))


def _fetch(url: str, partial: Path, remote: Remote, progress: Teller | None) -> None:
    """Write what `url` sends to `partial`, going on from what is there if the server can."""
    held = partial.stat().st_size if partial.exists() else 0
    if held >= remote.size:
        partial.unlink()
        held = 0
    headers = {"User-Agent": "hebbgraph"} | ({"Range": f"bytes={held}-"} if held else {})
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        goes_on = (response.headers.get("Content-Range") or "").startswith(f"bytes {held}-")
        done = held if response.status == 206 and goes_on else 0
        with partial.open("ab" if done else "wb") as file:
            _copy(response, file, done, remote, progress)


def _copy(
    source: IO[bytes], file: IO[bytes], done: int, remote: Remote, progress: Teller | None
) -> None:
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        file.write(chunk)
        if progress:
            progress(min(done, remote.size), remote.size, f"fetching {remote.path}, bytes")
        if done > remote.size:
            return  # too long: whatever follows, it is another file
    if done < remote.size:
        raise OSError(f"ended after {done:,} of {remote.size:,} bytes")


def _wrong(path: Path, remote: Remote) -> str:
    """Return how the file differs from what it must be, or nothing."""
    size = path.stat().st_size
    if size != remote.size:
        return f"{size:,} bytes"
    with path.open("rb") as file:
        algorithm, wanted = remote.checksum
        found = hashlib.file_digest(file, algorithm).hexdigest()
    return "" if found == wanted else f"{algorithm} {found}"


def _need(remote: Remote) -> str:
    return f"must have {remote.size:,} bytes with {' '.join(remote.checksum)}"


def _offline(remote: Remote, target: Path, reasons: list[str]) -> str:
    tried = "".join(f"\n  {reason}" for reason in reasons)
    return (
        f"{remote.path} is not in the cache and could not be fetched:{tried}\n"
        f"get {remote.urls[0]} where there is a network and put it at {target}"
        f" ({_need(remote).removeprefix('must have ')}),"
        f" or set {FOLDER_VARIABLE} to a folder that holds {remote.path}"
    )


@contextlib.contextmanager
def _locked(target: Path, remote: Remote) -> Iterator[None]:
    """Let one process at a time fetch a file; raises `Unavailable` if the folder is no use."""
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        reason = f"{target.parent}: {error.strerror or error}"
        raise Unavailable(_offline(remote, target, [reason])) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
