"""Tenants: the one that is meant where nobody says, which names are allowed, and several at once."""

from __future__ import annotations

import re

from pytempo.errors import BadRequest, NoTenant

DEFAULT_TENANT = "single-tenant"
"""The tenant of everything while multi-tenancy is off; also the name of its folder of blocks."""

LONGEST = 150
"""Bytes of the longest tenant name (Tempo's limit; names become folder names)."""

SEPARATOR = "|"
"""Between the tenants of a question that is asked of several."""

_ALLOWED = re.compile(r"[A-Za-z0-9!\-_.*'()]+")


def check_tenant(name: str) -> str:
    """The name, if a folder may be called that. Raises BadRequest otherwise."""
    if len(name) > LONGEST:  # bytes: what has others than ASCII is refused below
        raise BadRequest(f"tenant name is too long: {len(name)} characters, at most {LONGEST} allowed")
    if name in (".", "..") or not _ALLOWED.fullmatch(name):
        raise BadRequest(f"tenant name {name!r} has an unsupported character; allowed are letters, digits and ! - _ . * ' ( )")
    return name


def tenants_of(names: str) -> tuple[str, ...]:
    """The tenants that a question is asked of, as `a` or `a|b`: sorted, each once.

    Raises NoTenant where one between the separators is empty, BadRequest for a name that is not allowed.
    """
    members = names.split(SEPARATOR)
    if "" in members:
        raise NoTenant
    return tuple(sorted({check_tenant(member) for member in members}))
