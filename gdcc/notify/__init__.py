"""The notify service (แจ้งเตือนกลาง): GOV.UK Notify's v2 contract over apprise, stored in PostgreSQL.

An agency asks by HTTP (`gdcc.notify.api`); what was accepted is in the database before the answer leaves. A worker
(`gdcc.notify.worker`) hands it to the next hop. Why it is so: docs/decisions/0013-notify.md. It runs in a container::

    python -m gdcc.notify migrate
    python -m gdcc.notify serve
    python -m gdcc.notify worker
"""
