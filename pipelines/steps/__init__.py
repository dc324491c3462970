"""The actions: each opens blobs, calls one function of `transforms`, and writes blobs."""
