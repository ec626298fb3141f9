import type { Command } from './command.js';

/** All commands, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    describe: 'run the daemon until SIGTERM or Ctrl-C',
    action: async () => (await import('./device.js')).RUN,
  },
  {
    name: 'doctor',
    describe: 'check every precondition of the daemon, and say what to do',
    action: async () => (await import('./device.js')).DOCTOR,
  },
  {
    name: 'demo',
    describe: 'show the whole system here, with real images and simulated rails',
    action: async () => (await import('./lab.js')).DEMO,
  },
  {
    name: 'token',
    describe: 'print the token that changes over HTTP need',
    action: async () => (await import('./device.js')).TOKEN,
  },
  {
    name: 'power',
    describe: 'measure power rails: watts, joules, sampling rate and gaps',
    action: async () => (await import('./device.js')).POWER,
    commands: [
      {
        name: 'scan',
        describe: 'list I2C buses, chips by their identity, and rails',
        action: async () => (await import('./device.js')).SCAN,
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
        action: async () => (await import('./lab.js')).IMPORT,
      },
    ],
  },
  {
    name: 'label',
    describe: "what every model of a zoo says of labelled images: a mux's training data",
    action: async () => (await import('./lab.js')).LABEL,
    commands: [
      {
        name: 'merge',
        describe: 'join the files of --shard to one',
        action: async () => (await import('./lab.js')).LABEL_MERGE,
      },
      {
        name: 'convert',
        describe: 'a labels file in its other form: binary, JSON lines',
        action: async () => (await import('./lab.js')).LABEL_CONVERT,
      },
    ],
  },
  {
    name: 'measure',
    describe: 'measure accuracy, latency and energy of several set-ups on the same frames',
    action: async () => (await import('./lab.js')).MEASURE,
  },
  {
    name: 'calibrate',
    describe: 'choose the threshold for a budget: offloads, accuracy, energy or latency',
    action: async () => (await import('./lab.js')).CALIBRATE,
  },
  {
    name: 'eval',
    describe: 'measure a zoo on its test images: tables, curves, intervals and figures for every policy',
    action: async () => (await import('./lab.js')).EVAL,
  },
  {
    name: 'report',
    describe: 'a measurement campaign, or a stretch of the journal, as a page of figures and tables',
    action: async () => (await import('./lab.js')).REPORT,
  },
];
