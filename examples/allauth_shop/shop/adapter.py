import secrets

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    def generate_unique_username(self, txts, regex=None):
        """allauth makes the name from the address. 13900000001@example.com would get the name of that mobile number."""
        return f"mail_{secrets.token_hex(8)}"


def display(user):
    """What allauth's messages call somebody: such a name means nothing to them."""
    return user.email or user.mobile
