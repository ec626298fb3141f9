import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError, messageOf } from '../../../common/errors.js';
import { CAMPAIGN_FILE, SCHEMA_VERSION } from './schema.js';
import { fromCells } from './table.js';
import type { CampaignFacts, SessionFacts, SetupName } from './facts.js';
import type {
  BaselineRow,
  FrameRow,
  GapRow,
  ImageRow,
  PowerRow,
  RailRow,
  RunRow,
  SessionRow,
  SetupRow,
} from './rows.js';

/** Reads a campaign. Rows come in the order of measuring; nothing is kept in memory. */
export class CampaignReader {
  readonly file: string;
  readonly facts: CampaignFacts;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly #db: Database.Database;

  /**
   * @param path the folder that `edgemux measure` wrote, or its campaign.sqlite
   * @throws EdgemuxError CAMPAIGN_INVALID where there is none, or one of another schema
   */
  constructor(path: string) {
    this.file = campaignFile(path);
    try {
      this.#db = new Database(this.file, { readonly: true, fileMustExist: true });
      const select = 'SELECT schemaVersion, createdAt, facts FROM campaign';
      const head = this.#db.prepare<[], { schemaVersion: number; createdAt: string; facts: string }>(select);
      const { schemaVersion, createdAt, facts } = head.get() ?? {
        schemaVersion: 0,
        createdAt: '',
        facts: '',
      };
      if (schemaVersion !== SCHEMA_VERSION) {
        throw new Error(`it has schema version ${schemaVersion}, not ${SCHEMA_VERSION}`);
      }
      this.createdAt = createdAt;
      this.facts = JSON.parse(facts) as CampaignFacts;
    } catch (cause) {
      throw new EdgemuxError('CAMPAIGN_INVALID', `${this.file} is no campaign: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  sessions(): SessionRow[] {
    const rows = this.#all<{ id: number; startedAt: string; facts: string }>(
      'SELECT id, startedAt, facts FROM sessions ORDER BY id',
    );
    return rows.map(({ id, startedAt, facts }) => ({
      session: id,
      startedAt,
      ...(JSON.parse(facts) as SessionFacts),
    }));
  }

  setups(): SetupRow[] {
    return this.#all('SELECT * FROM setups ORDER BY rowid');
  }

  images(): ImageRow[] {
    return this.#all('SELECT * FROM images ORDER BY imageIndex');
  }

  rails(): RailRow[] {
    return this.#all('SELECT * FROM rails ORDER BY side, rowid');
  }

  /** Runs in their order, also those that are not done yet. */
  runs(): RunRow[] {
    return this.#all('SELECT * FROM runs ORDER BY position');
  }

  /** Frames of one run. */
  frames(run: number): FrameRow[] {
    return this.#all('SELECT * FROM frames WHERE run = ? ORDER BY seq', run);
  }

  /** Frames of a setup over all its finished runs. */
  framesOf(setup: SetupName): FrameRow[] {
    const select = `SELECT frames.* FROM frames JOIN runs USING (run)
      WHERE runs.setup = ? AND runs.status = 'done' ORDER BY runs.repeat, frames.seq`;
    return this.#all(select, setup);
  }

  /** Power timeline of a run, rail by rail. */
  power(run: number): PowerRow[] {
    return this.#all('SELECT * FROM power WHERE run = ? ORDER BY rail, fromMs', run);
  }

  gaps(run: number): GapRow[] {
    return this.#all('SELECT * FROM gaps WHERE run = ? ORDER BY rail, fromMs', run);
  }

  baselines(): BaselineRow[] {
    return this.#all('SELECT * FROM baselines ORDER BY session, moment DESC, rail');
  }

  close(): void {
    this.#db.close();
  }

  #all<T>(sql: string, ...values: (string | number)[]): T[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => fromCells<T>(row));
  }
}

/** The database of a campaign, named by itself or by its folder. */
export function campaignFile(path: string): string {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  return isFolder ? join(path, CAMPAIGN_FILE) : path;
}
