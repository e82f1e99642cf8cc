"""What off-the-shelf OCR reads of image codes: ``make captcha-study``, docs/en/explanation/image-codes.md."""

import sys
from pathlib import Path
from types import ModuleType

# The drawing needs no Django, and there is none here; the package around it needs one, so it is left out.
_human = ModuleType("phonebind.human")
_human.__path__ = [str(Path(__file__).parent.parent / "src/phonebind/human")]
sys.modules["phonebind.human"] = _human
