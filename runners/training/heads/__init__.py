"""What learns on top of a language model in the place of the head that writes: classes, and vectors of whole texts."""
