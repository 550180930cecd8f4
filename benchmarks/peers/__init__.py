"""Other stores beside pytempo in one run: the same data, sent by the same client, and the same questions, as far as each can be asked them.

`TEMPO_BIN` and `VICTORIA_TRACES_BIN` name their binaries; each is started on loopback, in a folder of its own that is gone afterwards.
"""
