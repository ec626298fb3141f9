import { join } from 'node:path';
import type { Options } from 'yargs';
import { flagOptions, flagValues } from '../../common/config/flags.js';
import { configKeys } from '../../common/config/keys.js';
import { DOCTOR_EPILOGUE, DOCTOR_OPTIONS, doctorOptions } from '../../common/doctor/command.js';
import { AGENT_FLAGS, agentConfig, agentConfigSchema } from '../config.js';
import { CALIBRATE_OPTIONS, calibrateOptions } from '../../lab/calibrate/options.js';
import { DEMO_OPTIONS, demoOptions } from '../../lab/demo/options.js';
import { EVAL_OPTIONS, evalOptions } from '../../lab/eval/options.js';
import { MEASURE_OPTIONS, measureOptions, type MeasureOptions } from '../../lab/measure/options.js';
import { POWER_OPTIONS, powerOptions, SCAN_OPTIONS, scanOptions } from '../../energy/command/options.js';
import { REPORT_OPTIONS, reportOptions } from '../../lab/report/options.js';
import { IMPORT_OPTIONS, importOptions } from '../../lab/zoo/import-options.js';
import { LABEL_OPTIONS, labelOptions } from '../../lab/zoo/label-options.js';

type Arguments = Record<string, unknown>;
export type Run = () => Promise<number>;

const keys = configKeys(agentConfigSchema);
const EVERY_KEY =
  'Every key of docs/configuration.md can also be set in the file or as EDGEMUX_… in the environment.';

/** A command of `edgemux`. What it does is imported only when it is chosen: help and usage errors need none of it. */
export interface Command {
  name: string;
  describe: string;
  options?: Record<string, Options>;
  epilogue?: string;
  /** Absent where a sub-command has to be named. */
  run?: (argv: Arguments) => Run;
  commands?: Command[];
}

/** All commands, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    describe: 'run the daemon until SIGTERM or Ctrl-C',
    options: flagOptions(AGENT_FLAGS, keys),
    epilogue: EVERY_KEY,
    run: runDaemon,
  },
  {
    name: 'doctor',
    describe: 'check every precondition of the daemon, and say what to do',
    options: { ...flagOptions(AGENT_FLAGS, keys), ...DOCTOR_OPTIONS },
    epilogue: DOCTOR_EPILOGUE,
    run: runDoctor,
  },
  {
    name: 'demo',
    describe: 'show the whole system here, with real images and simulated rails',
    options: DEMO_OPTIONS,
    run: runDemo,
  },
  {
    name: 'power',
    describe: 'measure power rails: watts, joules, sampling rate and gaps',
    options: POWER_OPTIONS,
    run: runPower,
    commands: [
      {
        name: 'scan',
        describe: 'list I2C buses, chips by their identity, and rails',
        options: SCAN_OPTIONS,
        run: runScan,
      },
    ],
  },
  {
    name: 'zoo',
    describe: 'model zoos',
    commands: [
      {
        name: 'import',
        describe: 'make a zoo of your own ONNX models',
        options: IMPORT_OPTIONS,
        run: runImport,
      },
    ],
  },
  {
    name: 'label',
    describe: "what every model of a zoo says of labelled images: a mux's training data",
    options: LABEL_OPTIONS,
    run: runLabel,
  },
  {
    name: 'measure',
    describe: 'measure accuracy, latency and energy of several set-ups on the same frames',
    options: MEASURE_OPTIONS,
    run: runMeasure,
  },
  {
    name: 'calibrate',
    describe: 'choose the threshold for a budget: offloads, accuracy, energy or latency',
    options: CALIBRATE_OPTIONS,
    run: runCalibrate,
  },
  {
    name: 'eval',
    describe: 'measure a zoo on its test images: tables, curves, intervals and figures for every policy',
    options: EVAL_OPTIONS,
    run: runEval,
  },
  {
    name: 'report',
    describe: 'a measurement campaign, or a stretch of the journal, as a page of figures and tables',
    options: REPORT_OPTIONS,
    run: runReport,
  },
];

function runDaemon(argv: Arguments): Run {
  const options = { configFile: configFile(argv), flags: flagValues(argv, AGENT_FLAGS, keys) };
  return async () => (await import('./run.js')).run(options);
}

function runDoctor(argv: Arguments): Run {
  const given = { configFile: configFile(argv), flags: flagValues(argv, AGENT_FLAGS, keys) };
  const options = { ...doctorOptions(argv), ...given };
  return async () => (await import('../doctor/command.js')).runAgentDoctor(options);
}

function runDemo(argv: Arguments): Run {
  const options = demoOptions(argv);
  return async () => (await import('../../lab/demo/demo.js')).runDemo(options);
}

function runScan(argv: Arguments): Run {
  return async () => (await import('../../energy/command/command.js')).runPowerScan(scanOptions(argv));
}

function runPower(argv: Arguments): Run {
  const file = configFile(argv);
  const options = powerOptions(argv, file === null ? null : agentConfig(file, {}).power);
  return async () => (await import('../../energy/command/command.js')).runPower(options);
}

function runImport(argv: Arguments): Run {
  const options = importOptions(argv);
  return async () => (await import('../../lab/zoo/import.js')).runImport(options);
}

function runLabel(argv: Arguments): Run {
  const options = labelOptions(argv);
  return async () => (await import('../../lab/zoo/label.js')).runLabel(options);
}

function runMeasure(argv: Arguments): Run {
  const options = measureOptions(argv, configFile(argv));
  const brokerOf = (file: string | null, url: string) => agentConfig(file, { 'broker.url': url }).broker;
  return async () =>
    (await import('../../lab/measure/command.js')).runMeasure(options, { brokerOf, report: reportCampaign });
}

function runCalibrate(argv: Arguments): Run {
  const options = calibrateOptions(argv, configFile(argv));
  const policyOf = (file: string | null) => agentConfig(file, {}).policy;
  return async () => (await import('../../lab/calibrate/command.js')).runCalibrate(options, policyOf);
}

function runEval(argv: Arguments): Run {
  const options = evalOptions(argv);
  return async () => (await import('../../lab/eval/command.js')).runEval(options);
}

function runReport(argv: Arguments): Run {
  const dataDir = () => agentConfig(configFile(argv), {}).dataDir;
  const options = reportOptions(argv, { dataDir, nowMs: Date.now() });
  return async () => (await import('../../lab/report/command.js')).runReport(options);
}

/** What `edgemux report --campaign` makes of a campaign, in its own folder. */
async function reportCampaign({ outDir, start }: MeasureOptions): Promise<number> {
  const argv = { campaign: outDir, out: join(outDir, 'report'), zoo: start.zooDir };
  const options = reportOptions(argv, { dataDir: () => outDir, nowMs: Date.now() });
  return (await import('../../lab/report/command.js')).runReport(options);
}

function configFile(argv: Arguments): string | null {
  const named = argv['config'] ?? process.env['EDGEMUX_CONFIG'];
  return typeof named === 'string' && named !== '' ? named : null;
}
