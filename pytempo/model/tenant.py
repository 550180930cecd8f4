"""Tenants: the one that is meant where nobody says, and which names are allowed."""

from __future__ import annotations

import re

from pytempo.errors import BadRequest

DEFAULT_TENANT = "single-tenant"
"""The tenant of everything while multi-tenancy is off; also the name of its folder of blocks."""

LONGEST = 150
"""Bytes of the longest tenant name (Tempo's limit; names become folder names)."""

_ALLOWED = re.compile(r"[A-Za-z0-9!\-_.*'()]+")


def check_tenant(name: str) -> str:
    """The name, if a folder may be called that. Raises BadRequest otherwise."""
    if len(name.encode()) > LONGEST:
        raise BadRequest(f"tenant name is too long: {len(name.encode())} bytes, at most {LONGEST} allowed")
    if name in (".", "..") or not _ALLOWED.fullmatch(name):
        raise BadRequest(f"tenant name {name!r} has an unsupported character; allowed are letters, digits and ! - _ . * ' ( )")
    return name
