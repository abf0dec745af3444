"""Guidelines: Markdown that becomes HTML which is safe to show, and pictures of the project's own."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from annotator.models import AuditEntry, GuidelinePicture, Image, Project
from annotator.services.guidelines import MAX_GUIDELINE_PICTURES, render_guidelines
from tests import pictures
from tests.cast import Browser, Cast, body_of

Browsers = Callable[[str], Browser]


def send_pictures(sender: Browser, project: Project, **files: bytes) -> HttpResponse:
    """`files` are bytes by name; an underscore stands for the dot."""
    sent = [
        SimpleUploadedFile(name.replace("_", ".", 1), content) for name, content in files.items()
    ]
    path = f"/api/v1/projects/{project.id}/guideline-pictures"
    return sender.client.post(path, {"files": sent})


def rendered(cast: Cast, text: str) -> str:
    cast.project.guidelines = text
    return render_guidelines(cast.project)


def test_markdown_becomes_html_below_the_pages_own_heading(cast: Cast) -> None:
    html = rendered(cast, "# Boats\n\n* every **hull**\n* ~~ropes~~\n\n|a|b|\n|-|-|\n|1|2|\n")
    assert "<h2>Boats</h2>" in html and "<h1" not in html
    assert "<strong>hull</strong>" in html and "<s>ropes</s>" in html and "<td>1</td>" in html
    assert "<h6>deep</h6>" in rendered(cast, "###### deep")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x()'>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](/sign-out)",
        "[x](//evil.example)",
        "<javascript:alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "![x](/api/v1/me)",
        '![" onerror="alert(1)](quay.png)',
        '[x](https://a.example "\\" onclick=\\"alert(1)")',
        "[r]: javascript:alert(1)\n\n[r]",
        "![r]\n\n[r]: https://evil.example/p.png",
    ],
)
def test_nothing_that_acts_or_leads_astray_comes_through(cast: Cast, text: str) -> None:
    html = rendered(cast, text)
    for tag in re.findall(r"<[a-zA-Z][^>]*>", html):
        assert tag[1:].split()[0].strip(">/") in {"p", "a"}, html
        for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag):
            assert key in {"href", "rel", "target", "title"}, html
            assert key != "href" or value.startswith("https://a.example"), html


def test_links_open_elsewhere_and_tell_nobody_where_they_came_from(cast: Cast) -> None:
    html = rendered(cast, "[paper](https://arxiv.org/abs/2304.02643)")
    assert 'rel="noopener noreferrer"' in html and 'target="_blank"' in html


def test_pictures_are_shown_by_name_to_members_only(browser: Browsers, cast: Cast) -> None:
    carol, path = browser("carol"), f"projects/{cast.project.id}"
    made = send_pictures(carol, cast.project, **{"the quay_png": pictures.png()})
    assert made.status_code == 201, made.content
    (picture,) = made.json()["pictures"]
    assert picture["name"] == "the-quay.png"
    text = "![The <quay>](the-quay.png) and ![no such](harbour.png)"
    assert carol.send("PATCH", path, {"guidelines": text}).status_code == 200
    told = browser("alice").get(f"{path}/guidelines").json()
    assert told["text"] == text and told["pictures"] == [picture]
    assert f'<img src="{picture["url"]}" alt="The &lt;quay&gt;" loading="lazy"' in told["html"]
    assert "[no such]" in told["html"] and told["html"].count("<img") == 1
    shown = browser("alice").client.get(picture["url"])
    assert shown.headers["Content-Type"] == "image/png" and body_of(shown)[1:4] == b"PNG"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    for stranger in ("mallory", "nobody"):
        assert browser(stranger).client.get(picture["url"]).status_code in {401, 404}
    elsewhere = picture["url"].replace(str(cast.project.id), str(cast.elsewhere.id))
    assert browser("mallory").client.get(elsewhere).status_code == 404
    assert not Image.objects.exists(), "nobody is to annotate it"


def test_a_picture_is_replaced_by_name_and_removed(browser: Browsers, cast: Cast) -> None:
    carol = browser("carol")
    first, second = (
        send_pictures(carol, cast.project, quay_png=content).json()["pictures"][0]
        for content in (pictures.png(), pictures.png(width=51))
    )
    assert first["sha256"] != second["sha256"]
    assert GuidelinePicture.objects.get().picture_id == second["sha256"]
    path = f"projects/{cast.project.id}/guideline-pictures/{second['sha256']}"
    assert browser("alice").send("DELETE", path).status_code == 403
    assert carol.send("DELETE", path).status_code == 204
    assert carol.send("DELETE", path).status_code == 404
    assert "[quay]" in rendered(cast, "![quay](quay.png)")
    acts = AuditEntry.objects.order_by("id").values_list("act", "subject")
    added = ("guidelines.picture_added", "quay.png")
    assert list(acts) == [added, added, ("guidelines.picture_removed", "quay.png")]


def test_what_is_no_picture_is_refused_with_its_reason(browser: Browsers, cast: Cast) -> None:
    carol = browser("carol")
    mixed = send_pictures(carol, cast.project, a_png=pictures.png(), b_png=pictures.SVG)
    assert (mixed.status_code, len(mixed.json()["pictures"])) == (201, 1)
    assert mixed.json()["refused"][0]["code"] == "wrong_type"
    refused = send_pictures(carol, cast.project, b_png=b"")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "empty_file")
    assert send_pictures(carol, cast.project).status_code == 422
    assert GuidelinePicture.objects.count() == 1


def test_guidelines_show_a_bounded_number_of_pictures(browser: Browsers, cast: Cast) -> None:
    send_pictures(browser("carol"), cast.project, first_png=pictures.png())
    picture = GuidelinePicture.objects.get().picture
    GuidelinePicture.objects.bulk_create(
        GuidelinePicture(project=cast.project, name=f"{number}.png", picture=picture)
        for number in range(MAX_GUIDELINE_PICTURES - 1)
    )
    again = send_pictures(browser("carol"), cast.project, first_png=pictures.png())
    one_more = send_pictures(browser("carol"), cast.project, new_png=pictures.png())
    assert again.status_code == 201
    assert (one_more.status_code, one_more.json()["error"]["code"]) == (422, "too_many_pictures")
