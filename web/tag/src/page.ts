import type { Properties } from './types';

declare const VERSION: string;

const CAMPAIGN = ['source', 'medium', 'name', 'term', 'content'];

// What the server can only know from the page itself.
export function pageContext(): Properties {
  const { href, pathname, search } = location;
  const parameters = new URLSearchParams(search);
  const campaign: Properties = {};
  for (const name of CAMPAIGN) {
    const value = parameters.get('utm_' + (name === 'name' ? 'campaign' : name));
    if (value) campaign[name] = value;
  }
  return {
    page: { url: href, path: pathname, search, title: document.title, referrer: document.referrer },
    campaign,
    userAgent: navigator.userAgent,
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    library: { name: 'millrace.js', version: VERSION },
  };
}

// 122 random bits; crypto.randomUUID exists on secure origins only.
export function uuid(): string {
  return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+digit / 4)))).toString(16));
}
