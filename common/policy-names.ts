/** The names that configuration, messages and rules share, each list once. What they mean is in `mux/rules/`. */

/** Who answers a frame, on the device. */
export const DEVICE_MODES = [
  'mobile-only',
  'cloud-only',
  'mux',
  'cascade',
  'two-stage',
  'three-tier',
] as const;
export type DeviceMode = (typeof DEVICE_MODES)[number];

/** Which models of a group answer an image, on the server. */
export const SERVER_MODES = ['largest', 'single', 'ensemble', 'escalate'] as const;
export type ServerMode = (typeof SERVER_MODES)[number];

/** `strict`: no frame leaves the device. */
export const PRIVACY = ['normal', 'strict'] as const;
export type Privacy = (typeof PRIVACY)[number];
