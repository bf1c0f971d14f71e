"""Check the built documentation: ``python docs/check_pages.py FOLDER``.

Every link to a page, a part of a page, a picture or a file of the documentation must lead somewhere. No page may load anything
from elsewhere, and no page but galleries may be larger than a megabyte.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LARGEST = 1_000_000  # bytes of a page
GALLERIES = ("gallery", "_tutorials")
# What a browser asks for by itself: attributes of these tags, but for what `rel` says is only a link.
LOADED = {"img": ("src", "srcset"), "script": ("src",), "iframe": ("src",), "source": ("src", "srcset"), "object": ("data",)}
LOADED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "prefetch"}


class Page(HTMLParser):
    """A page's anchors, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in what one tag says."""
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        loads = {values[name] for name in LOADED.get(tag, ()) if name in values}
        if tag == "link" and set(values.get("rel", "").split()) & LOADED_LINKS:
            loads.add(values.get("href", ""))
        self.loads |= loads
        self.links |= loads | ({values["href"]} if tag == "a" and "href" in values else set())


def is_internal(address: str) -> bool:
    """Whether an address is one of the documentation's own."""
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def faults(folder: Path) -> list[str]:
    """What is wrong with the pages in a folder, a sentence for each fault."""
    written = (path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts)
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in written}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        found += [
            f"{name} loads {address}" for address in sorted(page.loads) if not is_internal(address) and address[:5] != "data:"
        ]
        if path.stat().st_size > LARGEST and name.parts[0] not in GALLERIES:
            found.append(f"{name} has {path.stat().st_size} bytes")
        for address in sorted(filter(is_internal, page.links)):
            place, fragment = urldefrag(address)
            target = (path.parent / unquote(urlsplit(place).path)).resolve() if place else path
            if not target.is_file():
                found.append(f"{name} links to {address}, which does not exist")
            elif fragment and target in pages and unquote(fragment) not in pages[target].anchors:
                found.append(f"{name} links to {address}, but {target.name} has no such part")
    for path in sorted(folder.rglob("*.css")):
        addresses = re.findall(r"""(?:url\(|@import)\s*["']?(\w+://[^"')\s]+|//[^"')\s]+)""", path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(folder)} loads {address}" for address in addresses]
    return found if pages else [f"{folder} has no pages"]


if __name__ == "__main__":
    problems = faults(Path(sys.argv[1]))
    print("\n".join(problems) or "Every link of the documentation leads somewhere, and nothing is loaded from elsewhere")
    raise SystemExit(bool(problems))
