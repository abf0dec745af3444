"""The decoder and the journal in a real Chromium: workers, threads, IndexedDB and Web Locks as they are."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from launcher.places import CHECKOUT
from tests.example_embedding import IMAGE_SHA256, write_example_embedding

ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
Json = Any

OPEN_DECODER = """
async ([encoder, sha256]) => {
  const { DecoderClient } = await import('/js/decoder/decoder_client.js');
  window.client = await DecoderClient.start({ workerUrl: '/js/decoder/decoder_worker.js', ortBase: '/ort/' });
  await client.loadModel({ manifestUrl: '/bundle/manifest.json', filesUrl: '/bundle' });
  window.address = (imageKey) => ({
    imageKey,
    embeddingUrl: '/made/one.emb',
    expected: { imageSha256: sha256, encoderFingerprint: encoder },
  });
  window.click = (imageKey, x, y) => ({
    imageKey,
    prompt: { points: [{ x, y, label: 1 }], box: null },
    maskInput: null,
  });
  window.preview = (imageKey, x) => client.preview({
    imageKey,
    prompt: { points: [{ x, y: 9, label: 1 }], box: null },
    grain: 2,
    part: { box: [0, 0, 150, 97], columns: 75, rows: 49 },
    look: { color: [255, 176, 46], fill: 0.28, line: 0.9, linePx: 1, zoom: 1, ratio: 1 },
  });
  window.outcome = (promise) => promise.then(() => 'done', (error) => error.code);
  await client.openImage(address('one'));
  return client.health;
}
"""

OPEN_JOURNAL = """
async () => {
  const { Journal } = await import('/js/journal/journal.js');
  const { sha256Hex } = await import('/js/geometry/rle.js');
  window.sent = [];
  window.isDown = false;
  const putMask = async (mask, version, body) => {
    if (isDown) throw Object.assign(new Error('down'), { status: 0, code: 'network', body: null, retryAfterMs: null });
    sent.push([mask, version]);
    return { id: mask, version: (version ?? 0) + 1, state: body.state, sha256: await sha256Hex(body.rle.counts) };
  };
  window.journal = await Journal.open({ person: 'alice', api: { putMask, deleteMask: null }, firstWaitMs: 20 });
  const rle = { size: [3, 4], counts: '32' };
  window.wish = (mask) => ({ mask, image: 'image', assignment: 'a', state: 'draft', rle });
  return journal.claimImage('image');
}
"""


class StaticPages(http.server.SimpleHTTPRequestHandler):
    """Our modules, a bundle and made files, with a page that is empty."""

    def __init__(
        self, *given: Json, folders: dict[str, Path], headers: dict[str, str], **more: Json
    ) -> None:
        self.folders, self.extra = folders, headers
        super().__init__(*given, **more)

    def translate_path(self, path: str) -> str:
        """The file behind a path; its first part names a folder."""
        first, _, rest = path.lstrip("/").partition("?")[0].partition("/")
        return str(self.folders.get(first, Path("/nonexistent")) / rest)

    def guess_type(self, path: Json) -> str:
        """Modules must have their type."""
        return TYPES.get(
            Path(path).suffix,
            "text/html" if str(path).endswith("html") else "application/octet-stream",
        )

    def end_headers(self) -> None:
        """The policy of the product."""
        for name, value in {"Content-Security-Policy": POLICY, **self.extra}.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *values: Json) -> None:
        """Say nothing."""


@contextmanager
def serving(folders: dict[str, Path], headers: dict[str, str]) -> Iterator[str]:
    """The address of a server in a thread."""
    pages = functools.partial(StaticPages, folders=folders, headers=headers)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folders(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What is served, by the first part of the path."""
    made = tmp_path_factory.mktemp("made")
    (made / "page.html").write_text("<!doctype html><title>Empty</title>")
    (made / "silent_worker.js").write_text("// A worker that never answers.")
    write_example_embedding(made / "one.emb", json.loads((bundle / "manifest.json").read_text()))
    modules = CHECKOUT / "node_modules" / "onnxruntime-web" / "dist"
    return {"js": CHECKOUT / "web/static/js", "ort": modules, "bundle": bundle, "made": made}


@pytest.fixture(scope="module")
def site(folders: dict[str, Path]) -> Iterator[str]:
    """A server with the isolation headers."""
    with serving(folders, ISOLATION) as address:
        yield address


@pytest.fixture
def open_empty(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens empty pages of one browser profile."""
    context = chromium.new_context()

    def open_it(address: str) -> Page:
        page = context.new_page()
        page.goto(f"{address}/made/page.html")
        return page

    yield open_it
    context.close()


@pytest.fixture(scope="module")
def decoder_page(site: str, folders: dict[str, Path], chromium: Browser) -> Iterator[Page]:
    """A page whose decoder has an image open, shared by the tests that only ask it something."""
    page = chromium.new_page()
    page.goto(f"{site}/made/page.html")
    start_decoder(page, folders)
    yield page
    page.close()


def start_decoder(page: Page, folders: dict[str, Path]) -> Json:
    """Start, load, open; returns the decoder's health."""
    manifest = json.loads((folders["bundle"] / "manifest.json").read_text())
    return page.evaluate(OPEN_DECODER, [manifest["encoder_fingerprint"], IMAGE_SHA256])


def test_one_click_has_three_candidates_and_their_logits_refine_it(decoder_page: Page) -> None:
    assert_decodes(decoder_page, is_isolated=True)


def test_without_isolation_the_decoder_runs_on_one_thread(
    folders: dict[str, Path], open_empty: Callable[[str], Page]
) -> None:
    with serving(folders, {}) as address:
        page = open_empty(address)
        health = start_decoder(page, folders)
        assert health["threads"] == 1
        assert_decodes(page, is_isolated=False)


def assert_decodes(page: Page, *, is_isolated: bool) -> None:
    """One click, then the same click on the logits of its best candidate."""
    answer = page.evaluate(
        """async () => {
          const { candidates } = await client.decode(click('one', 40, 61));
          const [{ lowRes: maskInput, mask }] = candidates;
          const again = await client.decode({ ...click('one', 40, 61), maskInput });
          const tokens = candidates.map(({ token }) => token).sort();
          return { tokens, size: [mask.width, mask.height], refined: again.candidates.length };
        }"""
    )
    assert answer == {"tokens": [1, 2, 3], "size": [150, 97], "refined": 3}
    health = page.evaluate("client.health")
    assert health["simd"]
    assert health["decodeMs"] > 0
    assert health["isolated"] is is_isolated


def test_previews_give_way_to_newer_ones_and_clicks_are_always_answered(decoder_page: Page) -> None:
    answered = decoder_page.evaluate(
        """async () => {
          const early = [preview('one', 10), preview('one', 20), preview('one', 30)];
          const clicks = [client.decode(click('one', 50, 9)), client.decode(click('one', 60, 9))];
          const isAnswered = async (all) => (await Promise.all(all)).map((answer) => answer !== null);
          return [await isAnswered(early), await isAnswered(clicks), await isAnswered([preview('one', 70)])];
        }"""
    )
    assert answered == [[False, False, False], [True, True], [True]]


def test_a_preview_is_the_mask_of_the_click_that_follows(decoder_page: Page) -> None:
    """At half the resolution every pixel well inside or outside agrees with the mask, which needs no second decode."""
    sure, agree, *known = decoder_page.evaluate(
        """async () => {
          const { picture, box } = await preview('one', 40);
          const canvas = new OffscreenCanvas(150, 97);
          const context = canvas.getContext('2d');
          context.drawImage(picture, box[0], box[1], box[2] - box[0], box[3] - box[1]);
          const { data } = context.getImageData(0, 0, 150, 97);
          const { candidates, wasKnown } = await client.decode(click('one', 40, 9));
          const other = await client.decode(click('one', 41, 9));
          const wanted = candidates.find(({ token }) => token === 2).mask;
          const [x0, y0, x1, y1] = wanted.box;
          const isInBox = (x, y) => x >= x0 && x < x1 && y >= y0 && y < y1;
          const isSet = (x, y) => isInBox(x, y) && wanted.bits[(y - y0) * (x1 - x0) + x - x0] === 1;
          let sure = 0;
          let agree = 0;
          for (let y = 4; y < 93; y++) {
            for (let x = 4; x < 146; x++) {
              const around = [-4, 0, 4].flatMap((down) => [-4, 0, 4].map((across) => isSet(x + across, y + down)));
              if (new Set(around).size > 1) continue;
              sure += 1;
              agree += (data[4 * (y * 150 + x) + 3] > 20) === around[0] ? 1 : 0;
            }
          }
          return [sure, agree, wasKnown, other.wasKnown];
        }"""
    )
    assert sure > 1000
    assert agree == sure
    assert known == [True, False]


def test_an_image_that_fell_out_of_memory_is_opened_again_by_the_next_click(
    decoder_page: Page,
) -> None:
    count = decoder_page.evaluate(
        """async () => {
          for (const key of ['two', 'three', 'four', 'five']) await client.openImage(address(key));
          return (await client.decode(click('two', 9, 9))).candidates.length;
        }"""
    )
    assert count == 3


def test_the_choice_of_threads_leaves_the_image_open(decoder_page: Page) -> None:
    threads, before, after = decoder_page.evaluate(
        """async () => {
          const before = await client.decode(click('one', 33, 44));
          await client.trial;
          const after = await client.decode(click('one', 33, 44));
          return [client.health.threads, ...[before, after].map(({ candidates }) => candidates[0].predictedIou)];
        }"""
    )
    assert 1 <= threads <= 4
    assert before == pytest.approx(after, abs=1e-4)


def test_what_cannot_be_decoded_is_refused_by_name(decoder_page: Page) -> None:
    codes = decoder_page.evaluate(
        """async () => {
          const { expected } = address('x');
          const other = { ...address('x'), expected: { ...expected, imageSha256: '0' } };
          const missing = { ...address('y'), embeddingUrl: '/made/none.emb' };
          const never = click('never opened', 1, 1);
          return [await outcome(client.openImage(other)), await outcome(client.openImage(missing)),
            await outcome(client.decode(never))];
        }"""
    )
    assert codes == ["wrong_embedding", "fetch_failed", "unknown_image"]


def test_after_a_failure_in_the_worker_a_new_one_answers(decoder_page: Page) -> None:
    outcomes = decoder_page.evaluate(
        """async () => {
          const broken = { ...click('one', 9, 9), maskInput: new Float32Array(3) };
          return [await outcome(client.decode(broken)), await outcome(client.decode(click('one', 9, 9)))];
        }"""
    )
    assert outcomes == ["decode_failed", "done"]


def test_a_decoder_that_does_not_start_is_given_up_in_time(
    site: str, open_empty: Callable[[str], Page]
) -> None:
    codes = open_empty(site).evaluate(
        """async () => {
          const { DecoderClient } = await import('/js/decoder/decoder_client.js');
          const start = (workerUrl, ortBase, limit = {}) =>
            DecoderClient.start({ workerUrl, ortBase, ...limit }).then(
              () => 'started', (error) => error.code);
          const silent = await start('/made/silent_worker.js', '/ort/', { timeLimitMs: 2000 });
          return [silent, await start('/js/none.js', '/ort/'), await start('/js/decoder/decoder_worker.js', '/no/')];
        }"""
    )
    assert codes == ["start_timeout", "start_failed", "start_failed"]


def test_two_tabs_share_the_journal_and_only_one_writes_an_image(
    site: str, open_empty: Callable[[str], Page]
) -> None:
    first, second = open_empty(site), open_empty(site)
    assert first.evaluate(OPEN_JOURNAL) is True
    assert second.evaluate(OPEN_JOURNAL) is False
    state = first.evaluate(
        """async () => {
          isDown = true;
          await journal.record(wish('one'));
          while (journal.state.kind !== 'pending') {
            await new Promise((done) => journal.addEventListener('state', done, { once: true }));
          }
          return journal.state;
        }"""
    )
    assert [state["kind"], state["count"]] == ["pending", 1]
    first.close()
    second.evaluate("async () => { while (!(await journal.claimImage('image'))); }")
    assert second.evaluate("journal.settled('image')") is True
    assert second.evaluate("sent") == [["one", None]]


def test_unsaved_work_is_there_after_a_reload(site: str, open_empty: Callable[[str], Page]) -> None:
    page = open_empty(site)
    page.evaluate(OPEN_JOURNAL)
    page.evaluate("async () => { isDown = true; await journal.record(wish('one')); }")
    page.reload()
    page.evaluate(OPEN_JOURNAL)
    assert page.evaluate("journal.settled('image')") is True
    assert page.evaluate("sent") == [["one", None]]
