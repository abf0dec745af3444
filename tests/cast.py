"""The people of every test, and the things they work on: Alice and Bob annotate, Carol manages, Dan administers,
Mallory belongs to another project and must see nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from numpy.typing import NDArray

from annotator.models import (
    Assignment,
    Embedding,
    Image,
    Mask,
    MaskState,
    Membership,
    ModelVersion,
    Person,
    Picture,
    Project,
    Promotion,
    Role,
)
from annotator.services.assignments import lease_next
from common import rle

WIDTH, HEIGHT = 37, 23


@dataclass(frozen=True)
class Cast:
    project: Project
    elsewhere: Project
    alice: Person
    bob: Person
    carol: Person
    dan: Person
    mallory: Person

    def by_name(self, name: str) -> Person:
        person = getattr(self, name)
        assert isinstance(person, Person)
        return person


def make_cast() -> Cast:
    project = Project.objects.create(name="Harbour")
    elsewhere = Project.objects.create(name="Elsewhere")
    alice, bob, carol, dan, mallory = (
        Person.objects.create(name=name, display_name=name.title(), is_admin=name == "dan")
        for name in ("alice", "bob", "carol", "dan", "mallory")
    )
    for person, place, role in (
        (alice, project, Role.ANNOTATOR),
        (bob, project, Role.ANNOTATOR),
        (carol, project, Role.MANAGER),
        (mallory, elsewhere, Role.MANAGER),
    ):
        Membership.objects.create(project=place, person=person, role=role)
    return Cast(project, elsewhere, alice, bob, carol, dan, mallory)


def make_image(project: Project, *, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """An image whose file nobody reads."""
    sha256 = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    picture = Picture.objects.create(
        sha256=sha256,
        source_sha256=sha256,
        width=width,
        height=height,
        file_key=f"images/{sha256[:2]}/{sha256}.png",
        file_type="image/png",
        num_bytes=1,
    )
    number = Image.objects.filter(project=project).count()
    return Image.objects.create(
        project=project, picture=picture, name=f"harbour-{number}.png", order_index=number
    )


def make_model(*, encoder: str = "e" * 64, promote: bool = True) -> ModelVersion:
    model = ModelVersion.objects.create(
        name="compact",
        bundle_fingerprint=hashlib.sha256(uuid.uuid4().bytes).hexdigest(),
        encoder_fingerprint=encoder,
        manifest={"input_size": 512, "files": {}},
    )
    if promote:
        Promotion.objects.create(
            model_version=model, previous=Promotion.objects.order_by("-id").first()
        )
    return model


def make_embedding(image: Image, model: ModelVersion) -> Embedding:
    picture = image.picture
    crop = [0, 0, picture.width, picture.height]
    corners = "_".join(str(corner) for corner in crop)
    return Embedding.objects.create(
        picture=picture,
        crop=crop,
        encoder_fingerprint=model.encoder_fingerprint,
        file_key=f"embeddings/{model.encoder_fingerprint}/{picture.sha256}-{corners}.emb",
        file_sha256="f" * 64,
        num_bytes=1,
    )


def lend(person: Person, project: Project) -> Assignment:
    """The person's next assignment."""
    return lease_next(person=person, project=project)[0]


def asymmetric_mask(
    *, width: int = WIDTH, height: int = HEIGHT, grown: int = 0
) -> NDArray[np.bool_]:
    """An L with a hole, the same from no two sides; `grown` makes others of it."""
    mask = np.zeros((height, width), dtype=bool)
    mask[3:17, 4:9] = True
    mask[13:17, 4 : 21 + grown] = True
    mask[5:7, 5:7] = False
    return mask


def counts(*, grown: int = 0, width: int = WIDTH, height: int = HEIGHT) -> str:
    return rle.encode(asymmetric_mask(width=width, height=height, grown=grown))


def accepted_mask(image: Image, author: Person, *, given_up: bool = False) -> Mask:
    """As if the author had accepted it."""
    mask = asymmetric_mask(width=image.picture.width, height=image.picture.height)
    encoded = rle.encode(mask)
    return Mask.objects.create(
        id=uuid.uuid4(),
        image=image,
        author=author,
        order_index=0,
        state=MaskState.ACCEPTED,
        accepted_at=timezone.now(),
        counts=encoded,
        counts_sha256=rle.counts_sha256(encoded),
        area=int(mask.sum()),
        box=[4, 3, 21, 17],
        given_up=given_up,
    )


def save_body(assignment: Assignment, /, **changes: Any) -> dict[str, Any]:
    """The body of a save that is right in everything but `changes`."""
    picture = assignment.image.picture
    body: dict[str, Any] = {
        "save_id": str(uuid.uuid4()),
        "image": str(assignment.image_id),
        "assignment": str(assignment.id),
        "state": "draft",
        "rle": {
            "size": [picture.height, picture.width],
            "counts": counts(width=picture.width, height=picture.height),
        },
        "model_version": None,
        "predicted_iou": 0.91,
        "order_index": 0,
        "prompts": [{"kind": "point", "x": 6, "y": 15, "label": 1}],
        "given_up": False,
    }
    return {**body, **changes}


class Browser:
    """Somebody's browser: sends JSON with the session cookie."""

    def __init__(self, person: Person | None = None) -> None:
        # Errors must come back as answers, as they would from the real server.
        self.client = Client(raise_request_exception=False)
        if person is not None:
            self.client.force_login(person)

    def send(
        self, method: str, path: str, body: object | None = None, **headers: str
    ) -> HttpResponse:
        """`headers` are written with underscores: If_Match, If_None_Match."""
        return self.client.generic(  # type: ignore[return-value]
            method,
            f"/api/v1/{path}",
            b"" if body is None else _json(body),
            content_type="application/json",
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )

    def get(self, path: str) -> HttpResponse:
        return self.send("GET", path)

    def post(self, path: str, body: object | None = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, {} if body is None else body, **headers)

    def save(self, mask_id: object, body: object, *, version: int | None = None) -> HttpResponse:
        """PUT of a mask: new without `version`, else an update of that version."""
        if version is None:
            return self.send("PUT", f"masks/{mask_id}", body, If_None_Match="*")
        return self.send("PUT", f"masks/{mask_id}", body, If_Match=f'"{version}"')

    def correct(self, mask: Mask, *, grown: int) -> HttpResponse:
        """A reviewer's correction: the mask gets the pixels of `counts(grown=grown)`."""
        picture = mask.image.picture
        body = {
            "save_id": str(uuid.uuid4()),
            "image": str(mask.image_id),
            "assignment": None,
            "state": "accepted",
            "rle": {"size": [picture.height, picture.width], "counts": counts(grown=grown)},
            "order_index": mask.order_index,
        }
        return self.save(mask.id, body, version=mask.version)


def body_of(response: HttpResponse) -> bytes:
    """What a response streams."""

    async def collect() -> bytes:
        return b"".join([block async for block in response.streaming_content])  # type: ignore

    return asyncio.run(collect())


def _json(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps(body).encode()
