"""``manage.py phonebind_import``: the bindings of an older sign-in become ours. See docs/en/how-to/importing.md.

Everything is copied into a scratch file first, and compared there: byte for byte, whatever the source's collation takes
for the same, and in little memory, however many rows there are.

    source, people, bindings -> scratch -> deciding -> findings (told by report)
                                                    -> writing, or removing
"""
