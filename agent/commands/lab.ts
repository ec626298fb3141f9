/** The commands that need the lab. What each does is imported only when it runs: help and usage errors need none of it. */
import { join } from 'node:path';
import { CALIBRATE_OPTIONS, calibrateOptions } from '../../lab/calibrate/options.js';
import { DEMO_OPTIONS, demoOptions } from '../../lab/demo/options.js';
import { EVAL_OPTIONS, evalOptions } from '../../lab/eval/options.js';
import { MEASURE_OPTIONS, measureOptions, type MeasureOptions } from '../../lab/measure/options.js';
import { REPORT_OPTIONS, reportOptions } from '../../lab/report/options.js';
import { IMPORT_OPTIONS, importOptions } from '../../lab/zoo/import-options.js';
import { COPY_OPTIONS, copyOptions, LABEL_OPTIONS, labelOptions } from '../../lab/zoo/label-options.js';
import { agentConfig } from '../config.js';
import { configFile, type Action } from './command.js';

export const DEMO: Action = {
  options: DEMO_OPTIONS,
  run: (argv) => {
    const options = demoOptions(argv);
    return async () => (await import('../../lab/demo/demo.js')).runDemo(options);
  },
};

export const IMPORT: Action = {
  options: IMPORT_OPTIONS,
  run: (argv) => {
    const options = importOptions(argv);
    return async () => (await import('../../lab/zoo/import.js')).runImport(options);
  },
};

export const LABEL: Action = {
  options: LABEL_OPTIONS,
  run: (argv) => {
    const options = labelOptions(argv);
    return async () => (await import('../../lab/zoo/label.js')).runLabel(options);
  },
};

/** @param most files that it takes */
function copying(most: number): Action {
  return {
    options: COPY_OPTIONS,
    run: (argv) => {
      const options = copyOptions(argv, most);
      return async () => (await import('../../lab/zoo/labels/copy.js')).runLabelCopy(options);
    },
  };
}
export const LABEL_MERGE = copying(Infinity);
export const LABEL_CONVERT = copying(1);

export const MEASURE: Action = {
  options: MEASURE_OPTIONS,
  run: (argv) => {
    const options = measureOptions(argv, configFile(argv));
    const brokerOf = (file: string | null, url: string) => agentConfig(file, { 'broker.url': url }).broker;
    const deadlineOf = (file: string | null) => agentConfig(file, {}).offload.deadlineMs;
    const deps = { brokerOf, deadlineOf, report: reportCampaign };
    return async () => (await import('../../lab/measure/command.js')).runMeasure(options, deps);
  },
};

export const CALIBRATE: Action = {
  options: CALIBRATE_OPTIONS,
  run: (argv) => {
    const options = calibrateOptions(argv, configFile(argv));
    const policyOf = (file: string | null) => agentConfig(file, {}).policy;
    return async () => (await import('../../lab/calibrate/command.js')).runCalibrate(options, policyOf);
  },
};

export const EVAL: Action = {
  options: EVAL_OPTIONS,
  run: (argv) => {
    const options = evalOptions(argv);
    return async () => (await import('../../lab/eval/command.js')).runEval(options);
  },
};

export const REPORT: Action = {
  options: REPORT_OPTIONS,
  run: (argv) => {
    const dataDir = () => agentConfig(configFile(argv), {}).dataDir;
    const options = reportOptions(argv, { dataDir, nowMs: Date.now() });
    return async () => (await import('../../lab/report/command.js')).runReport(options);
  },
};

/** What `edgemux report --campaign` makes of a campaign, in its own folder. */
async function reportCampaign({ outDir, start }: MeasureOptions): Promise<number> {
  const argv = { campaign: outDir, out: join(outDir, 'report'), zoo: start.zooDir };
  const options = reportOptions(argv, { dataDir: () => outDir, nowMs: Date.now() });
  return (await import('../../lab/report/command.js')).runReport(options);
}
