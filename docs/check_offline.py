"""Fail if a built page would load anything from another host.

    python docs/check_offline.py docs/_build/html

A link that the reader may follow is no request; a script, style, font, image or frame is one.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADING = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
QUIET_LINKS = {"author", "canonical", "help", "index", "license", "next", "prev", "search"}
REMOTE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
REMOTE_IN_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s;]+)", re.IGNORECASE)


class Requests(HTMLParser):
    """Collect the remote addresses that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attribute by which this kind of element loads something."""
        values = dict(attrs)
        address = values.get(LOADING.get(tag, "")) or ""
        if tag == "link" and QUIET_LINKS & set((values.get("rel") or "").split()):
            address = ""
        if REMOTE.match(address):
            self.found.append(address)
        self.found += REMOTE_IN_CSS.findall(values.get("style") or "")

    def handle_data(self, data: str) -> None:
        """Look into style sheets that stand in the page itself."""
        if self.lasttag == "style":
            self.found += REMOTE_IN_CSS.findall(data)


def remote_requests(path: Path) -> list[str]:
    """List what a page, style or picture loads from other hosts."""
    text = path.read_text("utf-8")
    if path.suffix == ".css":
        return REMOTE_IN_CSS.findall(text)
    page = Requests()
    page.feed(text)
    return page.found


def main() -> int:
    """Return the exit code."""
    root = Path(sys.argv[1])
    files = [path for path in sorted(root.rglob("*")) if path.suffix in {".html", ".css", ".svg"}]
    if not any(path.suffix == ".html" for path in files):
        print(f"{root} holds no page; build the documentation first", file=sys.stderr)
        return 1
    bad = [(path, address) for path in files for address in remote_requests(path)]
    for path, address in bad:
        print(f"{path.relative_to(root)} loads {address}", file=sys.stderr)
    print(f"{len(files)} pages, styles and pictures checked, {len(bad)} requests to other hosts")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
