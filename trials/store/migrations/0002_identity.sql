-- What trained each segment: the version of the program or objective, the
-- instruction set of the engine, and what else is to know of it, as a JSON list
-- of texts.
ALTER TABLE segments ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE segments ADD COLUMN kernels TEXT NOT NULL DEFAULT '';
ALTER TABLE segments ADD COLUMN notes   TEXT NOT NULL DEFAULT '';

-- What a version consists of: JSON, a digest for each part.
CREATE TABLE versions (
  study   INTEGER NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
  version TEXT NOT NULL,
  parts   TEXT NOT NULL,
  PRIMARY KEY (study, version)
) STRICT, WITHOUT ROWID;

-- Why a trial is set aside; NULL: it is not. Its loss is NULL meanwhile.
ALTER TABLE trials ADD COLUMN aside TEXT;
CREATE INDEX trials_aside ON trials (study) WHERE aside IS NOT NULL;

-- The trial that studies.test is of.
ALTER TABLE studies ADD COLUMN tested INTEGER;
UPDATE studies SET tested = best WHERE test IS NOT NULL;
