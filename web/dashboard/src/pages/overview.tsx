import { Actions } from '../cards/actions';
import { FunnelCard } from '../cards/funnel';
import { Health, LakeCard } from '../cards/lake';
import { Latency } from '../cards/latency';
import { LedgerCard } from '../cards/ledger';
import { TopProducts, Trending } from '../cards/products';
import { Rate } from '../cards/rate';
import { Sessions } from '../cards/sessions';

export function Overview() {
  return (
    <>
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
    </>
  );
}
