"""Pages as bytes: made once for each state of what they show, then handed out to any number of scrapers."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from modelmonitor_sidecar.collectors.families import Chunk, page_parts

GZIP_LEVEL = 1
_GZIP_FORM = 16 + zlib.MAX_WBITS


@dataclass(slots=True)
class Page:
    """One page. Its compressed form is made when somebody first asks for it; the plain one is joined for each."""

    parts: tuple[bytes, ...]
    _compressed: bytes | None = field(default=None, init=False)

    @property
    def plain(self) -> bytes:
        """The page as text."""
        return b"".join(self.parts)

    @property
    def compressed(self) -> bytes:
        """The page in gzip's form."""
        if self._compressed is None:
            packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORM)
            self._compressed = b"".join((*map(packer.compress, self.parts), packer.flush()))
        return self._compressed


class PageCache:
    """The newest page of one name."""

    def __init__(self) -> None:
        self._shown: tuple[object, ...] = ()
        self._page: Page | None = None

    def page(self, shown: tuple[object, ...], collect: Callable[[], Sequence[Chunk]]) -> Page:
        """The page, made anew where one of the objects that it shows is another object than last time."""
        same = len(self._shown) == len(shown) and all(a is b for a, b in zip(self._shown, shown, strict=True))
        if self._page is None or not same:
            self._shown, self._page = shown, Page(page_parts(collect()))
        return self._page

    def drop(self) -> None:
        """Forget the page, because part of it is there anew."""
        self._shown, self._page = (), None
