from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0004_imported_masks'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelversion',
            name='comparison',
            field=models.JSONField(default=dict),
        ),
    ]
