"""Pickle streams: what loading one would import and call, found without loading it.

``names.py`` judges imported names, ``opcodes.py`` is the opcode table, ``machine.py`` walks a
stream and follows the unpickler's stack as far as names and tensor shapes need it, and
``scan.py`` turns what it saw into a verdict.
"""
