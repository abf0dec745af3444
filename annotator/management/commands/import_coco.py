"""`manage.py import_coco PROJECT FOLDER_OR_JSON`: `import_masks` of a COCO file or a folder as SA-1B has them."""

from __future__ import annotations

from annotator.management.commands import import_masks


class Command(import_masks.Command):
    help = f"{import_masks.Command.help} The same as import_masks."
