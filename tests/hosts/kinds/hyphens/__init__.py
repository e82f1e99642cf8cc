"""The mobile is stored in a form that only two functions of the host know."""

PHONEBIND = {"MOBILE_FORMAT": (f"{__name__}.to_stored", f"{__name__}.to_national")}


def to_stored(mobile: str) -> str:
    return f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}"


def to_national(stored: str) -> str:
    return stored.replace("-", "")
