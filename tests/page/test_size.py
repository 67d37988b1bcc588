"""How much a browser loads before it shows the page."""

import gzip
import re

from local.page import BUILT

MOST_BYTES = 200_000


def test_first_load_is_at_most_200_kb_compressed() -> None:
    assert (BUILT / "index.html").exists(), "build the page first: make page"
    page = (BUILT / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert any(path.endswith(".js") for path in loaded)
    files = [BUILT / "index.html", *(BUILT / path.removeprefix("/") for path in loaded)]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= MOST_BYTES
