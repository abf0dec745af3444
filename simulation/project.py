"""What an admin does before a shift: a project with the pictures, people in it, embeddings made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.coco_folder import CocoPicture
from simulation.client import API, Client, Refused, Tally
from simulation.http_session import HttpSession
from simulation.references import ImageReferences, match

PAGE = 200  # the most the API lists at once
PICTURES_PER_UPLOAD = 20
UPLOAD_LIMIT_S = 300.0
LOOK_AGAIN_S = 1.0
LONGEST_WAIT_S = 3600.0

Say = Callable[[str], None]


class NotPrepared(Exception):
    """The shift cannot begin; the text says why."""


@dataclass
class Preparation:
    """The admin's requests. Everything may be repeated: what is there is used."""

    client: Client
    say: Say = print

    def project(self, name: str) -> str:
        """Id of the project of that name; it is made when there is none."""
        for project in self._all("/projects", "projects"):
            if project["name"] == name and project["archived_at"] is None:
                return str(project["id"])
        made = self.client.post("/projects", {"name": name}, expected=(201,))
        return str(made["id"])

    def images(self, project: str, pictures: Sequence[CocoPicture]) -> dict[str, ImageReferences]:
        """Upload what is missing; reference masks by image id.

        Raises:
            NotPrepared: a picture is refused, or the project holds images without reference masks.
        """
        _, missing = match(pictures, self._images(project))
        for start in range(0, len(missing), PICTURES_PER_UPLOAD):
            self._upload(project, missing[start : start + PICTURES_PER_UPLOAD])
            self.say(f"{min(start + PICTURES_PER_UPLOAD, len(missing))} of {len(missing)} uploaded")
        images = self._images(project)
        found, missing = match(pictures, images)
        if missing:
            raise NotPrepared(f"{missing[0].path.name} is not in the project after its upload.")
        strange = [image["name"] for image in images if image["id"] not in found]
        if strange:
            raise NotPrepared(
                f"The project holds images without reference masks, such as {strange[0]}; "
                "a simulated team needs a project of its own."
            )
        return found

    def wait_for_embeddings(self, project: str) -> None:
        """Until every image can be lent. Raises `NotPrepared` when one fails or it takes too long."""
        until, told = time.monotonic() + LONGEST_WAIT_S, 0
        while time.monotonic() < until:
            images = self._images(project)
            failed = [image["name"] for image in images if image["embedding"] == "failed"]
            if failed:
                raise NotPrepared(f"The embedding of {failed[0]} could not be made.")
            waiting = sum(image["embedding"] != "ready" for image in images)
            if not waiting:
                return
            if waiting != told:
                self.say(f"{waiting} of {len(images)} embeddings to be made")
            told = waiting
            time.sleep(LOOK_AGAIN_S)
        raise NotPrepared("The embeddings took too long: does an embed worker run?")

    def annotator(self, project: str, name: str) -> HttpSession:
        """The session of an annotator of the project, signed in by a new one-time link."""
        body = {"name": name}
        reply = self.client.send("POST", f"{API}/people", body, expected=(201, 409))
        person = reply.json() if reply.status == 201 else self._person(name)
        member = {"name": name, "role": "annotator"}
        self.client.post(f"/projects/{project}/members", member)
        link = self.client.post(f"/people/{person['id']}/sign-in-link", expected=(201,))["url"]
        session = HttpSession(self.client.session.url)
        session.use_link(link, secrets.token_urlsafe(24))
        return session

    def _person(self, name: str) -> Mapping[str, Any]:
        for person in self._all("/people", "people"):
            if person["name"].lower() == name.lower():
                return person
        raise NotPrepared(f"{name} is taken, and not to be found.")

    def _images(self, project: str) -> list[dict[str, Any]]:
        return list(self._all(f"/projects/{project}/images", "images"))

    def _all(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while page := self.client.get(f"{path}?offset={offset}&limit={PAGE}")[name]:
            yield from page
            offset += len(page)

    def _upload(self, project: str, pictures: Sequence[CocoPicture]) -> None:
        files = {picture.path.name: picture.path.read_bytes() for picture in pictures}
        if len(files) < len(pictures):
            raise NotPrepared("Two pictures have the same file name.")
        reply = self.client.session.upload(f"{API}/projects/{project}/images", files)
        refused = reply.json().get("refused") if reply.status in (201, 422) else reply.content
        if refused or reply.status != 201:
            raise NotPrepared(f"The upload was refused ({reply.status}): {refused!r}")


def admin_client(url: str, name: str, password: str) -> Client:
    """A client signed in as an admin. Raises `http_session.SignInFailed`."""
    session = HttpSession(url, timeout_s=UPLOAD_LIMIT_S)
    session.sign_in(name, password)
    client = Client(session, Tally())
    if not client.get("/me")["is_admin"]:
        raise Refused(f"{name} is no admin")
    return client
