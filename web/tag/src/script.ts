import { createTag } from './tag';
import type { Consent, Options, Tag } from './types';

// <script async src="https://shop.example/millrace.js" data-write-key="..." data-consent="analytics personalisation"
//   data-anonymous data-data-layer data-pages="off"></script>
// What the page pushed before this came, `(window.millrace = window.millrace || []).push(['product', {...}])`, is done now.
type Call = [keyof Tag, ...unknown[]];

const script = document.currentScript as HTMLScriptElement | null;
const page = window as unknown as { millrace?: Call[] | (Tag & { push?: (call: Call) => unknown }) };

if (script?.dataset.writeKey && (!page.millrace || Array.isArray(page.millrace))) {
  const { writeKey, host, consent, anonymous, dataLayer, pages } = script.dataset;
  const options: Options = {
    writeKey,
    host: host ?? new URL(script.src).origin,
    anonymous: anonymous !== undefined,
    dataLayer: dataLayer === '' || dataLayer,
    pages: pages !== 'off',
  };
  if (consent !== undefined) {
    const decided: Consent = {};
    for (const purpose of consent.split(/[\s,]+/)) if (purpose) decided[purpose as keyof Consent] = true;
    options.consent = { analytics: false, personalisation: false, marketing: false, ...decided };
  }
  const waiting = page.millrace || [];
  const tag = createTag(options);
  const run = ([method, ...values]: Call): unknown => (tag[method] as (...all: unknown[]) => unknown)?.(...values);
  page.millrace = Object.assign(tag, { push: run });
  (waiting as Call[]).forEach((call) => {
    try {
      run(call);
    } catch (error) {
      console.error('millrace', call, error);
    }
  });
}
