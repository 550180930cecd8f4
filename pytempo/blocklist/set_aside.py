"""Moving a damaged block out of the way without losing a byte of it; who decides that it is damaged stands in `scan`.

The new place is outside of the blocks' directory, since Tempo takes every folder there for a tenant:
`DATA/blocks/<tenant>/<uuid>/` becomes `DATA/damaged/<tenant>/<uuid>/`, with `.1`, `.2`, ... behind it if that is taken.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from pytempo.backend import sync_folder


def set_aside(folder: Path, damaged_root: Path, tenant: str) -> Path:
    """Move `folder` (of a block of `tenant`) below `damaged_root`, durable on return, and return its new place.

    Raises OSError where it cannot be moved, also when `damaged_root` is on another file system: nothing is copied.
    """
    above = damaged_root / tenant
    above.mkdir(parents=True, exist_ok=True)
    target = _free_name(above, folder.name)
    folder.rename(target)
    for changed in (above, damaged_root, folder.parent):
        sync_folder(changed)
    return target


def _free_name(above: Path, name: str) -> Path:
    names = itertools.chain([name], (f"{name}.{number}" for number in itertools.count(1)))
    return next(path for path in map(above.joinpath, names) if not path.exists())
