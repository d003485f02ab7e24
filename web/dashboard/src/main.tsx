import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import './styles.css';
import './pages.css';
import { Gone, Header, PAGES } from './cards/header';
import { Contracts } from './pages/contracts';
import { LedgerPage } from './pages/ledger';
import { LivePage } from './pages/live';
import { Overview } from './pages/overview';
import { Privacy } from './pages/privacy';
import { QuarantinePage } from './pages/quarantine';
import { Sources } from './pages/sources';
import { route } from './route';
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
  const View = VIEWS[page] ?? Overview;
  const title = PAGES.find(([name]) => name === page)?.[1];
  useEffect(() => {
    document.title = title && page !== 'overview' ? `${title} · Millrace` : 'Millrace';
    scrollTo(0, 0);
  }, [page]);
  return (
    <>
      <Header />
      <main class={`${page in VIEWS ? page : 'overview'} ${state === 'gone' ? 'old' : ''}`}>
        <View />
      </main>
      <Gone />
    </>
  );
}

start();
render(<Page />, document.getElementById('page')!);
