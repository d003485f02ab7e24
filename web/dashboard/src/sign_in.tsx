import { useEffect, useRef, useState } from 'preact/hooks';
import { signIn } from './access';
import { Card } from './card';

export function SignIn() {
  const [failure, fail] = useState('');
  const [busy, work] = useState(false);
  const token = useRef<HTMLInputElement>(null);
  useEffect(() => token.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const given = token.current?.value.trim() ?? '';
    if (!given) return;
    work(true);
    try {
      await signIn(given);
    } catch (refused) {
      fail((refused as Error).message);
      work(false);
      token.current?.select();
    }
  };
  return (
    <Card id="sign-in" title="Sign in">
      <form class="sign-in" onSubmit={submit}>
        <label>
          Token
          <input
            ref={token} type="password" name="token" autocomplete="current-password" spellcheck={false}
            aria-invalid={failure !== ''} aria-describedby="sign-in-says"
          />
        </label>
        <button type="submit" disabled={busy}>Sign in</button>
        <p id="sign-in-says" role="alert" class={failure ? 'state bad' : 'soft'}>
          {failure || 'An admin makes tokens; so does millrace tokens create on the server.'}
        </p>
      </form>
    </Card>
  );
}
