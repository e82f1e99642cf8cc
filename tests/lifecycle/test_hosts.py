"""Each kind of user model lets people change their number and password, or says why not. Each runs in a separate
process.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.hosts.test_user_models import KINDS, SOME, forks
from tests.support.services import TEST_DB


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[str], tuple[int, str]]]:
    with forks("numbers.py") as ready:
        yield ready


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS if TEST_DB == "sqlite" else SOME)
def test_numbers_and_passwords_of(run: Callable[[str], tuple[int, str]], kind: str) -> None:
    status, said = run(kind)
    assert not status, said[-8000:]
    assert " passed" in said
