export { Client } from './client';
export type { Call, ClientOptions, Poll } from './client';
export type { Wx } from './platform';
export { Problem } from './problem';
export type { ProblemCode } from './problem';
export type { QueueNews } from './session';
export { Unanswered } from './transport';
export type { Clock } from './wait';
export type { components, paths } from './schema.gen';
