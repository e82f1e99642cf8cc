"""Several processes count together. They use files of ours, which have their full size before a process writes to
them.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path

import psutil
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from phonebind.operations.monitoring import exposition, metrics, series, workers
from server import demo
from tests.server.test_run import eventually
from tests.support.site import Site, serving
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

AUTHORIZATION = {"Authorization": f"Bearer {demo.METRICS_TOKEN}"}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(workers.VARIABLE, "")
    workers.begin(tmp_path / "metrics")
    return tmp_path / "metrics"


def names(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


# ---------------------------------------------------------------- the directory


def test_threat_64_it_is_ours_alone_and_begins_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, "")
    directory = tmp_path / "deep/metrics"
    workers.begin(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.chmod(0o755)
    kept = {"notes.txt", "shop.db", "counter.db", "counter_1.db-wal", "db.sqlite3"}
    for name in ("counter_1.db", "gauge_livesum_1.db", "summary_7.db", "counter_2.new", *kept):
        (directory / name).write_bytes(b"old")
    workers.begin(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert names(directory) == kept
    assert os.environ[workers.VARIABLE] == str(directory)


def test_threat_64_a_directory_of_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, "")
    tmp_path.chmod(0o1777)
    with pytest.raises(PermissionError):
        workers.begin(tmp_path)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError):
        workers.begin(tmp_path)
    assert os.environ[workers.VARIABLE] == ""


# ---------------------------------------------------------------- the files


def test_a_process_gets_all_its_blocks_at_once(directory: Path) -> None:
    assert workers.allocate()
    for kind, size in workers.SIZES.items():
        file = directory / f"{kind}_{os.getpid()}.db"
        assert file.stat().st_size == size
        assert file.stat().st_blocks * 512 >= size
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(names(directory)) == len(workers.SIZES)


def test_alone_there_are_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    assert workers.allocate()
    workers.ended(1)


def test_without_room_it_says_so_and_leaves_nothing_half_made(
    directory: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Simulates a full disk: no room for any file, or room for the small files alone.
    for most in (1024, 2**17):
        with monkeypatch.context() as patch:
            patch.setattr(workers, "SIZES", dict(sorted(workers.SIZES.items(), key=itemgetter(1))))
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
            try:
                assert not workers.allocate()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert sum(file.stat().st_size for file in directory.iterdir()) <= 8
        assert not list(directory.glob("*.new"))
        assert "does not count for the metrics" in caplog.records[-1].getMessage()


def test_a_directory_that_is_gone_is_no_error(directory: Path) -> None:
    directory.rmdir()
    assert not workers.allocate()
    workers.ended(os.getpid())


#: A separate process, since prometheus-client decides once where it counts. argv: the directory.
ALONE = """
import json, os, sys
from pathlib import Path
import django
from phonebind.operations.monitoring import workers
workers.begin(Path(sys.argv[1]))
django.setup()
from phonebind.operations.monitoring import exposition, metrics, series
from phonebind import signals
{body}
"""


def alone(directory: Path, body: str, **environ: str) -> str:
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "server.settings", "DEBUG": "1", "OPERATIONS": "1", **environ}
    command = [sys.executable, "-c", ALONE.format(body=body), str(directory)]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


FILL = """
for family in vars(series).values():
    if isinstance(family, series.Family):
        names = family._metric._labelnames
        for number in range(family._most + 10):
            family.of(*("%040d" % number for _ in names))
print(json.dumps([
    (size, os.stat(f"{sys.argv[1]}/{kind}_{os.getpid()}.db").st_size) for kind, size in workers.SIZES.items()
]))
"""


def test_there_is_room_for_every_series_that_there_may_be(tmp_path: Path) -> None:
    """A file that grows has holes. On a full disk, a process that writes into a hole is killed."""
    sizes = json.loads(alone(tmp_path / "metrics", FILL))
    assert all(asked == is_now for asked, is_now in sizes)


FORKED = """
signals.sms_code_checked.send_robust(None, purpose="bind", outcome="right")
def child(room):
    pid = os.fork()
    if not pid:
        import resource
        counts = metrics.counts()
        signals.sms_code_checked.send_robust(None, purpose="bind", outcome="right")
        told = exposition.text().decode()
        print(json.dumps([room, counts, 'outcome="right",purpose="bind"' in told]), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    workers.ended(pid)
child(True)
import resource
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
child(False)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
[line] = [line for line in exposition.text().decode().splitlines() if 'outcome="right",purpose="bind"' in line]
print(json.dumps(line.split()[-1]))
"""


def test_threat_64_without_room_a_process_serves_and_counts_nothing(tmp_path: Path) -> None:
    first, second, total = map(json.loads, alone(tmp_path / "metrics", FORKED).splitlines())
    assert (first, second) == ([True, True, True], [False, False, True])
    assert total == "2.0"


def test_whoever_scrapes_reads_the_files_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path / "metrics", FORKED)
    monkeypatch.setenv(workers.VARIABLE, str(tmp_path / "metrics"))
    monkeypatch.setattr(metrics, "counts", lambda: False)
    lines = exposition.text().decode().splitlines()
    assert 'phonebind_sms_codes_total{outcome="right",purpose="bind"} 2.0' in lines


def test_a_fork_without_room_stops_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, str(tmp_path / "none"))
    metrics._after_fork()
    assert not metrics.counts()
    metrics.install()
    monkeypatch.delenv(workers.VARIABLE)
    metrics._after_fork()
    assert metrics.counts()


def test_a_server_that_counts_its_threads_has_a_gauge_for_them() -> None:
    gauge = series.threads_in_use()
    try:
        assert (gauge._name, gauge._multiprocess_mode) == ("phonebind_threads_in_use", "livesum")
    finally:
        REGISTRY.unregister(gauge)


def test_whoever_finds_no_room_at_its_start_serves_without_metrics(tmp_path: Path) -> None:
    body = "import django; django.setup(); from phonebind import calls; print(len(calls.observers))"
    own = {"DJANGO_SETTINGS_MODULE": "server.settings", "DEBUG": "1", workers.VARIABLE: str(tmp_path / "none")}
    command = [sys.executable, "-c", body]
    done = subprocess.run(
        command, env={**os.environ, "OPERATIONS": "1", **own}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"
    assert "does not count" in done.stderr


def test_the_end_of_a_process_keeps_what_it_counted_and_frees_the_rest(directory: Path) -> None:
    assert workers.allocate()
    pid = os.getpid()
    used = (96).to_bytes(4, sys.byteorder)
    with (directory / f"counter_{pid}.db").open("r+b") as file:
        file.write(used)
    workers.ended(pid + 1)
    assert len(names(directory)) == len(workers.SIZES)
    workers.ended(pid)
    sizes = {file.name: file.stat().st_size for file in directory.iterdir()}
    assert sizes == {f"counter_{pid}.db": 96, f"histogram_{pid}.db": 8, f"gauge_mostrecent_{pid}.db": 8}
    # Another process with the same process id uses the files again, at their full size.
    assert workers.allocate()
    with (directory / f"counter_{pid}.db").open("rb") as content:
        assert content.read(4) == used
    assert (directory / f"counter_{pid}.db").stat().st_size == workers.SIZES["counter"]
    # If there is no room, it does not remove the counts of the other process.
    workers.ended(pid)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        assert not workers.allocate()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (directory / f"counter_{pid}.db").read_bytes()[:4] == used


def test_the_files_are_named_as_prometheus_client_names_them() -> None:
    kinds = {
        "gauge_" + metric._multiprocess_mode if metric._type == "gauge" else metric._type
        for metric in (getattr(each, "_metric", each) for each in vars(series).values())
        if hasattr(metric, "_labelnames") and not isinstance(metric, type)
    }
    assert {*kinds, "gauge_livesum"} == set(workers.SIZES)


# ---------------------------------------------------------------- a real server


class Scraped:
    """A server with four workers, and its metrics."""

    def __init__(self, site: Site) -> None:
        self.site = site
        [self.gunicorn] = [
            child for child in psutil.Process(site.process.pid).children() if "gunicorn" in " ".join(child.cmdline())
        ]

    @property
    def workers(self) -> list[psutil.Process]:
        return [child for child in self.gunicorn.children() if _lives(child)]

    def refuse(self, times: int) -> None:
        """Send wrong passwords, each over a new connection, so that all workers get some."""
        for _ in range(times):
            Visitor(self.site.url).post("/authorizations/", username="nobody", password="wrong")

    def values(self) -> dict[tuple[str, ...], float]:
        answer = Visitor(self.site.url, headers=AUTHORIZATION).get("/metrics/")
        assert answer.status == 200, answer.body
        return {
            (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.body.decode())
            for sample in family.samples
        }

    def refusals(self) -> float:
        return sum(
            value
            for name, value in self.values().items()
            if name[0] == "phonebind_events_total" and "type=password" in name
        )


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[Scraped]:
    with serving(tmp_path, WORKERS="4", LIMITS='{"password_address": [100000, 900]}') as site:
        found = Scraped(site)
        assert eventually(lambda: len(found.workers) == 4)
        yield found


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return False


def _is_replaced(scraped: Scraped, victim: psutil.Process) -> bool:
    return len(scraped.workers) == 4 and not victim.is_running()


def test_four_workers_count_together_and_no_count_is_lost_with_a_worker(scraped: Scraped, tmp_path: Path) -> None:
    directory = tmp_path / "metrics"
    scraped.refuse(40)
    assert scraped.refusals() == 40
    # Each worker gives the same answer.
    assert {scraped.refusals() for _ in range(12)} == {40}
    seen = [40.0]
    for victim in list(scraped.workers)[:2]:
        victim.send_signal(signal.SIGKILL)
        assert eventually(partial(_is_replaced, scraped, victim))
        # The dead worker's files have shrunk. The full-size files are those of the master and of the four workers.
        assert eventually(lambda: sum(file.stat().st_size > 2**19 for file in directory.glob("counter_*.db")) == 5)
        seen += [scraped.refusals() for _ in range(8)]
        scraped.refuse(10)
        seen += [scraped.refusals() for _ in range(8)]
    assert seen == sorted(seen)
    assert seen[-1] == 60
    # No thread of a dead worker counts as in use.
    assert eventually(lambda: scraped.values()["phonebind_threads_in_use",] <= 2)
    assert len(list(directory.glob("gauge_livesum_*.db"))) == 5


def test_a_reload_keeps_the_counts_and_a_new_start_begins_anew(scraped: Scraped, tmp_path: Path) -> None:
    scraped.refuse(8)
    before = {worker.pid for worker in scraped.workers}
    scraped.gunicorn.send_signal(signal.SIGHUP)
    assert eventually(lambda: len(scraped.workers) == 4 and before.isdisjoint(worker.pid for worker in scraped.workers))
    assert scraped.refusals() == 8
    scraped.refuse(4)
    assert scraped.refusals() == 12
    scraped.site.process.terminate()
    scraped.site.process.wait(30)
    with serving(tmp_path, WORKERS="1") as site:
        again = Scraped(site)
        assert again.refusals() == 0
        assert again.values()["phonebind_refresh_reuse_total",] == 0


def test_a_busy_server_says_how_many_threads_are_in_use(scraped: Scraped) -> None:
    def in_use() -> float:
        return scraped.values()["phonebind_threads_in_use",]

    visitor = Visitor(scraped.site.url)
    visitor.submit("/sandbox/faults/", token_network="slow", slow_seconds="4")
    coming = [visitor.click(visitor.authorize(), "xiaolan") for _ in range(6)]
    asking = [threading.Thread(target=visitor.call_back, args=(callback,)) for callback in coming]
    for thread in asking:
        thread.start()
    # Each of them waits for the sandbox. The sandbox uses a thread of this server too.
    assert eventually(lambda: in_use() >= 10, seconds=4)
    for thread in asking:
        thread.join()
    assert eventually(lambda: in_use() <= 1)


def test_where_there_is_no_place_to_count_the_site_starts_without(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file, and no directory")
    with serving(tmp_path) as site:
        assert Visitor(site.url).get("/login/").status == 200
        assert Visitor(site.url, headers=AUTHORIZATION).get("/metrics/").status == 404
    assert "There are no metrics" in (tmp_path / "log").read_text()
