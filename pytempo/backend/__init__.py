"""Where bytes lie under a key: the protocol, and the store on a local disk. What the bytes mean is the business of others."""

from __future__ import annotations

from pytempo.backend.base import TEMPORARY_SUFFIX, Backend, Listing, check_key, is_name
from pytempo.backend.kept import MOST_OPEN, Keeper, KeptOpen
from pytempo.backend.local import LocalBackend, sync_folder
from pytempo.backend.open_file import BytesFile, OpenFile

__all__ = [
    "MOST_OPEN",
    "TEMPORARY_SUFFIX",
    "Backend",
    "BytesFile",
    "Keeper",
    "KeptOpen",
    "Listing",
    "LocalBackend",
    "OpenFile",
    "check_key",
    "is_name",
    "sync_folder",
]
