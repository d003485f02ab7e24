// Whether this browser may ask, and as whom. The token itself is never kept here: signing in leaves a cookie that no script can read.
import { get, locked, send } from './api';
import { Topic } from './topic';

export interface Session {
  required: boolean;
  role: string | null;
  name: string | null;
  signed_in: boolean;
}

export const session = new Topic<Session | null>(null);

export async function look(): Promise<void> {
  const answer = await get<Session>('/v1/admin/session');
  session.set(answer);
  locked.set(answer.required && answer.role === null);
}

export async function signIn(token: string): Promise<void> {
  await send('POST', '/v1/admin/session', { token });
  await look();
}

export async function signOut(): Promise<void> {
  await send('DELETE', '/v1/admin/session');
  await look();
}
