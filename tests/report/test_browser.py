"""The tests' own browser sees what is wrong with a page: without that, no finding means nothing."""

from pathlib import Path

from browser import visit

FAULTY = """<!doctype html><html lang="en"><title>Faulty</title><main><h1>Faulty</h1>
<div style="width: 900px; color: #999; background: #fff">Pale words</div><button></button>
<img src="http://example.org/picture.png" alt=""><script>undefined_name()</script></main></html>"""


def test_the_faults_of_a_page_are_seen(browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(FAULTY)
    with visit(browser, (tmp_path / "page.html").as_uri(), width=390) as seen:
        assert any("undefined_name" in error for error in seen.errors)
        assert "http://example.org/picture.png" in seen.requests
        assert seen.overflow() > 400
        assert {rule.partition(":")[0] for rule in seen.violations()} == {"color-contrast", "button-name"}
