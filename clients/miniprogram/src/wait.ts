// How long to wait, and how to.

// The platform has it; the language's own library does not say so.
declare function setTimeout(run: () => void, ms: number): unknown;

export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  // From 0 up to 1.
  random(): number;
}

export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};

export const LONGEST_WAIT_MS = 60_000;
const FIRST_WAIT_MS = 500;

// jittered spreads a wait by a quarter to both sides, so that many phones do not come at
// the same moment.
export function jittered(ms: number, clock: Clock): number {
  return ms * (0.75 + 0.5 * clock.random());
}

// waitBefore says how long to wait before the try of that number (1 is the first
// repeat). What the server asks for is the least: it is spread upwards only.
export function waitBefore(tries: number, askedMs: number, clock: Clock): number {
  const grown = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS);
  if (askedMs >= grown) return Math.min(askedMs * (1 + 0.25 * clock.random()), Math.max(LONGEST_WAIT_MS, askedMs));
  return Math.max(jittered(grown, clock), askedMs);
}
