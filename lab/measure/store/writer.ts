import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EdgemuxError } from '../../../common/errors.js';
import { CAMPAIGN_FILE, SCHEMA, SCHEMA_VERSION } from './schema.js';
import { insertInto, toCells } from './table.js';
import type { CampaignFacts, SessionFacts } from './facts.js';
import type { BaselineRow, FrameRow, GapRow, ImageRow, PowerRow, RailRow, RunRow, SetupRow } from './rows.js';

/** Everything that one run measured; it is written at once or not at all. */
export interface MeasuredRun {
  run: Pick<RunRow, 'run' | 'session' | 'startedAt' | 'startMs' | 'durationMs' | 'warmUpFrames' | 'drops'>;
  frames: readonly FrameRow[];
  power: readonly PowerRow[];
  gaps: readonly GapRow[];
}

/** What is known before the first frame. */
export interface CampaignPlan {
  /** ISO 8601. */
  createdAt: string;
  facts: CampaignFacts;
  setups: readonly SetupRow[];
  images: readonly ImageRow[];
  runs: readonly Pick<RunRow, 'setup' | 'repeat' | 'position'>[];
}

/** Writes a campaign; a run is one transaction, so whatever ends the program leaves whole runs. */
export class CampaignWriter {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
    db.pragma('journal_mode = WAL');
    db.pragma('foreign_keys = ON');
  }

  /** Creates the file in `dir`. @throws EdgemuxError CAMPAIGN_INVALID where there is one already */
  static create(dir: string, plan: CampaignPlan): CampaignWriter {
    const file = join(dir, CAMPAIGN_FILE);
    if (existsSync(file)) {
      throw new EdgemuxError(
        'CAMPAIGN_INVALID',
        `${file} is there already: go on with it (--resume) or name another folder (--out)`,
      );
    }
    mkdirSync(dir, { recursive: true });
    const writer = new CampaignWriter(new Database(file));
    writer.#plan(plan);
    return writer;
  }

  /** Opens a campaign to go on with it; `CampaignReader` checks it first. */
  static open(file: string): CampaignWriter {
    return new CampaignWriter(new Database(file, { fileMustExist: true }));
  }

  #plan({ createdAt, facts, setups, images, runs }: CampaignPlan): void {
    this.#db.transaction(() => {
      this.#db.exec(SCHEMA);
      this.#insert('campaign', [
        { id: 1, schemaVersion: SCHEMA_VERSION, createdAt, facts: JSON.stringify(facts) },
      ]);
      this.#insert('setups', setups);
      this.#insert('images', images);
      this.#insert('runs', runs);
    })();
  }

  /** Returns the number of the session. */
  addSession(startedAt: string, facts: SessionFacts): number {
    const insert = this.#db.prepare(insertInto('sessions', ['startedAt', 'facts']));
    return Number(insert.run({ startedAt, facts: JSON.stringify(facts) }).lastInsertRowid);
  }

  /** Rails that are known already are updated. */
  addRails(rails: readonly RailRow[]): void {
    for (const rail of rails) {
      const columns = Object.keys(rail);
      const set = columns.map((column) => `${column} = excluded.${column}`).join(', ');
      const sql = `${insertInto('rails', columns)} ON CONFLICT (rail) DO UPDATE SET ${set}`;
      this.#db.prepare(sql).run(toCells(rail));
    }
  }

  addBaselines(baselines: readonly BaselineRow[]): void {
    this.#insert('baselines', baselines, 'OR REPLACE');
  }

  addRun({ run, frames, power, gaps }: MeasuredRun): void {
    this.#db.transaction(() => {
      this.#insert('frames', frames);
      this.#insert('power', power);
      this.#insert('gaps', gaps);
      const set = Object.keys(run).filter((column) => column !== 'run');
      const sql = `UPDATE runs SET status = 'done', ${set.map((column) => `${column} = @${column}`).join(', ')}
        WHERE run = @run`;
      this.#db.prepare(sql).run(toCells(run));
    })();
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  #insert(table: string, rows: readonly object[], or = ''): void {
    const [first] = rows;
    if (!first) return;
    const insert = this.#db.prepare(insertInto(table, Object.keys(first), or));
    for (const row of rows) insert.run(toCells(row));
  }
}
