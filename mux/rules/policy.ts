/** The device's policy: its rules, and its settings as data. */
export * from './policy-rules.js';
export * from './policy-settings.js';
