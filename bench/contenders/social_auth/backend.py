"""The published QQ backend, with another host."""

import os
from typing import Any

from social_core.backends.qq import QQOAuth2


class StubbedQQ(QQOAuth2[Any]):
    def request(self, url: str, **kwargs: Any) -> Any:
        return super().request(url.replace("https://graph.qq.com", os.environ["BENCH_UPSTREAM"]), **kwargs)
