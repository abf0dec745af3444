"""A round may begin with another version than the one in use. Jobs that wait begin with their base."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def name_starts(apps: Any, schema_editor: Any) -> None:
    jobs = apps.get_model("annotator", "Job").objects.filter(
        kind="train", request__has_key="base_bundle_fingerprint"
    )
    for job in jobs.iterator():
        job.request["start_bundle_fingerprint"] = job.request["base_bundle_fingerprint"]
        job.save(update_fields=["request"])


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0031_webhook_secrets"),
    ]

    operations = [
        migrations.AddField(
            model_name="round",
            name="start",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotator.modelversion",
            ),
        ),
        migrations.RunPython(name_starts, migrations.RunPython.noop),
    ]
