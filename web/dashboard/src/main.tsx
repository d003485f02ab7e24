import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import './styles.css';
import './pages.css';
import { locked } from './api';
import { Gone, Header, PAGES } from './cards/header';
import { Contracts } from './pages/contracts';
import { LedgerPage } from './pages/ledger';
import { LivePage } from './pages/live';
import { Overview } from './pages/overview';
import { Privacy } from './pages/privacy';
import { QuarantinePage } from './pages/quarantine';
import { Sources } from './pages/sources';
import { route } from './route';
import { SignIn } from './sign_in';
import { connection, start } from './shop';
import { useTopic } from './topic';

const VIEWS: Record<string, () => preact.JSX.Element> = {
  overview: Overview,
  live: LivePage,
  sources: Sources,
  ledger: LedgerPage,
  quarantine: QuarantinePage,
  contracts: Contracts,
  privacy: Privacy,
};

function Page() {
  const state = useTopic(connection);
  const { page } = useTopic(route);
  const shut = useTopic(locked);
  const View = VIEWS[page] ?? Overview;
  const title = PAGES.find(([name]) => name === page)?.[1];
  useEffect(() => {
    document.title = title && page !== 'overview' ? `${title} · Millrace` : 'Millrace';
    scrollTo(0, 0);
    // On a phone the pages do not fit beside each other.
    document.querySelector('.pages [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [page]);
  return (
    <>
      <Header />
      <main class={`${shut ? 'shut' : page in VIEWS ? page : 'overview'} ${state === 'gone' ? 'old' : ''}`}>
        {shut ? <SignIn /> : <View />}
      </main>
      <Gone />
    </>
  );
}

void start();
render(<Page />, document.getElementById('page')!);
