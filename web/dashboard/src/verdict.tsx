import type { Verdict } from './api';
import * as format from './format';

export const VerdictMark = ({ verdict }: { verdict: Verdict }) => (
  <span class={`verdict ${verdict}`}>{verdict === 'consent_dropped' ? 'no consent' : format.words(verdict)}</span>
);
