-- What was accepted. Recipient, subject and body are in `sealed` only, encrypted, and erased after the retention.
CREATE TABLE notifications (
    id               uuid PRIMARY KEY,
    service          uuid NOT NULL,         -- one agency in one environment
    kind             text NOT NULL CHECK (kind IN ('test', 'team', 'live')),
    channel          text NOT NULL CHECK (channel IN ('email', 'sms', 'line')),
    reference        text,
    fingerprint      bytea NOT NULL,        -- keyed hash of what was asked, to know a repetition
    template         uuid NOT NULL,
    template_version integer NOT NULL,
    sealed           bytea,
    status           text NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'sending', 'delivered',
                     'permanent-failure', 'temporary-failure', 'technical-failure')),
    created_at       timestamptz NOT NULL DEFAULT now(),
    sent_at          timestamptz,           -- first handed to the next hop
    completed_at     timestamptz
);
CREATE UNIQUE INDEX notifications_reference ON notifications (service, kind, reference) WHERE reference IS NOT NULL;
CREATE INDEX notifications_newest ON notifications (service, kind, created_at DESC, id DESC);
CREATE INDEX notifications_to_erase ON notifications (completed_at) WHERE sealed IS NOT NULL;

-- What is still to be done; a worker holds the row's lock for as long as it works on it.
CREATE TABLE queue (
    notification uuid PRIMARY KEY REFERENCES notifications,
    due          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX queue_due ON queue (due);

-- Each hand-over, committed before it begins; without an outcome it is not known whether the next hop has it.
CREATE TABLE attempts (
    notification uuid NOT NULL REFERENCES notifications,
    number       integer NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    outcome      text CHECK (outcome IN ('accepted', 'refused', 'deferred', 'broken', 'lost', 'unknown')),
    PRIMARY KEY (notification, number)
);

CREATE TABLE usage (
    service uuid NOT NULL,
    month   date NOT NULL,
    used    integer NOT NULL,
    PRIMARY KEY (service, month)
);

-- Counts of a minute need not outlive a crash of the database.
CREATE UNLOGGED TABLE request_rate (
    service uuid NOT NULL,
    kind    text NOT NULL,
    minute  timestamptz NOT NULL,
    used    integer NOT NULL,
    PRIMARY KEY (service, kind, minute)
);

-- Keeps and queues a message, and counts it, all or nothing in one round trip. False: the reference is known, nothing was
-- kept. The notification comes first, so that a repetition in the same instant waits for the other and is not counted.
-- A limit that is null counts nothing. Raises 54000 (program_limit_exceeded) when the month is used up.
CREATE FUNCTION place(
    n_id uuid, n_service uuid, n_kind text, n_channel text, n_reference text, n_fingerprint bytea, n_template uuid,
    n_version integer, n_sealed bytea, n_status text, n_limit integer
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications (id, service, kind, channel, reference, fingerprint, template, template_version, sealed,
                               status, completed_at)
        VALUES (n_id, n_service, n_kind, n_channel, n_reference, n_fingerprint, n_template, n_version, n_sealed,
                n_status, CASE WHEN n_status <> 'created' THEN now() END)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF n_status = 'created' THEN
        INSERT INTO queue (notification) VALUES (n_id);
    END IF;
    IF n_limit IS NOT NULL THEN
        INSERT INTO usage AS u (service, month, used)
            SELECT n_service, date_trunc('month', now() AT TIME ZONE 'UTC'), 1 WHERE n_limit > 0
            ON CONFLICT (service, month) DO UPDATE SET used = u.used + 1 WHERE u.used < n_limit;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the month is used up' USING ERRCODE = 'program_limit_exceeded';
        END IF;
    END IF;
    RETURN true;
END
$$;
