import type { Funnel, FunnelBy, FunnelRow } from '../api';
import { Bar, Card } from '../card';
import * as format from '../format';
import { chooseFunnel, funnel, funnelBy } from '../shop';
import { useTopic } from '../topic';

const CHOICES: FunnelBy[] = ['channel', 'device', 'category'];
const STEPS = ['landing', 'browse', 'product_view', 'add_to_cart', 'checkout', 'payment', 'purchase'];
const ROWS = 6;

const at = (numbers: number[], step: string): number => numbers[STEPS.indexOf(step)] ?? 0;
const label = (row: FunnelRow, by: FunnelBy): string => row[by] || 'none';

function Steps({ total }: { total: number[] }) {
  return (
    <table class="steps">
      <caption>Sessions by the step they reached</caption>
      <thead>
        <tr>
          <th scope="col">step</th>
          <th class="wide" />
          <th scope="col" class="number">sessions</th>
          <th scope="col" class="number" title="Of the sessions that reached the step before">of step before</th>
          <th scope="col" class="number">of all</th>
        </tr>
      </thead>
      <tbody>
        {STEPS.map((step, index) => {
          const here = total[index] ?? 0;
          return (
            <tr key={step}>
              <th scope="row">{format.words(step)}</th>
              <td class="wide"><Bar part={here} of={total[0] ?? 0} /></td>
              <td class="number">{format.count(here)}</td>
              <td class="number">{index === 0 ? '' : format.share(here, total[index - 1] ?? 0)}</td>
              <td class="number soft">{format.fineShare(here, total[0] ?? 0)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Parts({ answer, by }: { answer: Funnel | null; by: FunnelBy }) {
  const rows = [...(answer?.rows ?? [])].sort((a, b) => at(b.sessions, 'landing') - at(a.sessions, 'landing'));
  return (
    <table class="parts">
      <caption>Conversion by {by}</caption>
      <thead>
        <tr>
          <th scope="col">{by}</th>
          <th scope="col" class="number">sessions</th>
          <th scope="col" class="number">to product</th>
          <th scope="col" class="number">to cart</th>
          <th scope="col" class="number">to purchase</th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: ROWS }, (_, index) => {
          const row = rows[index];
          const sessions = row ? at(row.sessions, 'landing') : 0;
          const cell = (step: string) => (row ? format.fineShare(at(row.sessions, step), sessions) : '');
          return (
            <tr key={index}>
              <th scope="row">{row ? label(row, by) : '\u00a0'}</th>
              <td class="number">{row ? format.count(sessions) : ''}</td>
              <td class="number">{cell('product_view')}</td>
              <td class="number">{cell('add_to_cart')}</td>
              <td class="number strong">{cell('purchase')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export function FunnelCard() {
  const answer = useTopic(funnel);
  const by = useTopic(funnelBy);
  return (
    <Card
      id="funnel" title="Funnel"
      note={
        <>
          <span>last 24 hours{answer && !answer.complete ? ', incomplete' : ''}</span>
          <fieldset class="switch">
            <legend>Split the funnel by</legend>
            {CHOICES.map((choice) => (
              <label key={choice}>
                <input
                  type="radio" name="funnel-by" value={choice} checked={by === choice}
                  onChange={() => chooseFunnel(choice)}
                />
                <span>{choice}</span>
              </label>
            ))}
          </fieldset>
        </>
      }
    >
      <Steps total={answer?.total ?? []} />
      <Parts answer={answer} by={answer?.by[0] ?? by} />
    </Card>
  );
}
