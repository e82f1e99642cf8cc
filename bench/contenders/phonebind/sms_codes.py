"""SMS codes, stored as if they had been sent. ``python -m bench.contenders.phonebind.sms_codes PURPOSE`` stores one for
each mobile that it reads, and prints the flow of the code: "" if the code has no holder.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

import django

from bench.contenders import ROOT

SMS_CODE = "271828"


def keep(environ: Mapping[str, str], mobiles: Sequence[str], purpose: str = "bind") -> list[str]:
    """Store one code for each mobile, good for five minutes. Returns the flow of each code."""
    command = [sys.executable, "-m", __name__, purpose]
    own = {**os.environ, **environ}
    told = subprocess.run(
        command, cwd=ROOT, env=own, input="\n".join(mobiles), text=True, check=True, stdout=subprocess.PIPE
    )
    return told.stdout.splitlines()


def main(purpose: str) -> None:
    django.setup()
    from phonebind import life, sms_code_scripts, sms_codes  # noqa: PLC0415 - the settings must be set first

    lifetime, remembered = sms_codes.EXPIRES_IN * 1000, sms_codes.REMEMBERED * 1000
    for mobile in sys.stdin.read().split():
        holder, flow = life.installed.ask_for_code(purpose, "") if life.installed and purpose != "bind" else ("", "")
        digest = sms_codes._digests(mobile, SMS_CODE, purpose)[0]
        keys = sms_codes._keys(mobile, purpose)
        sms_code_scripts.add(keys, sms_codes._now(), digest, lifetime, holder, remembered)
        print(flow)


if __name__ == "__main__":
    main(sys.argv[1])
