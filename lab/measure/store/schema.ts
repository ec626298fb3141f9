/**
 * The schema of a campaign: one SQLite file that holds everything a report needs and nothing that was computed.
 *
 * Quantities carry their unit in their name: Ms, J, W, Bytes, Flops (multiply-accumulates). Times of a run count in ms
 * from its `startMs`, which is the monotonic clock of the machine. docs/measurement.md explains every table.
 */
export const SCHEMA_VERSION = 1;
export const CAMPAIGN_FILE = 'campaign.sqlite';

const CAMPAIGN = `
  CREATE TABLE campaign (id INTEGER PRIMARY KEY CHECK (id = 1), schemaVersion INTEGER NOT NULL,
    createdAt TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
  CREATE TABLE sessions (id INTEGER PRIMARY KEY, startedAt TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
  CREATE TABLE setups (setup TEXT PRIMARY KEY, deviceMode TEXT NOT NULL, serverMode TEXT) STRICT;
  CREATE TABLE images (imageIndex INTEGER PRIMARY KEY, name TEXT NOT NULL, label INTEGER NOT NULL,
    bytes INTEGER NOT NULL, sha256 TEXT NOT NULL) STRICT;
  CREATE TABLE rails (rail TEXT PRIMARY KEY, side TEXT NOT NULL, sensor TEXT NOT NULL, simulated INTEGER NOT NULL,
    within TEXT, counted INTEGER NOT NULL, rateHz REAL) STRICT;
  CREATE TABLE runs (run INTEGER PRIMARY KEY, setup TEXT NOT NULL REFERENCES setups, repeat INTEGER NOT NULL,
    position INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'planned', session INTEGER REFERENCES sessions,
    startedAt TEXT, startMs REAL, durationMs REAL, warmUpFrames INTEGER, drops TEXT NOT NULL DEFAULT '{}',
    UNIQUE (setup, repeat)) STRICT;
`;
const MEASURED = `
  CREATE TABLE frames (run INTEGER NOT NULL REFERENCES runs, seq INTEGER NOT NULL,
    imageIndex INTEGER NOT NULL REFERENCES images, label INTEGER NOT NULL, outcome TEXT NOT NULL,
    predicted INTEGER, correct INTEGER NOT NULL, confidence REAL, muxScore REAL, route TEXT, reason TEXT,
    models TEXT NOT NULL, server TEXT, deviceFlops REAL NOT NULL, serverFlops REAL NOT NULL,
    publishedMs REAL NOT NULL, receivedMs REAL,
    totalMs REAL, queueMs REAL, decodeMs REAL, muxMs REAL, localMs REAL, encodeMs REAL, networkMs REAL, cloudMs REAL,
    uploadBytes INTEGER NOT NULL, downloadBytes INTEGER NOT NULL,
    energyGrossJ REAL, energyNetJ REAL, energySimulated INTEGER, stagesJ TEXT, railsJ TEXT,
    PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE power (run INTEGER NOT NULL REFERENCES runs, rail TEXT NOT NULL REFERENCES rails, fromMs REAL NOT NULL,
    toMs REAL NOT NULL, coveredMs REAL NOT NULL, energyJ REAL NOT NULL, minW REAL, maxW REAL, samples INTEGER NOT NULL,
    PRIMARY KEY (run, rail, fromMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE gaps (run INTEGER NOT NULL REFERENCES runs, rail TEXT NOT NULL REFERENCES rails, fromMs REAL NOT NULL,
    toMs REAL NOT NULL) STRICT;
  CREATE TABLE baselines (session INTEGER NOT NULL REFERENCES sessions, rail TEXT NOT NULL REFERENCES rails,
    moment TEXT NOT NULL, startedAt TEXT NOT NULL, coveredMs REAL NOT NULL, meanW REAL NOT NULL, sdW REAL NOT NULL,
    samples INTEGER NOT NULL, PRIMARY KEY (session, rail, moment)) STRICT;
`;

export const SCHEMA = CAMPAIGN + MEASURED;
