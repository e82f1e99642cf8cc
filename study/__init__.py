"""How well off-the-shelf OCR reads image codes: ``make captcha-study``, docs/en/explanation/image-codes.md."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# The drawing needs no Django, and the study's environment has none. The package around it needs Django, so it is
# replaced there.
if not find_spec("django"):
    _human = ModuleType("phonebind.human")
    _human.__path__ = [str(Path(__file__).parent.parent / "src/phonebind/human")]
    sys.modules["phonebind.human"] = _human
