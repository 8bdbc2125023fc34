-- What a study was asked to do and how it ended. JSON columns are kept as they
-- were given; times are milliseconds since 1970, UTC. An id is never used again,
-- so that a study that was deleted and begun anew shares nothing with the old one.
CREATE TABLE studies (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,
  spec       TEXT,
  space      TEXT NOT NULL,
  objectives TEXT NOT NULL,
  features   TEXT,
  warm_start TEXT,
  state      TEXT NOT NULL,
  reason     TEXT NOT NULL DEFAULT '',
  best       INTEGER,                      -- trial
  test       TEXT,                         -- metrics of the best trial on the test set
  created    INTEGER NOT NULL,
  ended      INTEGER,
  carry      TEXT,                         -- what it goes on from if it is submitted again with a larger budget
  seq        INTEGER NOT NULL DEFAULT 0    -- counts the changes of its trials
) STRICT;

-- The first columns are what was said about a trial, the others follow from
-- them and from the trial's segments: they are kept here so that lists are quick.
CREATE TABLE trials (
  study         INTEGER NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
  trial         INTEGER NOT NULL CHECK (trial >= 0),
  params        TEXT NOT NULL,
  source        TEXT NOT NULL,
  target        INTEGER NOT NULL DEFAULT 0,  -- the budget it was last resumed to
  target_reason TEXT NOT NULL DEFAULT '',
  end_state     TEXT,                        -- the final state it was given while paused
  end_reason    TEXT NOT NULL DEFAULT '',

  state         TEXT NOT NULL,
  reason        TEXT NOT NULL DEFAULT '',
  budget        INTEGER NOT NULL DEFAULT 0,  -- reached
  loss          REAL,                        -- main objective, less is better; NULL if it has none
  joules        REAL NOT NULL DEFAULT 0,
  joules_low    REAL NOT NULL DEFAULT 0,
  joules_high   REAL NOT NULL DEFAULT 0,
  joules_idle   REAL NOT NULL DEFAULT 0,
  method        TEXT NOT NULL DEFAULT '',    -- how the energy is known
  seconds       REAL NOT NULL DEFAULT 0,
  changed       INTEGER NOT NULL,            -- studies.seq of its last change
  PRIMARY KEY (study, trial)
) STRICT;

CREATE INDEX trials_changed ON trials (study, changed);
CREATE INDEX trials_best    ON trials (study, loss, trial) WHERE loss IS NOT NULL;
-- Covers the list of studies: counts and sums need no visit to the table.
CREATE INDEX trials_totals  ON trials (study, state, joules, joules_low, joules_high, joules_idle, method, seconds);

-- One piece of training, up to a planned budget: the outcome of its latest attempt.
CREATE TABLE segments (
  study       INTEGER NOT NULL,
  trial       INTEGER NOT NULL,
  upto        INTEGER NOT NULL CHECK (upto > 0),
  since       INTEGER NOT NULL CHECK (since >= 0),
  attempt     INTEGER NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  budget      INTEGER NOT NULL,            -- reached
  metrics     TEXT,                        -- at its end; NULL if nothing was measured
  joules      REAL NOT NULL,
  joules_low  REAL NOT NULL,
  joules_high REAL NOT NULL,
  joules_idle REAL NOT NULL,
  method      TEXT NOT NULL,
  seconds     REAL NOT NULL,
  worker      TEXT NOT NULL,
  PRIMARY KEY (study, trial, upto),
  FOREIGN KEY (study, trial) REFERENCES trials(study, trial) ON DELETE CASCADE
) STRICT;

-- Every epoch of a segment. A metric that is not finite has no row.
CREATE TABLE curve (
  study  INTEGER NOT NULL,
  trial  INTEGER NOT NULL,
  upto   INTEGER NOT NULL,
  budget INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value  REAL NOT NULL CHECK (abs(value) <= 1.7976931348623157e308),
  PRIMARY KEY (study, trial, upto, budget, metric),
  FOREIGN KEY (study, trial, upto) REFERENCES segments(study, trial, upto) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
