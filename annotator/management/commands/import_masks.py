"""`manage.py import_masks PROJECT FOLDER_OR_JSON`: brings a data set with its masks into a project."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.errors import DomainError
from annotator.models import Project
from annotator.queries.projects import find_project_by_name
from annotator.services.data_set_formats import INDEXES
from annotator.services.imported_masks import Frame
from annotator.services.imports import (
    SMALLEST_MASK_PX,
    ImportReport,
    ImportSettings,
    import_masks,
)
from annotator.services.provenance_lines import PROVENANCE, SUFFIX, import_provenance

TERMINAL_EVERY_S, LOG_EVERY_S = 1.0, 30.0


class Command(BaseCommand):
    help = (
        "Adds the images of a data set to a project, and their masks as accepted masks. "
        "Safe to repeat: what is there already is left as it is, also after a run that was cut off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="name or id")
        parser.add_argument(
            "source",
            type=Path,
            help="a COCO file, or a folder: with annotations.json, a JSON file per image as SA-1B, "
            "labels as YOLO, or PNG label maps; or provenance, JSON lines, of masks that are there",
        )
        parser.add_argument(
            "--format",
            choices=[*INDEXES, PROVENANCE],
            help="when it is not seen from the files",
        )
        parser.add_argument("--images", type=Path, help="folder of the image files, if another")
        parser.add_argument("--dry-run", action="store_true", help="look at all, change nothing")
        parser.add_argument(
            "--min-area",
            type=int,
            default=SMALLEST_MASK_PX,
            help="pixels of the smallest mask that is taken (%(default)s)",
        )
        parser.add_argument(
            "--with-crowds", action="store_true", help="take masks marked iscrowd too"
        )
        parser.add_argument(
            "--frame",
            choices=[frame.value for frame in Frame],
            help="where EXIF turns a photograph and its size does not tell: "
            "were masks drawn on its pixels as stored, or as shown?",
        )

    def handle(self, *args: object, **options: Any) -> None:
        source: Path = options["source"]
        is_provenance = options["format"] == PROVENANCE or source.suffix == SUFFIX
        try:
            project = find_project_by_name(options["project"])
            if is_provenance:
                report = import_provenance(
                    project=project, source=source, dry_run=options["dry_run"], by=None
                )
            else:
                report = self._import_masks(project, source, options)
        except DomainError as error:
            raise CommandError(error.message) from error
        self._tell(report, is_dry=options["dry_run"], is_provenance=is_provenance)

    def _import_masks(
        self, project: Project, source: Path, options: dict[str, Any]
    ) -> ImportReport:
        frame: str | None = options["frame"]
        settings = ImportSettings(
            smallest_mask=max(1, options["min_area"]),
            with_crowds=options["with_crowds"],
            frame=None if frame is None else Frame(frame),
            dry_run=options["dry_run"],
        )
        return import_masks(
            project=project,
            source=source,
            images=options["images"],
            format=options["format"],
            settings_=settings,
            by=None,
            advance=self._progress(),
        )

    def _progress(self) -> Callable[[ImportReport], None]:
        """Says how far it is; on a terminal the line overwrites itself."""
        is_terminal = self.stdout.isatty()
        ending, every_s = ("\r", TERMINAL_EVERY_S) if is_terminal else ("\n", LOG_EVERY_S)
        said = time.monotonic()

        def say(report: ImportReport) -> None:
            nonlocal said
            if time.monotonic() - said < every_s:
                return
            said = time.monotonic()
            share = f"{report.images_done:,} of {report.num_images:,} images"
            self.stdout.write(f"{share}, {report.masks_added:,} new masks", ending=ending)
            self.stdout.flush()

        return say

    def _tell(self, report: ImportReport, *, is_dry: bool, is_provenance: bool) -> None:
        for refusal in report.refusals:
            self.stderr.write(f"{refusal.place}: {refusal.message}")
        num_refusals = report.reasons.total()
        if num_refusals > len(report.refusals):
            self.stderr.write(f"… and {num_refusals - len(report.refusals):,} more.")
        verb = "would be added" if is_dry else "added"
        masks = f"{report.masks_added:,} {verb}, {report.masks_known:,} known already"
        refused = f"{report.masks_refused:,} refused."
        if is_provenance:
            self.stdout.write(f"Provenance of masks: {masks}, {refused}")
        else:
            images = f"{report.images_added:,} {verb}, {report.images_known:,} known already."
            crowds = f"{report.crowds_left_out:,} crowds left out"
            self.stdout.write(f"Images: {images}\nMasks: {masks}, {crowds}, {refused}")
        for code, count in report.reasons.most_common():
            self.stdout.write(f"  {code}: {count:,}")
        if not report.has_changed:
            self.stdout.write("Nothing to change." if is_dry else "Nothing was changed.")
        if num_refusals:
            raise CommandError("Some images or masks were refused.")
