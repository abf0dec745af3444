"""A small cross-origin isolated server, which is what lets a page use threads."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}


class Pages(SimpleHTTPRequestHandler):
    """Serves several folders, each under its prefix."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, *arguments: object, folders: Mapping[str, Path], **named: object) -> None:
        self.folders = folders
        super().__init__(*arguments, **named)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        """The file of a request; what is outside the folders does not exist."""
        _, prefix, *rest = path.split("?")[0].split("/")
        folder = self.folders.get(prefix)
        if folder is None or ".." in rest:
            return "/nonexistent"
        return str(folder.joinpath(*rest))

    def end_headers(self) -> None:
        """Isolate every answer."""
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""


@contextmanager
def serve(folders: Mapping[str, Path]) -> Iterator[str]:
    """Serve folders on a free port of this machine; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, folders=folders))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
