"""A file before its rows are read: is it one that can be read at all, in which encoding, and what is its hash?

UTF-8, UTF-16 (marked, or plainly so) and Windows-1252 are read. A file that is UTF-8 but for some bytes stays UTF-8: reading
all of it as Windows-1252 would garble every other accent, so only the lines with those bytes are set aside.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pilothouse.vocabulary.errors import InvalidInput

LONGEST_LINE = 64_000_000
"""Bytes; a longer line is no row that anybody exported."""
PIECE = 1 << 20
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip (or a spreadsheet)", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
KINDS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
UNDECODED = re.compile("[\udc80-\udcff]")
FOREIGN = 20
"""So many times as many bytes that are no UTF-8 as characters that are make a file Windows-1252."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read: its encoding, and the SHA-256 of what it held when it was looked at."""

    path: Path
    encoding: str
    sha256: str

    @property
    def lines_of_json(self) -> bool:
        """True for JSONL, false for CSV."""
        return self.path.suffix.casefold() in (".jsonl", ".ndjson")

    def open(self) -> TextIO:
        """Open it as text with its line ends as they are; bytes that are no text come as lone surrogates."""
        errors = "strict" if self.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        return self.path.open(encoding=self.encoding, errors=errors, newline="")

    def check_unchanged(self) -> None:
        """Raise `InvalidInput` when the file no longer holds what it held."""
        if file_hash(self.path) != self.sha256:
            raise changed(self.path)


def changed(path: Path) -> InvalidInput:
    """Return the error for a file that was written to while it was read."""
    hint = "Import it again when nothing writes to it any more; what was read stands, and nothing is taken in twice."
    return InvalidInput(f"{path} changed while it was read, so not all of it was.", hint=hint)


def inspect(path: Path) -> Source:
    """Look at a file; raises `InvalidInput` for one that cannot be imported, before anything of it is."""
    suffix = path.suffix.casefold()
    if suffix not in KINDS:
        packed = suffix in (".gz", ".zip", ".bz2", ".xz")
        hint = "Unpack it first." if packed else "Export it as one of these."
        raise InvalidInput(f"{path.name}: only CSV and JSONL files can be imported.", hint=hint)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidInput(f"{path} is no file.", hint="Name the file itself, or the folder it lies in.")
        return _look(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from None


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces; raises `InvalidInput` when it is gone."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read any more: {error.strerror}.") from None


def _look(path: Path) -> Source:
    hashed, count = hashlib.sha256(), _Count()
    with path.open("rb") as file:
        start = file.read(4096)
        _refuse_packed(path, start)
        wide = _wide(start)
        decoder = codecs.getincrementaldecoder(wide)() if wide else None
        piece = start + file.read(PIECE - len(start))
        while piece:
            hashed.update(piece)
            count.lines(path, piece)
            if decoder is None:
                count.characters(piece)
            else:
                _decodable(decoder, piece, path, final=False)
            piece = file.read(PIECE)
        if decoder is not None:
            _decodable(decoder, b"", path, final=True)
    if not wide and count.nuls * 10 > count.size:
        raise InvalidInput(f"{path} is not text: it is full of NUL bytes.", hint="Save it as CSV in UTF-8.")
    return Source(path, wide or count.encoding(), hashed.hexdigest())


def _refuse_packed(path: Path, start: bytes) -> None:
    for magic, name in PACKED.items():
        if start.startswith(magic):
            raise InvalidInput(f"{path} is packed: it is a {name} file, whatever its name.", hint="Unpack it first.")


def _wide(start: bytes) -> str:
    """Return UTF-16 in its kind, by its mark or because every other byte of plain letters is NUL; else nothing."""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = max(len(start) // 2, 1)
    if odd / half > 0.4 and even / half < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even / half > 0.4 and odd / half < 0.1 else ""


def _decodable(decoder: codecs.IncrementalDecoder, piece: bytes, path: Path, *, final: bool) -> None:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        problem = f"{path} begins as {error.encoding}, and then is not ({error.reason})."
        raise InvalidInput(problem, hint="Save it as UTF-8.") from None


class _Count:
    """What a file is made of, counted piece by piece."""

    def __init__(self) -> None:
        self.size = self.nuls = self._good = self._bad = self._number = self._run = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")

    def characters(self, piece: bytes) -> None:
        self.size += len(piece)
        self.nuls += piece.count(0)
        text = self._decoder.decode(piece)
        if not text.isascii():
            bad = len(UNDECODED.findall(text))
            self._bad += bad
            self._good += len(text) - len(text.encode("ascii", "ignore")) - bad

    def lines(self, path: Path, piece: bytes) -> None:
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self._number += piece.count(b"\n")
        self._run = len(piece) - last - 1 if last >= 0 else self._run + len(piece)
        if self._run > LONGEST_LINE:
            problem = f"{path}:{self._number + 1}: a line of more than {LONGEST_LINE:,} bytes."
            raise InvalidInput(problem, hint="No row is that long; look at how it was exported.")

    def encoding(self) -> str:
        # What is left undecoded at the very end is a character cut off: bytes that are no UTF-8.
        self._bad += len(self._decoder.getstate()[0])
        return "cp1252" if self._bad > FOREIGN * self._good else "utf-8-sig"
