"""The limit: no framework, and nothing that is not needed to sign somebody in.

What is left is HTTP on both sides with certificates checked, one prepared SELECT and a pair of JWTs. Each part is the
cheapest of those that were tried: connections in a stack and not one a thread, a reader of answers of our own and not
http.client (or urllib3, which costs more), libpq by psycopg's wrapper and not psycopg's cursors. Nobody should sign
people in like this; it is what others are held against.
"""

import psycopg

from bench import shop
from bench.contenders import Contender, Site, gunicorn

#: As Django makes them from bench/shop/models.py, as far as one can sign in by them.
TABLES = """
CREATE TABLE IF NOT EXISTS shop_user (
    id bigserial PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz, is_superuser boolean NOT NULL,
    username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL,
    email varchar(254) NOT NULL, is_staff boolean NOT NULL, is_active boolean NOT NULL,
    date_joined timestamptz NOT NULL, mobile varchar(11) NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS shop_qqaccount (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES shop_user, openid varchar(64) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS shop_qqaccount_user_id ON shop_qqaccount (user_id);
"""


def prepare(site: Site) -> None:
    with psycopg.connect(site.database_url) as connection:
        connection.execute(TABLES)


CONTENDER = Contender(
    name="limit",
    title="the limit: raw WSGI",
    prepare=prepare,
    seed=shop.SEED,
    command=lambda site: gunicorn("bench.contenders.limit.app", site),
    environ=shop.environ,
    begin=None,
    call_back=shop.call_back,
    is_signed_in=lambda answer: answer.status == 200 and b'"token"' in answer.body and b'"refresh"' in answer.body,
)
