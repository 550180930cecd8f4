"""Which block formats this reader knows by name, and why it refuses the others; each format's columns stand in its own package."""

from __future__ import annotations

from pytempo.errors import PytempoError

VPARQUET3, VPARQUET4, VPARQUET5 = "vParquet3", "vParquet4", "vParquet5"

READABLE = (VPARQUET3, VPARQUET4, VPARQUET5)
"""Formats whose blocks are searched."""

WRITTEN = VPARQUET4
"""The format of new blocks: Tempo 2.x and 3.x both read it."""

_REFUSED = {
    "v2": "the row format from before Parquet",
    "vParquet": "older than vParquet3; a Tempo that still reads it can compact it into a newer format",
    "vParquet2": "older than vParquet3; a Tempo that still reads it can compact it into a newer format",
}
_KNOWN = ", ".join(READABLE)


class UnsupportedFormat(PytempoError):
    """A block in a format that is not read here; the block is sound as far as anyone knows and stays where it is.

    `path` is its meta.json, `format` the name found there.
    """

    def __init__(self, path: str, format: str, reason: str) -> None:
        self.path, self.format = path, format
        super().__init__(f"{path}: block format {format!r} is not read here: {reason} (read are {_KNOWN})")


def check_format(format: str, path: str) -> None:
    """Raise `UnsupportedFormat` with the reason unless blocks of `format` are read here."""
    if format not in READABLE:
        raise UnsupportedFormat(path, format, _reason(format))


def _reason(format: str) -> str:
    if format in _REFUSED:
        return _REFUSED[format]
    if "preview" in format:
        return "a preview, whose columns were never fixed"
    number = format.removeprefix("vParquet")
    if number != format and number.isdigit() and int(number) > int(READABLE[-1].removeprefix("vParquet")):
        return "newer than this version of pytempo"
    return "an unknown name"
