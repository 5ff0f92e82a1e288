"""What a user may write, one file a section of the document. None means: not written, the compiler decides and says
what.
"""
