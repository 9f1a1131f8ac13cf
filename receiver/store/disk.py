"""The files of an embedded store: who may read them, who holds them, and what is kept back for a full disk."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from receiver.errors import StoreLocked

FILE_MODE = 0o600
FOLDER_MODE = 0o700

_BALLAST = 8 * 1024**2
_SHARE = 20
_LEAST = 256 * 1024


def create_private(path: Path) -> None:
    """Make sure that the file exists and is its owner's alone, its folder too if it has to be created."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        # Never opened here: closing it again would drop the locks that SQLite holds in this process.
        # https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        with suppress(PermissionError):  # somebody else's file that we may write: his modes stand
            path.chmod(FILE_MODE)


class Lock:
    """Holds a store for this process, by a `flock` on a file beside it; the kernel lets go of it when we die."""

    def __init__(self, store: Path) -> None:
        """Take the lock. Raises StoreLocked at once if somebody else holds it."""
        path = Path(f"{store}.lock")
        create_private(path)
        self._descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreLocked(f"{store} is in use by another process (process id {holder})") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; the file stays, for removing it would let two in."""
        os.close(self._descriptor)


class Ballast:
    """Room kept back on the disk, so that what was accepted can still be settled and pruned when it is full.

    `size` in bytes; None takes 8 MiB, at most a twentieth of the disk, and nothing on a disk of less than 5 MiB.
    With 0 there is none.
    """

    def __init__(self, store: Path, size: int | None = None) -> None:
        self._path = Path(f"{store}.ballast")
        self.size = _default_size(store.parent) if size is None else size

    @property
    def log_pages(self) -> int:
        """After how many pages of 16 KiB the log is to be emptied: emptying it into the database must fit in half
        of the room kept back."""
        return min(max(self.size // 2 // 16384, 16), 1000) if self.size else 256

    def take(self) -> bool:
        """Claim the room; False if the disk has not twice as much to give."""
        if not self.size:
            self._path.unlink(missing_ok=True)
            return True
        try:
            return self._claim()
        except OSError:
            self.release()
            return False

    def _claim(self) -> bool:
        create_private(self._path)
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            if os.fstat(descriptor).st_size != self.size:
                if free_space(self._path.parent) < 2 * self.size:
                    raise OSError
                os.ftruncate(descriptor, 0)
                os.posix_fallocate(descriptor, 0, self.size)
        finally:
            os.close(descriptor)
        return True

    def release(self) -> bool:
        """Give the room back to the disk; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return bool(self.size)


def free_space(folder: Path) -> int:
    """Bytes that we may still write to the disk under `folder`."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _default_size(folder: Path) -> int:
    disk = os.statvfs(folder)
    share = min(_BALLAST, disk.f_blocks * disk.f_frsize // _SHARE)
    return share if share >= _LEAST else 0
