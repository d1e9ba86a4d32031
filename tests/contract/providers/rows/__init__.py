"""The tables of the documentation as data, so that a row which nobody has recorded a reply for is a failing test.

One file is one API. `tables.py` says which tables an operation answers by.
"""
