"""The marketplace of common services: what there is, who is bound to it, and who stops when one of them stops."""
