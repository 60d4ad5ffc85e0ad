"""What predict writes plays in a browser, sound included."""

from pathlib import Path

import pytest
from browser import visit
from click.testing import CliRunner
from test_containers import SIZE, make_sound

from salzoo.cli import cli

FRAMES, RATE = 30, 25

PLAY = """async () => {
    const video = document.querySelector("video");
    await video.play();
    await new Promise((done, fail) => { video.onended = done; video.onerror = fail; });
    return {
        state: video.readyState, error: video.error && video.error.message, duration: video.duration,
        size: [video.videoWidth, video.videoHeight], sound: video.webkitAudioDecodedByteCount,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
    };
}"""


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_an_overlay_plays_with_its_sound(browser, tmp_path: Path, ending: str) -> None:
    source = make_sound(tmp_path / "in.mkv", FRAMES / RATE, "aac")
    out = tmp_path / f"out.{ending}"
    done = CliRunner().invoke(cli, ["predict", "center-bias", str(source), "-o", str(out)])
    assert done.exit_code == 0, done.output
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><title>Playback</title><video src="{out.name}" muted></video>')
    with visit(browser, page.as_uri()) as seen:
        found = seen.page.evaluate(PLAY)
        assert seen.errors == []
    assert (found["state"], found["error"]) == (4, None)
    assert abs(found["duration"] - FRAMES / RATE) <= 1 / RATE
    assert found["size"] == [SIZE[1], SIZE[0]]
    assert found["sound"] > 0
    assert abs(found["frames"] - FRAMES) <= 1
