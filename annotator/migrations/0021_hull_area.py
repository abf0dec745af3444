"""The automatic checks keep the convex hull too: they look at every mask again, from the oldest on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotator", "0020_image_copies")]

    operations = [
        migrations.RunSQL("TRUNCATE annotator_maskcheck", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="maskcheck",
            name="hull_area",
            field=models.FloatField(default=0),
            preserve_default=False,
        ),
    ]
