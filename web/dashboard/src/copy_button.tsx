import { useEffect, useState } from 'preact/hooks';
import { copy } from './clipboard';

const SAID_MS = 1500;

interface Props {
  label: string;
  text: () => string;
  // What is selected where there is no clipboard.
  shown?: () => Element | null;
  disabled?: boolean;
}

export function CopyButton({ label, text, shown, disabled }: Props) {
  const [said, say] = useState('');
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(''), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button
      type="button" disabled={disabled ?? false}
      onClick={async () => say((await copy(text(), shown?.() ?? null)) ? 'Copied' : 'Press Ctrl-C')}
    >
      {said || label}
    </button>
  );
}
