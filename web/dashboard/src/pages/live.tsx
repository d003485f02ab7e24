import { useEffect, useRef, useState } from 'preact/hooks';
import type { Item } from '../api';
import { Card, Empty } from '../card';
import { VERDICTS } from '../cards/ledger';
import { CopyButton } from '../copy_button';
import * as format from '../format';
import { asCurl, follow, hold, items, pretty, skipped, streaming, waiting, type Filter } from '../items';
import { go, route } from '../route';
import { status } from '../shop';
import { useTopic } from '../topic';
import { VerdictMark } from '../verdict';

const TYPING_MS = 250;

const filterOf = (parameters: URLSearchParams): Filter => ({
  source: parameters.get('source') ?? '',
  verdict: parameters.get('verdict') ?? '',
  contains: parameters.get('contains') ?? '',
});

interface ToolsProps {
  filter: Filter;
  paused: boolean;
  pause: (paused: boolean) => void;
}

function Tools({ filter, paused, pause }: ToolsProps) {
  const sources = useTopic(status)?.sources ?? [];
  const more = useTopic(waiting);
  const [text, setText] = useState(filter.contains);
  const choose = (change: Partial<Filter>) => go('live', { ...filter, contains: text, ...change });
  useEffect(() => {
    if (text === filter.contains) return;
    const timer = setTimeout(() => choose({ contains: text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <form class="tools" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        Source
        <select value={filter.source} onChange={(event) => choose({ source: event.currentTarget.value })}>
          <option value="">all</option>
          {sources.filter(Boolean).map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
      <label>
        Verdict
        <select value={filter.verdict} onChange={(event) => choose({ verdict: event.currentTarget.value })}>
          <option value="">all</option>
          {VERDICTS.map((name) => <option key={name} value={name}>{format.words(name)}</option>)}
        </select>
      </label>
      <label class="grow">
        Contains
        <input
          type="search" name="contains" maxLength={100} placeholder="visitor, product, order, reason …" value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="button" name="pause" aria-pressed={paused} onClick={() => pause(!paused)}>
        {paused ? (more > 0 ? `Go on, ${more} new` : 'Go on') : 'Pause'}
      </button>
    </form>
  );
}

interface ListProps {
  list: Item[];
  chosen: Item | null;
  choose: (item: Item) => void;
}

// One stop for the Tab key; arrows move inside.
function List({ list, chosen, choose }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const at = chosen ? list.findIndex((item) => item.sequence === chosen.sequence) : -1;
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -list.length, End: list.length };
    const step = steps[event.key];
    if (step === undefined || list.length === 0) return;
    event.preventDefault();
    const next = Math.min(list.length - 1, Math.max(0, at + step));
    choose(list[next]!);
    box.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div
      class="items" role="listbox" tabIndex={0} aria-label="Items, newest first" ref={box} onKeyDown={move}
      aria-activedescendant={at >= 0 ? `item-${at}` : undefined}
    >
      {list.map((item, index) => (
        <div
          key={index} id={`item-${index}`} role="option" class="item" aria-selected={index === at}
          onPointerDown={() => choose(item)}
        >
          <time>{format.time(Date.parse(item.at))}</time>
          <VerdictMark verdict={item.verdict} />
          <span class="soft">{item.source ?? format.NONE}</span>
          <b>{item.event ? format.words(item.event) : item.reason}</b>
          <span class="soft who">{item.visitor_id}</span>
        </div>
      ))}
    </div>
  );
}

function Detail({ item }: { item: Item | null }) {
  const raw = useRef<HTMLElement>(null);
  const canonical = useRef<HTMLElement>(null);
  return (
    <>
      <Card
        id="raw" title="As it came"
        note={<CopyButton label="Copy as curl" disabled={!item?.raw} text={() => asCurl(item!)} shown={() => raw.current} />}
      >
        <p class={`why ${item?.reason ? '' : 'none'}`}>
          {item?.reason && <><b>{item.reason}</b> {item.pointer && <code>{item.pointer}</code>} {item.detail}</>}
        </p>
        <pre tabIndex={0} aria-label="The item as it came"><code ref={raw}>{item ? pretty(item.raw) : ''}</code></pre>
        {!item && <Empty>Choose an item. Arrow keys work, too.</Empty>}
        {item && !item.raw && <Empty>Nothing of it is kept.</Empty>}
      </Card>
      <Card
        id="canonical" title="As Millrace understands it"
        note={
          <CopyButton
            label="Copy" disabled={!item?.canonical} shown={() => canonical.current}
            text={() => JSON.stringify(item?.canonical, null, 2)}
          />
        }
      >
        <pre tabIndex={0} aria-label="The canonical event">
          <code ref={canonical}>{item?.canonical ? JSON.stringify(item.canonical, null, 2) : ''}</code>
        </pre>
        {item && !item.canonical && <Empty>It did not become an event.</Empty>}
      </Card>
    </>
  );
}

export function LivePage() {
  const { parameters } = useTopic(route);
  const list = useTopic(items);
  const left = useTopic(skipped);
  const open = useTopic(streaming);
  const [paused, setPaused] = useState(false);
  const [chosen, choose] = useState<Item | null>(null);
  const filter = filterOf(parameters);
  const release = useRef<(() => void) | null>(null);
  useEffect(() => follow(filter), [filter.source, filter.verdict, filter.contains]);
  useEffect(() => (paused ? hold() : undefined), [paused]);
  const point = (over: boolean) => {
    release.current?.();
    release.current = over ? hold() : null;
  };
  useEffect(() => () => point(false), []);
  return (
    <>
      <Card
        id="stream" title="What comes in"
        note={
          <>
            <span>{left > 0 ? `a sample: ${format.count(left)} were too many to show` : 'point at the list to hold it'}</span>
            <span class={`state ${open ? 'good' : ''}`}>{open ? 'following' : 'connecting'}</span>
          </>
        }
      >
        <Tools filter={filter} paused={paused} pause={setPaused} />
        <div class="holder" onPointerEnter={() => point(true)} onPointerLeave={() => point(false)}>
          <List list={list} chosen={chosen} choose={choose} />
          {list.length === 0 && <Empty>{open ? 'Nothing yet that passes this filter.' : ''}</Empty>}
        </div>
      </Card>
      <Detail item={chosen} />
    </>
  );
}
