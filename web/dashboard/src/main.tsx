import { render } from 'preact';
import './styles.css';
import { Actions } from './cards/actions';
import { FunnelCard } from './cards/funnel';
import { Gone, Header } from './cards/header';
import { Health, LakeCard } from './cards/lake';
import { Latency } from './cards/latency';
import { LedgerCard } from './cards/ledger';
import { TopProducts, Trending } from './cards/products';
import { Rate } from './cards/rate';
import { Sessions } from './cards/sessions';
import { connection, start } from './shop';
import { useTopic } from './topic';

function Page() {
  const state = useTopic(connection);
  return (
    <>
      <Header />
      <main class={state === 'gone' ? 'old' : ''}>
        <Rate />
        <Latency />
        <LedgerCard />
        <FunnelCard />
        <TopProducts />
        <Trending />
        <Sessions />
        <Actions />
        <LakeCard />
        <Health />
      </main>
      <Gone />
    </>
  );
}

start();
render(<Page />, document.getElementById('page')!);
