"""Whose request it is: the header `X-Scope-OrgID`, over HTTP and as gRPC metadata.

Off, everything belongs to one tenant, whatever the header says. Names are checked here, before anything is done for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytempo.errors import BadRequest, NoTenant
from pytempo.model.tenant import DEFAULT_TENANT, SEPARATOR, check_tenant, tenants_of

HEADER = "x-scope-orgid"


class Tenancy:
    """What the header means for one server."""

    def __init__(self, enabled: bool, across: bool) -> None:
        """`enabled`: there are several tenants. `across`: a question may be asked of several at once."""
        self._enabled, self._across = enabled, across

    def reader(self, given: Sequence[str]) -> str:
        """The tenant, or tenants as `a|b`, of a question whose header has these values.

        Raises NoTenant where it is missing, BadRequest for a name that is not allowed and for a header that contradicts itself.
        """
        name = self._named(given)
        return SEPARATOR.join(tenants_of(name)) if self._across else check_tenant(name)

    def writer(self, given: Sequence[str]) -> str:
        """The one tenant that spans belong to. Raises as `reader`."""
        return check_tenant(self._named(given))

    def _named(self, given: Sequence[str]) -> str:
        if not self._enabled:
            return DEFAULT_TENANT
        names = set(given)
        if not names or "" in names:
            raise NoTenant
        if len(names) > 1:
            raise BadRequest("the header X-Scope-OrgID comes twice with different tenants")
        return names.pop()


def metadata_values(context: Any) -> list[str]:
    """The values of the header in the metadata of a gRPC call."""
    return [str(value) for key, value in context.invocation_metadata() or () if key == HEADER]
