"""From an export to a training run, by the API: accepted masks of a project, their pictures, and a model of them.

    MASKWRIGHT_TOKEN=mw_… python3 docs/examples/export_and_train.py --project Harbour --out harbour -- --steps 2000

The token needs the scope `manage`, and its person must manage the project. What stands after `--` goes to
`python -m model_server.training.train`. Run it again: pictures that are there are not fetched again, a training
that was cut off goes on. Needs nothing but the standard library, the training what the product needs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 1.0
TIMEOUT_S = 60.0
PAGE = 200


class Api:
    """The HTTP API as the person whose token this is."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.token = token

    def get(self, path: str) -> Any:
        return json.loads(self.read(path))

    def post(self, path: str, body: dict[str, object]) -> Any:
        return json.loads(self._send("POST", path, json.dumps(body).encode()))

    def read(self, path: str) -> bytes:
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        address = f"{self.url}/api/v1/{path}"
        request = urllib.request.Request(address, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            reason = json.loads(error.read())["error"]["message"]
            raise SystemExit(f"{method} {path}: {error.code}, {reason}") from None


def find_project(api: Api, name: str) -> str:
    """The id of the project of this name among those that the person sees."""
    for offset in range(0, 10**6, PAGE):
        projects = api.get(f"projects?offset={offset}&limit={PAGE}")["projects"]
        for project in projects:
            if name in (project["name"], project["id"]):
                return str(project["id"])
        if len(projects) < PAGE:
            break
    raise SystemExit(f"There is no project {name!r} that you belong to.")


def fetch_annotations(api: Api, project: str) -> dict[str, Any]:
    """A new COCO export of the project's accepted masks, checked against its hash."""
    export = api.post(f"projects/{project}/exports", {"format": "coco"})
    while export["state"] in ("queued", "running"):
        time.sleep(SECONDS_BETWEEN_LOOKS)
        export = api.get(f"exports/{export['id']}")
    if export["state"] != "done":
        raise SystemExit(f"The export is {export['state']}: {export['error']}")
    content = api.read(f"exports/{export['id']}/file")
    if hashlib.sha256(content).hexdigest() != export["file_sha256"]:
        raise SystemExit("The export arrived damaged; please try again.")
    annotations: dict[str, Any] = json.loads(content)
    return annotations


def fetch_pictures(api: Api, coco: dict[str, Any], folder: Path) -> int:
    """The pictures that have masks, named by their SHA-256; returns how many were fetched."""
    used = {annotation["image_id"] for annotation in coco["annotations"]}
    missing = [
        image
        for image in coco["images"]
        if image["id"] in used and not (folder / image["file_name"]).exists()
    ]
    for image in missing:
        content = api.read(f"images/{image['image_id']}/file")
        path = folder / image["file_name"]
        if hashlib.sha256(content).hexdigest() != path.stem:
            raise SystemExit(f"{image['name']} arrived damaged; please try again.")
        beside = path.with_name(f"{path.name}.partial")
        beside.write_bytes(content)
        beside.replace(path)
    return len(missing)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--project", required=True, help="name or id")
    parser.add_argument("--out", type=Path, required=True, help="folder of data set and run")
    parser.add_argument("training", nargs="*", help="options of the training, after --")
    options = parser.parse_args()
    token = os.environ.get("MASKWRIGHT_TOKEN", "")
    if not token:
        raise SystemExit("Put the token into MASKWRIGHT_TOKEN.")
    api = Api(options.url, token)

    data: Path = options.out / "data"
    data.mkdir(parents=True, exist_ok=True)
    coco = fetch_annotations(api, find_project(api, options.project))
    for image in coco["images"]:  # what is kept for scoring is not trained on
        image["split"] = "held_out" if image["held_out"] else "train"
    num_fetched = fetch_pictures(api, coco, data)
    (data / "annotations.json").write_text(json.dumps(coco))
    print(f"{len(coco['annotations'])} masks in {data}, {num_fetched} pictures fetched", flush=True)

    run = options.out / "run"
    again = ["--resume"] if (run / "checkpoint.pt").exists() else []
    training = [sys.executable, "-m", "model_server.training.train", "--data", str(data)]
    return subprocess.call([*training, "--out", str(run), *again, *options.training])


if __name__ == "__main__":
    sys.exit(main())
