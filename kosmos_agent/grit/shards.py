"""A folder of samples as shards: the units of resuming and of sharing out work.

A tar file is a shard, and so is a folder of samples; one that holds more than `run` samples is cut into runs of them.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.samples import LIMITS, Sample, split_name, too_large

RUN = 10_000
"""Samples of a folder in one shard, as many as img2dataset puts into one."""

_TAR_ERRORS = (tarfile.TarError, OSError, ValueError, OverflowError)
"""The last two from headers whose numbers no file can have."""


@dataclass(frozen=True)
class Shard:
    """path: a tar file, or a folder of which `first` to `last` are the keys of this shard."""

    name: str
    path: Path
    first: str = ""
    last: str | None = None

    def samples(self) -> Iterator[Sample]:
        """In the order of the tar, or by key. InvalidRecordError where a tar breaks off; what precedes it was good.

        So it is of a folder that went away.
        """
        return _tar_samples(self.path) if self.path.is_file() else self._folder_samples()

    def sample_keys(self) -> Iterator[str]:
        """Of the samples, without reading what is behind them; a key may come several times. Errors as of `samples`."""
        return _tar_keys(self.path) if self.path.is_file() else (key for key, _ in self._listed())

    def _folder_samples(self) -> Iterator[Sample]:
        for key, names in self._listed():
            yield _from_files(self.path, key, names)

    def _listed(self) -> Iterator[tuple[str, list[str]]]:
        try:
            listed = list(_by_key(self.path))
        except OSError as error:
            raise InvalidRecordError(f"the folder {self.path.name} cannot be read: {error.strerror}") from error
        for key, names in listed:
            if key >= self.first and (self.last is None or key <= self.last):
                yield key, names


def find_shards(folder: Path, run: int = RUN) -> list[Shard]:
    """The shards of `folder`, by name. InvalidArgumentError when there is none."""
    if run < 1:
        raise InvalidArgumentError(f"shards of {run} samples; valid: 1 or more")
    if not folder.is_dir():
        raise InvalidArgumentError(f"{folder} is no folder")
    shards = [Shard(path.stem, path) for path in folder.glob("*.tar") if _is_shown(path)]
    for inner in [folder, *(path for path in folder.iterdir() if path.is_dir() and _is_shown(path))]:
        keys = [key for key, _ in _by_key(inner)]
        shards += _runs(inner, keys, run)
    if not shards:
        raise InvalidArgumentError(
            f"{folder} holds no samples; valid: tar files or folders of KEY.jpg, KEY.txt, KEY.json"
        )
    names = [shard.name for shard in shards]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgumentError(
            f"{folder} holds {twice[0]} twice, as a tar file and as a folder; valid: one of them"
        )
    return sorted(shards, key=lambda shard: shard.name)


def _is_shown(path: Path) -> bool:
    """Names with a dot in front are somebody's half-made or private files."""
    return not path.name.startswith(".")


def _runs(folder: Path, keys: list[str], run: int) -> Iterator[Shard]:
    starts = range(0, len(keys), run)
    for number, start in enumerate(starts):
        last = keys[min(start + run, len(keys)) - 1]
        name = folder.name if len(starts) == 1 else f"{folder.name}-{number:05d}"
        yield Shard(name, folder, keys[start], last)


def _by_key(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Keys that have a picture or a text, with their file names."""
    listed = (item.name for item in folder.iterdir() if item.is_file() and _is_shown(item))
    names = sorted((*split_name(name), name) for name in listed if split_name(name)[1] in LIMITS)
    for key, group in groupby(names, key=lambda item: item[0]):
        yield key, [name for _, _, name in group]


def _from_files(folder: Path, key: str, names: Iterable[str]) -> Sample:
    files: dict[str, bytes] = {}
    faults: dict[str, str] = {}
    root = folder.resolve()
    for name in names:
        path = (folder / name).resolve()
        suffix = split_name(name)[1]
        if not path.is_relative_to(root):
            continue  # a link that leads out of the folder is no part of the sample
        try:
            if path.stat().st_size > LIMITS[suffix]:
                faults[suffix] = too_large(suffix)
            else:
                files[suffix] = path.read_bytes()
        except OSError as error:
            faults[suffix] = f"cannot be read: {error.strerror}"
    return Sample(key, files, faults)


def _tar_samples(path: Path) -> Iterator[Sample]:
    with _whole_tar(path) as tar:
        for key, members in groupby(_members(tar), key=_key):
            yield _from_tar(tar, key, members)


def _tar_keys(path: Path) -> Iterator[str]:
    with _whole_tar(path) as tar:
        yield from map(_key, _members(tar))


@contextmanager
def _whole_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """For reading to its end. InvalidRecordError where it breaks off."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
            _check_end(path, tar.offset)
    except _TAR_ERRORS as error:
        raise InvalidRecordError(f"{path.name} is no whole tar file: {error}") from error


def _check_end(path: Path, offset: int) -> None:
    """tarfile takes a file that ends anywhere for a whole one; a whole one ends with a block of zeros."""
    with path.open("rb") as file:
        file.seek(offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it breaks off")


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    files = (member for member in tar if member.isfile() and not _base(member).startswith("."))
    return (member for member in files if split_name(_base(member))[1] in LIMITS)


def _key(member: tarfile.TarInfo) -> str:
    return split_name(_base(member))[0]


def _base(member: tarfile.TarInfo) -> str:
    return PurePosixPath(member.name).name


def _from_tar(tar: tarfile.TarFile, key: str, members: Iterable[tarfile.TarInfo]) -> Sample:
    files: dict[str, bytes] = {}
    faults: dict[str, str] = {}
    for member in members:
        suffix = split_name(_base(member))[1]
        if member.size > LIMITS[suffix]:
            faults[suffix] = too_large(suffix)
            continue
        reader = tar.extractfile(member)
        files[suffix] = b"" if reader is None else reader.read()
    return Sample(key, files, faults)
