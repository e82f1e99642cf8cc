"""The results of the mutants: ``python -m tests.mutants.report limits oauth/qq`` updates
docs/en/explanation/mutants.md.

It updates the Chinese page too. It fails if a survivor has no reason there, or if a module kills fewer mutants than the
page promises.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tests.mutants.definitions import OUTCOMES
from tests.mutants.pages import PAGES, Outcome, shares, unexplained, updated

PROMISED = 90

#: pytest's exit codes, and mutmut's 33 for "no test runs this code". All other codes are time-outs.
STATUS = {0: "survived", 5: "survived", 33: "survived", 1: "killed", 2: "killed", 3: "killed"}


def outcomes(module: str) -> Iterator[Outcome]:
    path = Path(f"src/phonebind/{module}.py")
    for name, code in json.loads(Path(f"mutants/{path}.meta").read_text())["exit_code_by_key"].items():
        status = "timeout" if code is not None else "not tried"
        status = STATUS.get(code, status)
        where = name.rpartition(".x")[2].rpartition("__mutmut_")[0].removeprefix("_").strip("ǁ").replace("ǁ", ".")
        diff = get_diff_for_mutant(name, path=path).splitlines()[2:] if status == "survived" else []
        yield Outcome(where, _lines(diff, "-"), _lines(diff, "+"), status)
    for found in json.loads(OUTCOMES.read_text()):
        if found["module"] == module:
            yield Outcome(found["where"], found["before"], found["after"], found["status"])


def _lines(diff: list[str], sign: str) -> str:
    return " ".join(line[1:].strip() for line in diff if line.startswith(sign))


def main(modules: list[str]) -> None:
    measured = {module: list(outcomes(module)) for module in modules}
    missing = 0
    for language, page in PAGES.items():
        text = updated(page.read_text(), language, measured)
        page.write_text(text)
        missing += unexplained(text, language)
    for module, share in shares(text).items():
        print(f"{module}: {share} %")
    if missing or min(shares(text).values()) < PROMISED:
        sys.exit(f"{missing} survivors are not explained on the pages, or a module is below {PROMISED} %.")


if __name__ == "__main__":
    main(sys.argv[1:])
