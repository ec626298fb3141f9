// Table I of a campaign from its frames: node docs/recompute-table1.js FOLDER (columns: flops ms grossJ netJ local right)
import Database from 'better-sqlite3';
const db = new Database(`${process.argv[2]}/campaign.sqlite`, { readonly: true });
const frames = db.prepare('SELECT * FROM runs JOIN frames USING (run) ORDER BY repeat, seq').all();
const mean = (rows, of) => rows.map(of).reduce((sum, value) => sum + value, 0) / rows.length;
for (const setup of db.prepare('SELECT setup FROM setups ORDER BY rowid').pluck().all()) {
  const all = frames.filter((f) => f.setup === setup);
  const [results, measured] = ['predicted', 'energyGrossJ'].map((column) =>
    all.filter((f) => f[column] !== null),
  );
  const costs = [mean(all, (f) => f.deviceFlops + f.serverFlops), mean(results, (f) => f.totalMs)];
  const energies = [mean(measured, (f) => f.energyGrossJ), mean(measured, (f) => f.energyNetJ)];
  const shares = [mean(results, (f) => Number(f.route !== 'cloud')), mean(all, (f) => f.correct)];
  process.stdout.write(`${[setup, ...costs, ...energies, ...shares].join('\t')}\n`);
}
