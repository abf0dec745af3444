"""The demo: three people, one project, photographs that come with scikit-image. Safe to repeat."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from annotator.models import Person, Project, Role
from annotator.services.images import Upload, UploadReport, add_images
from annotator.services.people import create_person, set_role
from annotator.services.projects import create_project

DEMO_PROJECT = "Demo"
DEMO_PEOPLE = {"annotator": Role.ANNOTATOR, "manager": Role.MANAGER, "admin": None}
# Public domain or CC0, as the docstrings of skimage.data state.
DEMO_PHOTOGRAPHS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "coins.png",
    "retina.jpg",
    "hubble_deep_field.jpg",
)
DEMO_GUIDELINES = (
    "Mask every object you can name, the most prominent first.\n"
    "Click on it; add clicks where the mask is wrong; press Enter when it is right.\n"
    "Parts count as objects of their own when they are easy to tell apart."
)


def create_demo() -> UploadReport:
    """People without passwords, the project, its images; what exists already is left as it is."""
    project = Project.objects.filter(name=DEMO_PROJECT).first() or create_project(
        name=DEMO_PROJECT, guidelines=DEMO_GUIDELINES, by=None
    )
    for name, role in DEMO_PEOPLE.items():
        person = Person.objects.filter(name=name).first() or create_person(
            name=name, display_name=f"Demo {name}", is_admin=role is None
        )
        if role is not None and not project.memberships.filter(person=person).exists():
            set_role(project=project, person=person, role=role)
    return _add_photographs(project)


def _add_photographs(project: Project) -> UploadReport:
    with as_file(files("skimage") / "data") as folder:
        uploads = [Upload(name, Path(folder) / name) for name in DEMO_PHOTOGRAPHS]
        return add_images(project=project, uploads=uploads, by=None)
