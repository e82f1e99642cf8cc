"""An SMS gateway like those that hosts write. It sends to the bench's stub."""

from phonebind import upstream
from phonebind.exceptions import SmsNotSent, SmsUnconfirmed
from phonebind.sms.base import Message


class Gateway:
    """``url``: where the stub takes messages."""

    def __init__(self, url: str) -> None:
        self.url = url

    def check(self) -> list[str]:
        return []

    def send(self, message: Message) -> None:
        try:
            upstream.post_json(self.url, {"mobile": message.mobile, "text": message.text}, upstream.Deadline())
        except upstream.NotDone:
            raise SmsNotSent from None
        except upstream.UpstreamError:
            raise SmsUnconfirmed from None
