from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0011_version_comparisons'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='modelversion',
            name='comparison',
        ),
    ]
