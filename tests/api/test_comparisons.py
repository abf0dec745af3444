"""Any two versions beside each other: who may ask, what the job is told, what counts for the gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from annotator.errors import Conflict
from annotator.models import AuditEntry, Job, JobKind, JobState, ModelVersion, VersionComparison
from annotator.queries.verdicts import Standing, verdict_of
from annotator.services.bundles import promote
from annotator.services.reports import record_report
from annotator.services.stores import file_storage
from common.messages import CompareRequest, JobReport, ReportState
from common.replay_cases import read_cases
from common.snapshots import read_snapshot
from tests.cast import Browser, Cast, accepted_mask, make_image, make_model
from tests.comparisons import candidate_of, compared, comparison, difference, held_out_mask

Browsers = Callable[[str], Browser]


@pytest.fixture
def base(cast: Cast) -> ModelVersion:
    return make_model()


def ask(browser: Browsers, base: ModelVersion, candidate: ModelVersion) -> Job:
    reply = browser("dan").post(
        "model-comparisons", {"base": str(base.id), "candidate": str(candidate.id)}
    )
    assert reply.status_code == 202, reply.content
    return Job.objects.get(id=reply.json()["job"])


def report(job: Job, state: ReportState, result: dict[str, object] | None = None) -> None:
    taken = record_report(
        JobReport(job_id=str(job.id), token=job.token, state=state, result=result or {})
    )
    assert taken
    job.refresh_from_db()


def test_the_job_is_told_the_held_out_masks_of_all_projects_and_what_to_replay(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    mask, other = held_out_mask(cast), make_model(promote=False)
    mask.prompts = [{"kind": "point", "x": 6, "y": 15, "label": 1}]
    mask.save()
    accepted_mask(make_image(cast.project), cast.alice)  # may have been trained on
    job = ask(browser, base, other)
    request = CompareRequest.from_json({**job.request, "job_id": str(job.id), "token": 1})
    assert request.base_bundle_fingerprint == base.bundle_fingerprint
    assert request.candidate_bundle_fingerprint == other.bundle_fingerprint
    assert list(request.held_out) == [str(cast.project.id)]
    (told,) = read_snapshot(file_storage().read_bytes(request.held_out[str(cast.project.id)]))
    assert told.mask_id == str(mask.id)
    (case,) = read_cases(file_storage().read_bytes(request.cases_key))
    assert case.mask_id == str(mask.id) and case.is_held_out
    assert AuditEntry.objects.get(act="model.compared").person == cast.dan


def test_asking_twice_is_one_job_and_asking_again_keeps_the_numbers_until_there_are_new_ones(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    held_out_mask(cast)
    other = make_model(promote=False)
    job = ask(browser, base, other)
    assert ask(browser, base, other) == job
    report(job, "running")
    found = comparison(first_capped=difference(0.6, 0.8))
    report(job, "done", {"comparison": found})
    pair = VersionComparison.objects.get()
    assert (pair.found, job.state) == (found, JobState.DONE) and pair.compared_at is not None
    again = ask(browser, base, other)
    assert again != job
    reply = browser("dan").get(f"model-comparisons/{pair.id}").json()
    assert (reply["state"], reply["verdict"]) == ("queued", "better")
    assert reply["comparison"]["measures"][0]["difference"] == 0.2
    listed = browser("dan").get("model-comparisons").json()
    assert listed["total"] == 1 and listed["comparisons"][0]["job"] == str(again.id)


def test_a_report_without_measures_is_refused(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    held_out_mask(cast)
    job = ask(browser, base, make_model(promote=False))
    report(job, "running")
    report(job, "done", {"comparison": {"measures": 3}})
    assert job.state == JobState.QUEUED and "reports no comparison" in job.error
    assert VersionComparison.objects.get().compared_at is None


@pytest.mark.parametrize("same", [True, False])
def test_what_cannot_be_compared_is_refused(
    browser: Browsers, base: ModelVersion, same: bool
) -> None:
    other = base if same else make_model(promote=False)
    reply = browser("dan").post(
        "model-comparisons", {"base": str(base.id), "candidate": str(other.id)}
    )
    code = "same_version" if same else "nothing_to_compare"
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert not VersionComparison.objects.exists() and not Job.objects.exists()


def test_a_comparison_is_stopped_and_other_jobs_are_not(
    browser: Browsers, cast: Cast, base: ModelVersion
) -> None:
    held_out_mask(cast)
    job = ask(browser, base, make_model(promote=False))
    dan, path = browser("dan"), f"jobs/{job.id}/cancel"
    assert dan.post(path).json()["state"] == "cancelled"
    assert dan.post(path).json()["error"]["code"] == "job_ended"
    training = Job.objects.create(kind=JobKind.TRAIN, subject="a project")
    refused = dan.post(f"jobs/{training.id}/cancel")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_stopped_here")


def test_the_gate_goes_by_the_comparison_with_the_version_in_use(base: ModelVersion) -> None:
    in_use = make_model()
    candidate = candidate_of(base, comparison(first_capped=difference(0.6, 0.8)))
    assert verdict_of(candidate).standing == Standing.BETTER, "than the one it came from"
    assert verdict_of(candidate).base == base
    compared(in_use, candidate, comparison(first_capped=difference(0.8, 0.6)))
    verdict = verdict_of(candidate)
    assert (verdict.standing, verdict.base) == (Standing.WORSE, in_use)
    with pytest.raises(Conflict, match="worse than compact"):
        promote(model_version=candidate, expected_current=in_use.id)


def test_a_registered_version_is_judged_by_what_it_was_compared_with(base: ModelVersion) -> None:
    registered = make_model(promote=False)
    assert verdict_of(registered).standing == Standing.UNPROVEN
    compared(base, registered, comparison(held_out_capped=difference(0.6, 0.8)))
    assert verdict_of(registered).standing == Standing.BETTER
    promote(model_version=registered, expected_current=base.id)
    assert verdict_of(registered).base == base, "also when it is the one in use"
