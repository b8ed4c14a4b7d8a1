from __future__ import annotations

import re

from studio.ui.app import ASSETS
from studio.ui.page import dress
from tests.studio.ui.visitor import Visitor


def test_the_head_is_ours_and_the_social_cards_are_gone() -> None:
    page = dress(b'<html><head><meta property="og:url" content="https://x/" /><meta charset="utf-8"></head>', 'a"b')
    assert b"og:url" not in page
    assert b'<meta charset="utf-8">' in page
    assert b'data-start="a&quot;b"' in page
    assert b"/look/keepsake.js" in page


def test_every_answer_forbids_other_hosts(visitor: Visitor) -> None:
    for path in ("/", "/config", "/media/concepts", "/look/tokens.css"):
        headers = visitor.http.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"


def test_the_index_page_names_no_other_host_and_starts_at_a_tab(visitor: Visitor) -> None:
    answer = visitor.http.get("/", headers={"accept-encoding": "br, gzip"})
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert re.search(r'data-start="(concepts|create)"', answer.text)
    fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', answer.text)
    assert [url for url in fetched if "127.0.0.1" not in url] == []


def test_our_own_files_are_small_there_and_self_contained(visitor: Visitor) -> None:
    files = [file for file in ASSETS.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    for file in files:
        assert visitor.http.get(f"/look/{file.relative_to(ASSETS)}").status_code == 200
        if file.suffix in (".css", ".js", ".html"):
            urls = re.findall(r"https?://[^\s\"')%]+", file.read_text(encoding="utf-8"))
            assert set(urls) <= {"http://www.w3.org/2000/svg"}, file
