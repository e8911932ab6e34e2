"""Files beside the weights: configurations, tokenizers, cards, licences, indexes.

They are recognised by name, and by content where the name says too little, noted with the facts
they declare, and kept only when weights turn up beside them.
"""
