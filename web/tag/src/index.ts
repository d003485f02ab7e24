export { createTag as load } from './tag';
export type * from './types';
