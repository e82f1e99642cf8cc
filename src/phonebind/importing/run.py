"""The two runs from the reading to the report: the import, and its reverse."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from phonebind.importing import bindings, choices, deciding, findings, people, removing, source
from phonebind.importing.base import as_iso, from_text, now_as_text
from phonebind.importing.progress import Progress
from phonebind.importing.report import Report
from phonebind.importing.scratch import Scratch
from phonebind.importing.source import Source
from phonebind.importing.writing import Writer


@dataclass(frozen=True, kw_only=True)
class Job:
    """The operator's options."""

    source: Source
    provider: str
    app_id: str
    #: Whether to write. Otherwise the run only reports.
    commit: bool
    batch: int
    progress: Progress


def bring(job: Job, report: Report, prefer: str) -> int:
    """Import. Returns the number of unresolved findings. ``prefer``: a word of ``deciding``, a path, or ""."""
    moment = now_as_text()
    report.begin(_about(job, "import") | {"made_at": as_iso(moment)})
    with closing(Scratch()) as scratch:
        job.progress.run(_("users"), people.load(scratch), people.count())
        _read(job, scratch)
        is_rule = prefer in ("", deciding.NEWEST, deciding.OLDEST)
        if not is_rule:
            choices.load(Path(prefer), scratch)
        deciding.decide(scratch, prefer if is_rule else "")
        for finding in findings.find(scratch):
            report.tell(finding)
        counts = deciding.counts(scratch)
        written = 0
        if job.commit:
            writer = Writer(job.provider, job.app_id, from_text(moment))
            steps = _written(job, scratch, writer, report)
            written = job.progress.run(_("bindings"), steps, counts["to_write"])
    return report.end(counts | {"written": written})


def take_back(job: Job, report: Report, made_at: Sequence[str]) -> int:
    """Reverse an import. Returns the number of rows that it has removed, or would remove."""
    report.begin(_about(job, "reverse"))
    with closing(Scratch()) as scratch:
        _read(job, scratch)
        found = removing.count(scratch, made_at)
        removed = 0
        if job.commit:
            removed = job.progress.run(_("bindings"), removing.remove(scratch, made_at, job.batch), found)
    report.end({"to_remove": found, "removed": removed})
    return removed if job.commit else found


def _about(job: Job, what: str) -> dict[str, object]:
    about = {"run": what, "source": str(job.source), "provider": job.provider, "app_id": job.app_id}
    return about | {"commit": job.commit}


def _read(job: Job, scratch: Scratch) -> None:
    job.progress.run(_("table"), source.load(job.source, scratch), source.count(job.source))
    # Their number is not counted first: reading the existing bindings is at most half of the work of an import.
    job.progress.run(_("bound"), bindings.load(job.provider, job.app_id, scratch), 0)
    scratch.index()


def _written(job: Job, scratch: Scratch, writer: Writer, report: Report) -> Iterator[int]:
    for batch in deciding.plan(scratch, job.batch):
        written, lost = writer.write(batch)
        for finding in lost:
            report.tell(finding)
        yield written
