"""`manage.py export_coco PROJECT OUT`: `export_masks` in COCO's format."""

from __future__ import annotations

from argparse import ArgumentParser

from annotator.management.commands import export_masks


class Command(export_masks.Command):
    help = (
        "Writes a project's accepted masks as COCO JSON; the file appears complete or not at all."
    )

    def add_format(self, parser: ArgumentParser) -> None:
        parser.set_defaults(format="coco")
