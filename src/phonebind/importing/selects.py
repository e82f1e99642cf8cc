"""The SELECTs over the scratch file, one for each kind of finding.

The first column groups the rows, which are sorted by it. Then come the openid, a mobile number, and the columns of
``findings._user``.
"""

# ruff: noqa: S608 - the statements only consist of texts in this module

#: In each row: the openid, the mobile number, the row's key, the user, and all data that helps to choose among several.
_PERSON = "people.last_login, people.date_joined, people.disabled"
_OF_ROW = f"source.openid, NULL, source.row, source.person, {_PERSON}, source.created, NULL, NULL"
_OF_USER = f"NULL, people.mobile, NULL, people.person, {_PERSON}, NULL, NULL, NULL"
_OF_CLAIM = f"claim.openid, NULL, NULL, claim.person, {_PERSON}, claim.first, claim.last, claim.rows"
_OF_BOUND = f"bound.openid, NULL, NULL, bound.person, {_PERSON}, NULL, NULL, NULL"
_ROWS = "FROM source LEFT JOIN people ON people.person = source.person"
_IS_CLAIMED = "EXISTS (SELECT 1 FROM source WHERE source.person = people.person)"

FAULT = f"SELECT source.seq, {_OF_ROW} {_ROWS} WHERE source.fault = '{{}}' ORDER BY source.seq"
SPELLED = f"""
SELECT source.folded, {_OF_ROW} {_ROWS} JOIN spelled ON spelled.folded = source.folded
WHERE NOT spelled.settled AND source.fault IN ('', 'openid_padded') ORDER BY source.folded, source.seq
"""
SHARED = f"""
SELECT claim.openid, {_OF_CLAIM} FROM claim JOIN people ON people.person = claim.person
JOIN shared ON shared.openid = claim.openid
WHERE shared.person IS NULL ORDER BY claim.openid, claim.first_seq
"""
_LOST = """
SELECT claim.openid FROM claim JOIN bound ON bound.openid = claim.openid
LEFT JOIN shared ON shared.openid = claim.openid
WHERE CASE WHEN shared.openid IS NULL THEN claim.person <> bound.person
ELSE shared.person IS NULL OR shared.person <> bound.person END
"""
#: The owner of the binding comes first.
TAKEN = f"""
SELECT bound.openid AS key, {_OF_BOUND}, 0 AS place FROM bound LEFT JOIN people ON people.person = bound.person
WHERE bound.openid IN ({_LOST})
UNION ALL SELECT claim.openid, {_OF_CLAIM}, claim.first_seq FROM claim JOIN people ON people.person = claim.person
WHERE claim.openid IN ({_LOST})
ORDER BY key, place
"""
GONE = f"""
SELECT source.seq, {_OF_ROW} {_ROWS} WHERE people.person IS NULL ORDER BY source.seq
"""
MISSING = f"""
SELECT people.rowid, {_OF_USER} FROM people WHERE state = 'blank' OR (state = 'null' AND {_IS_CLAIMED})
ORDER BY people.rowid
"""
MALFORMED = f"SELECT people.rowid, {_OF_USER} FROM people WHERE state = 'malformed' ORDER BY people.rowid"
DOUBLED = f"""
SELECT people.mobile, {_OF_USER} FROM people WHERE people.mobile IN (
    SELECT mobile FROM people WHERE mobile <> '' GROUP BY mobile HAVING COUNT(*) > 1
) ORDER BY people.mobile, people.rowid
"""
#: The user with that username comes first, then the user with that mobile number.
NAMED_BY_MOBILE = f"""
SELECT people.rowid AS key, {_OF_USER.replace("people.mobile", "people.name")}, 0 AS place FROM people
WHERE name <> mobile AND name IN (SELECT mobile FROM people WHERE mobile <> '')
UNION ALL SELECT named.rowid, {_OF_USER}, people.rowid FROM people AS named JOIN people ON people.mobile = named.name
WHERE named.name <> named.mobile AND people.mobile <> ''
ORDER BY key, place
"""
DISABLED = f"SELECT people.rowid, {_OF_USER} FROM people WHERE disabled AND {_IS_CLAIMED} ORDER BY people.rowid"
