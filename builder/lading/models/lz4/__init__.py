"""LZ4, decompressed by our own code: a few pages of public text, bounded in steps and in memory.

``frames`` reads frames, ``block`` what is in their blocks, ``checksum`` is their XXH32.
"""
