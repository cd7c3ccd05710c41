"""Attacks by tenants, and by stolen credentials of the platform, on the real API server.

An attack is one request (`attack.Attack`) and the walls that stand in its way. It is made with all of them standing,
with each of them standing alone, and with none: refused, refused by that one, and done. So no wall is there only
because another one is, and no attack fails for the wrong reason.
"""
