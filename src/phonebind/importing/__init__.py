"""``manage.py phonebind_import``: copies the bindings of an older sign-in. See docs/en/how-to/importing.md.

All data is first copied into a scratch file and compared there. The comparison is byte for byte, whatever values the
source's collation treats as equal. It needs little memory for any number of rows.

    source, people, bindings -> scratch -> deciding -> findings (shown by report)
                                                    -> writing, or removing
"""
