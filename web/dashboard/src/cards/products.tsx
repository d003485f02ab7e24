import type { Money, Product, TrendingItem } from '../api';
import { Bar, Card, Empty } from '../card';
import * as format from '../format';
import { products, trending } from '../shop';
import { useTopic } from '../topic';

const ROWS = 10;
const LOW_STOCK = 10;

interface Row {
  id: string;
  name: string;
  category: string;
  price: Money | null;
  available: number | null;
  share: number;
  value: string;
  exact: string;
}

function Stock({ left }: { left: number | null }) {
  if (left === null) return <span class="soft" title="No stock is kept for this product">{format.NONE}</span>;
  if (left <= 0) return <span class="out">sold out</span>;
  if (left <= LOW_STOCK) return <span class="low" title="Low stock">{format.count(left)} low</span>;
  return <>{format.count(left)}</>;
}

function Ranking({ caption, value, rows, known }: { caption: string; value: string; rows: Row[]; known: boolean }) {
  return (
    <table class="ranking">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">product</th>
          <th class="wide" />
          <th scope="col" class="number">{value}</th>
          <th scope="col" class="number">price</th>
          <th scope="col" class="number">left</th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: ROWS }, (_, index) => {
          const row = rows[index];
          return (
            <tr key={index}>
              <th scope="row" title={row ? `${row.name} (${row.id}), ${row.category}` : ''}>{row?.name ?? '\u00a0'}</th>
              <td class="wide">{row && <Bar part={row.share} of={1} />}</td>
              <td class="number strong" title={row?.exact}>{row?.value}</td>
              <td class="number" title={row?.price ? format.money(row.price) : ''}>{row && format.price(row.price)}</td>
              <td class="number">{row && known && <Stock left={row.available} />}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const amount = (money: Money | null): number => (money ? Number(money.amount) : 0);

export function TopProducts() {
  const items = useTopic(products);
  const sold = (items ?? []).filter((item) => amount(item.revenue) > 0);
  const most = Math.max(0, ...sold.map((item) => amount(item.revenue)));
  const row = (item: Product): Row => ({
    id: item.product_id,
    name: item.name || item.product_id,
    category: item.category,
    price: item.price,
    available: item.stock?.available ?? null,
    share: most > 0 ? amount(item.revenue) / most : 0,
    value: format.wholeMoney(item.revenue),
    exact: format.money(item.revenue),
  });
  return (
    <Card id="products" title="Top products" note="by revenue">
      <Ranking caption="Products by revenue" value="revenue" rows={sold.map(row)} known />
      {items && sold.length === 0 && <Empty>No orders yet. An <code>Order Completed</code> event brings the first.</Empty>}
    </Card>
  );
}

export function Trending() {
  const items = useTopic(trending);
  const most = Math.max(0, ...(items ?? []).map((item) => item.events_per_hour));
  const row = (item: TrendingItem): Row => ({
    id: item.product_id,
    name: item.name || item.product_id,
    category: item.category ?? '',
    price: item.price,
    available: item.available,
    share: most > 0 ? item.events_per_hour / most : 0,
    value: format.rate(item.events_per_hour),
    exact: '',
  });
  return (
    <Card id="trending" title="Trending" note="rising first, then the popular">
      <Ranking caption="Trending products" value="events/h" rows={(items ?? []).map(row)} known />
      {items?.length === 0 && <Empty>Nothing trends yet. <code>Product Viewed</code> events make it.</Empty>}
    </Card>
  );
}
