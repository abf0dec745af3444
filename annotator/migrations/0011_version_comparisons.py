import django.db.models.deletion
import uuid
from django.db import migrations, models


def copy_comparisons(apps, schema_editor):
    """What rounds measured stood on the candidate itself."""
    pairs = apps.get_model('annotator', 'VersionComparison')
    rounds = apps.get_model('annotator', 'Round').objects.exclude(candidate=None)
    for made in rounds.exclude(candidate__comparison={}).select_related('candidate', 'job'):
        candidate = made.candidate
        if candidate.parent_id not in (None, candidate.id):
            pairs.objects.create(
                base_id=candidate.parent_id,
                candidate=candidate,
                job=made.job,
                found=candidate.comparison,
                compared_at=made.job.finished_at or candidate.created_at,
            )


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0010_reviews'),
    ]

    operations = [
        migrations.CreateModel(
            name='VersionComparison',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('found', models.JSONField(default=dict)),
                ('compared_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='job',
            name='job_kind_is_known',
        ),
        migrations.AlterField(
            model_name='job',
            name='kind',
            field=models.CharField(choices=[('embed', 'Embed'), ('train', 'Train'), ('export', 'Export'), ('compare', 'Compare'), ('register', 'Register')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['embed', 'train', 'export', 'compare', 'register'])), name='job_kind_is_known'),
        ),
        migrations.AddField(
            model_name='versioncomparison',
            name='base',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='compared_as_base', to='annotator.modelversion'),
        ),
        migrations.AddField(
            model_name='versioncomparison',
            name='candidate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='compared_as_candidate', to='annotator.modelversion'),
        ),
        migrations.AddField(
            model_name='versioncomparison',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comparisons', to='annotator.job'),
        ),
        migrations.AddConstraint(
            model_name='versioncomparison',
            constraint=models.UniqueConstraint(fields=('base', 'candidate'), name='one_comparison_per_pair'),
        ),
        migrations.AddConstraint(
            model_name='versioncomparison',
            constraint=models.CheckConstraint(condition=models.Q(('base', models.F('candidate')), _negated=True), name='compared_versions_differ'),
        ),
        migrations.RunPython(copy_comparisons, migrations.RunPython.noop),
    ]
