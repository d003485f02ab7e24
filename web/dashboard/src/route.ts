import { Topic } from './topic';

export interface Route {
  page: string;
  parameters: URLSearchParams;
}

// "#/live?source=shop" is the page "live" with that parameter; no hash is the overview.
function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { page: path || 'overview', parameters: new URLSearchParams(query) };
}

export const route = new Topic<Route>(read());
addEventListener('hashchange', () => route.set(read()));

export function go(page: string, parameters: Record<string, string> = {}): void {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== '')).toString();
  location.hash = `/${page === 'overview' ? '' : page}${query ? `?${query}` : ''}`;
}
