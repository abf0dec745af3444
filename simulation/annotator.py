"""One simulated annotator: leases images, masks their objects in order of prominence, submits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.decoding import Graphs, MismatchedPair, Model, OpenImage, open_image
from common.embedding_format import EmbeddingName
from common.metrics import Mask, iou
from simulation.behaviour import Behaviour, Clock, Draws
from simulation.client import Client
from simulation.log import InteractionLog
from simulation.masking import Masking, Outcome
from simulation.references import ImageReferences, mask_of
from simulation.saves import MaskSaves


@dataclass
class Annotator:
    """One person at one page; `work` runs until the queue has nothing more."""

    client: Client
    project: str
    references: Mapping[str, ImageReferences]  # by id of the images that the project lists
    graphs: Graphs
    behaviour: Behaviour
    seed: int
    done: Callable[[Outcome], None]
    name: str  # within the team
    clock: Clock = field(default_factory=Clock)
    images_submitted: int = 0
    decode_ms: list[float] = field(default_factory=list)  # real, of this machine
    _embeddings: dict[str, bytes] = field(default_factory=dict)  # fetched ahead, by address
    _models: dict[str, Model] = field(default_factory=dict)  # by bundle fingerprint

    def __post_init__(self) -> None:
        every_ms = round(1000 * self.behaviour.draft_every_s)
        self._log = InteractionLog(self.client, self.clock, every_ms)
        self._by_content = {one.content: one for one in self.references.values()}

    def work(self) -> None:
        """Annotate until nothing is left. Raises `client.Refused` when the server will not go on."""
        path = f"/projects/{self.project}/assignments/next"
        body = {"ahead": self.behaviour.images_ahead}
        while answer := self.client.post(path, body, expected=(200, 204)):
            self._annotate(answer["assignment"], answer["upcoming"])

    def _annotate(self, assignment: dict[str, Any], upcoming: list[dict[str, Any]]) -> None:
        image = assignment["image"]
        self.client.get_bytes(image["file_url"])
        stored = self.client.get(f"/images/{image['id']}/masks")["masks"]
        try:
            opened = self._open(assignment)
        except MismatchedPair as problem:
            self.client.tally.note_mismatch()
            body = {"reason": "other", "note": f"mismatched pair: {problem}"[:2000]}
            self.client.post(f"/assignments/{assignment['id']}/skip", body)
            return
        self._log.open(assignment["id"])
        for one in upcoming:
            self._embedding(one)
        self._mask_objects(assignment, opened, stored)
        self.clock.spend(round(1000 * self.behaviour.key_s))
        self._log.record("submit")
        self._log.flush()
        self.client.post(f"/assignments/{assignment['id']}/submit")
        self._embeddings.pop(assignment["embedding_url"], None)
        self.images_submitted += 1

    def _mask_objects(
        self, assignment: dict[str, Any], opened: OpenImage, stored: list[dict[str, Any]]
    ) -> None:
        image = assignment["image"]
        references, person = self._references(image)
        order_index = 1 + max((one["order_index"] for one in stored), default=-1)
        for number in references.by_prominence():
            reference = references.mask(number)
            if self._is_there(reference, stored):
                continue
            masking = Masking(
                image=image["id"],
                number=number,
                reference=reference,
                opened=opened,
                behaviour=self.behaviour,
                draws=Draws(
                    self.seed,
                    image["sha256"],
                    number,
                    spread=self.behaviour.spread,
                    person=person,
                ),
                clock=self.clock,
                log=self._log,
                saves=MaskSaves(self.client, assignment, order_index),
                decode_ms=self.decode_ms,
            )
            outcome = masking.run()
            order_index += outcome.version > 0
            self.done(outcome)

    def _references(self, image: dict[str, Any]) -> tuple[ImageReferences, str]:
        """Those of an image, and whose hand the chance in it depends on ("": nobody's).

        An image that the project does not list is a copy, lent to this person alone.
        """
        if image["id"] in self.references:
            return self.references[image["id"]], ""
        return self._by_content[image["sha256"]], self.name

    def _is_there(self, reference: Mask, stored: list[dict[str, Any]]) -> bool:
        """Whether the object has its mask from an earlier sitting or an import."""
        height, width = reference.shape
        return any(
            iou(mask_of(one["rle"]["counts"], height=height, width=width), reference)
            >= self.behaviour.good_enough_iou
            for one in stored
            if one["state"] == "accepted"
        )

    # ---- the model -------------------------------------------------------------------------------

    def _open(self, assignment: dict[str, Any]) -> OpenImage:
        """The image prepared for clicks. Raises `MismatchedPair`."""
        image, address = assignment["image"], assignment["model"]
        if address is None:
            raise MismatchedPair("the product has no model version in use")
        name = EmbeddingName(
            image_sha256=image["sha256"],
            crop=(0, 0, image["width"], image["height"]),
            encoder_fingerprint=address["encoder_fingerprint"],
        )
        return open_image(self._model(address), self._embedding(assignment), name=name)

    def _model(self, address: dict[str, Any]) -> Model:
        """The model version of an assignment; its files are fetched once."""
        fingerprint = address["bundle_fingerprint"]
        if fingerprint not in self._models:
            self._models[fingerprint] = self.graphs.model(
                self.client.get_bytes(address["manifest_url"]),
                lambda name: self.client.get_bytes(address["files_url"] + name),
                fingerprint=fingerprint,
            )
        return self._models[fingerprint]

    def _embedding(self, assignment: dict[str, Any]) -> bytes:
        """The embedding file; a browser that has it does not ask again."""
        url = assignment["embedding_url"]
        if url not in self._embeddings:
            self._embeddings[url] = self.client.wait_for_bytes(url)
        return self._embeddings[url]
