"""Pages as bytes: made once for each state of what they show, then handed out to any number of scrapers."""

import gzip
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from modelmonitor_sidecar.collectors.families import Family, render

GZIP_LEVEL = 1


@dataclass(slots=True)
class Page:
    """One page. Its compressed form is made when somebody first asks for it."""

    shown: tuple[object, ...]
    plain: bytes
    _compressed: bytes | None = field(default=None, init=False)

    @property
    def compressed(self) -> bytes:
        """The page in gzip's form."""
        if self._compressed is None:
            self._compressed = gzip.compress(self.plain, GZIP_LEVEL, mtime=0)
        return self._compressed


class PageCache:
    """The newest page of each name."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, Page] = {}

    def page(self, name: Hashable, shown: tuple[object, ...], collect: Callable[[], Sequence[Family]]) -> Page:
        """The page, made anew where one of the objects that it shows is another object than last time."""
        known = self._pages.get(name)
        if known is None or len(known.shown) != len(shown) or any(a is not b for a, b in zip(known.shown, shown)):  # noqa: B905
            known = self._pages[name] = Page(shown, render(collect()))
        return known

    def forget(self, names: set[Hashable]) -> None:
        """Drop all pages but those named."""
        self._pages = {name: page for name, page in self._pages.items() if name in names}
