"""ddddocr, OCR for image codes that anyone can install, with either of its models."""

from dataclasses import dataclass

import numpy as np
from ddddocr import DdddOcr
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image

from phonebind.human.image_drawing import ALPHABET

MODELS = ("default", "beta")


@dataclass(frozen=True)
class Reading:
    """The free reading, and the reading when only our alphabet is allowed."""

    freely: str
    told: str

    def solves(self, text: str) -> bool:
        return text in {self.freely.upper(), self.told.upper()}


class Reader:
    def __init__(self, model: str) -> None:
        # Keep a reference: the object empties its engine when it is deleted.
        self._ocr = DdddOcr(beta=model == "beta", show_ad=False)
        self._engine = self._ocr.ocr_engine
        # One thread each: there is a process for each core.
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self._session = InferenceSession(self._engine.session._model_path, options)
        self._input = self._session.get_inputs()[0].name
        self._characters = self._engine.get_charset()
        self._ours = [0, *(n for n, one in enumerate(self._characters) if one and one.upper() in ALPHABET)]

    def read(self, image: Image.Image) -> Reading:
        """Run the model once. The library's ``set_ranges`` only drops characters outside our alphabet; this chooses the
        best ones inside it.
        """
        prepared = self._engine._preprocess_image(image, png_fix=False)
        [output] = self._session.run(None, {self._input: prepared})
        scores = output.reshape(-1, output.shape[-1])
        ours = np.array(self._ours)[scores[:, self._ours].argmax(axis=1)]
        return Reading(self._said(scores.argmax(axis=1)), self._said(ours))

    def _said(self, best: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> str:
        """CTC decoding: repeated symbols are merged, and 0 is the blank."""
        once = best[np.flatnonzero(np.diff(best, prepend=-1))]
        return "".join(self._characters[n] for n in once if n)
