"""Rounds and schedules that were kept with a yes or no tell which masks they train on."""

from typing import Any

from django.db import migrations


def rename(apps: Any, schema_editor: Any) -> None:
    for name in ("Round", "RoundSchedule"):
        for row in apps.get_model("annotator", name).objects.filter(
            settings__has_key="only_new_masks"
        ):
            only_new = row.settings.pop("only_new_masks")
            row.settings["training_masks"] = "new" if only_new else "all"
            row.save(update_fields=["settings"])


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0008_accepted_masks_by_change"),
    ]

    operations = [
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
