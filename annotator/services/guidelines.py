"""Guidelines: Markdown with pictures of the project's own, rendered to HTML that is safe to show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from markdown_it import MarkdownIt
from markdown_it.token import Token

from annotator.errors import Conflict, DomainError
from annotator.models import GuidelinePicture, Person, Picture, Project
from annotator.queries.guidelines import guideline_pictures
from annotator.services.audit import record_act
from annotator.services.images import Refusal, Upload, clean_name
from annotator.services.picture_processes import PictureReader
from annotator.services.pictures import store_picture

MAX_GUIDELINE_PICTURES = 50
OPENED_LINKS = re.compile(r"https?://|mailto:", re.IGNORECASE)
# Raw HTML stays text: what comes out holds only what the parser itself writes.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass(frozen=True)
class PictureReport:
    added: list[GuidelinePicture]
    refused: list[Refusal]


def render_guidelines(project: Project) -> str:
    """The project's guidelines as HTML.

    Pictures are the project's own, by name; others stand there as their text. Links lead to the web or to a mail
    address, in another tab. Headings begin at the second level, below the page's own.
    """
    addresses = {
        one.name: picture_address(project, one.picture_id) for one in guideline_pictures(project)
    }
    tokens = _MARKDOWN.parse(project.guidelines)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        token.children = token.children and [_checked(one, addresses) for one in token.children]
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html


def picture_address(project: Project, sha256: str) -> str:
    """Where a picture of the guidelines is served, to members of the project."""
    return f"/api/v1/projects/{project.pk}/guideline-pictures/{sha256}"


def add_guideline_pictures(
    *, project: Project, uploads: Iterable[Upload], by: Person
) -> PictureReport:
    """Stores each file under its name, without spaces; the same name again is replaced."""
    added: list[GuidelinePicture] = []
    refused: list[Refusal] = []
    with PictureReader() as reader:
        for upload in uploads:
            name = re.sub(r"[\s()<>]+", "-", clean_name(upload.name))
            try:
                picture = store_picture(source=upload.path, reader=reader)
                added.append(_add(project, name, picture, by))
            except DomainError as error:
                refused.append(Refusal(name, error.code, error.message))
    return PictureReport(added, refused)


def remove_guideline_picture(*, picture: GuidelinePicture, by: Person) -> None:
    """Where the guidelines still name it, its text stands instead."""
    with transaction.atomic():
        act = "guidelines.picture_removed"
        record_act(person=by, project=picture.project, act=act, subject=picture.name)
        picture.delete()


def _add(project: Project, name: str, picture: Picture, by: Person) -> GuidelinePicture:
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # one at a time count
        others = guideline_pictures(project).exclude(name=name)
        if others.count() >= MAX_GUIDELINE_PICTURES:
            text = f"Guidelines show at most {MAX_GUIDELINE_PICTURES} pictures."
            raise Conflict(text, code="too_many_pictures")
        added, _ = GuidelinePicture.objects.update_or_create(
            project=project, name=name, defaults={"picture": picture}
        )
        act = "guidelines.picture_added"
        record_act(person=by, project=project, act=act, subject=name)
    return added


def _checked(token: Token, addresses: Mapping[str, str]) -> Token:
    """An inline token as it may be shown."""
    if token.type == "link_open":
        if OPENED_LINKS.match(str(token.attrGet("href"))):
            token.attrSet("rel", "noopener noreferrer")
            token.attrSet("target", "_blank")
        else:
            token.attrs = {}
    elif token.type == "image":
        address = addresses.get(str(token.attrGet("src")))
        if address is None:
            return Token("text", "", 0, content=f"[{token.content or token.attrGet('src')}]")
        token.attrs = {"src": address, "alt": "", "loading": "lazy"}  # the renderer fills in alt
    return token
