"""A server that asks for a token, as a browser sees it: the printed URL opens everything, posts and frames too."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

import pytest

from tests.browser.page import Page
from tests.serving.events import write_hparams, write_scalars
from tests.serving.process import serving

pytestmark = [pytest.mark.browser]


def test_the_printed_url_opens_every_tab_and_loses_its_token(tmp_path: Path) -> None:
    run = tmp_path / "logs" / "first"
    write_hparams(run, batch_size=128)
    write_scalars(run / "train", {"epoch_loss": [0.5, 0.25]})
    (run / "train" / "vectors.tsv").write_text("1\t2\t3\n4\t5\t6\n7\t8\t10\n")
    (run / "train" / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "seen" tensor_path: "vectors.tsv" }'
    )
    with serving("--logdir", str(tmp_path / "logs"), "--token", "s3cret") as server:
        page = Page(tmp_path / "profile", server.url)
        try:
            page.driver.get(server.url)
            page.wait_for("return all('scalar-card line-chart').length")
            assert "s3cret" not in page.driver.current_url
            assert urllib.parse.urlsplit(page.driver.current_url).query  # the prepared view
            page.open("hparams")  # asks by POST; the cookie is there, and the token in the URL does no harm
            page.wait_for("return all('*').some(each => text(each) === '128.00')")
            page.open("projector")  # stands in a frame
            page.wait_for("return all('vz-projector').length && all('*').some(each => text(each) === 'Points: 3')")
            assert page.errors() == []
        finally:
            page.driver.quit()
