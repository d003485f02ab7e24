import type { Consent, Properties, Tag } from './types';

// Segment's name; with one product an event, or with a list of them.
const ONE: Record<string, string> = {
  select_item: 'Product Clicked',
  view_item: 'Product Viewed',
  add_to_cart: 'Product Added',
  remove_from_cart: 'Product Removed',
  add_to_wishlist: 'Product Added to Wishlist',
};
const MANY: Record<string, string> = {
  search: 'Products Searched',
  view_search_results: 'Products Searched',
  view_item_list: 'Product List Viewed',
  view_cart: 'Cart Viewed',
  view_promotion: 'Promotion Viewed',
  select_promotion: 'Promotion Clicked',
  begin_checkout: 'Checkout Started',
  add_shipping_info: 'Checkout Step Completed',
  add_payment_info: 'Payment Info Entered',
  purchase: 'Order Completed',
  refund: 'Order Refunded',
};

const RENAMED: Record<string, string> = {
  item_id: 'product_id',
  item_name: 'name',
  item_brand: 'brand',
  item_category: 'category',
  item_variant: 'variant',
  item_list_id: 'list_id',
  item_list_name: 'list_name',
  index: 'position',
  transaction_id: 'order_id',
  search_term: 'query',
  payment_type: 'payment_method',
  shipping_tier: 'shipping_method',
  promotion_name: 'name',
  creative_name: 'creative',
  creative_slot: 'position',
};

function rename(from: Properties): Properties {
  const to: Properties = {};
  for (const key in from) {
    if (key !== 'items' && !key.startsWith('gtm.') && from[key] != null) to[RENAMED[key] || key] = from[key];
  }
  return to;
}

// A GA4 event and its parameters, as the events it stands for; other names are not a shop's.
export function fromGa4(name: string, parameters: Properties): { event: string; properties: Properties }[] {
  const own = rename(parameters);
  const items = Array.isArray(parameters.items) ? (parameters.items as Properties[]).map(rename) : [];
  if (ONE[name]) {
    // `value` is of all of them together.
    if (items.length > 1) delete own.value;
    return items.map((item) => ({ event: ONE[name]!, properties: { ...own, ...item } }));
  }
  const event = MANY[name];
  if (!event) return [];
  // GA4's value of an order is its goods, without tax and shipping.
  if (name === 'purchase') {
    own.revenue = own.value;
    delete own.value;
  }
  if (items.length) own.products = items;
  return [{ event, properties: own }];
}

const PURPOSES: Record<string, keyof Consent> = {
  analytics_storage: 'analytics',
  personalization_storage: 'personalisation',
  ad_storage: 'marketing',
};

// Google's consent mode. What is denied by default is not decided yet.
export function fromConsentMode(command: unknown, state: Properties): Consent {
  const consent: Consent = {};
  for (const key in PURPOSES) {
    const value = state[key];
    if (value === 'granted' || (value === 'denied' && command === 'update')) consent[PURPOSES[key]!] = value === 'granted';
  }
  return consent;
}

type Layer = unknown[] & { push(...entries: unknown[]): number };

// Takes what was pushed before, and listens; what others do with the array goes on as before.
export function listen(tag: Tag, name: string): void {
  const everything = window as unknown as Record<string, Layer | undefined>;
  const layer: Layer = (everything[name] ||= []);
  let ecommerce: Properties | null = null;
  let user: unknown;

  const take = (entry: unknown): void => {
    if (!entry || typeof entry !== 'object') return;
    // gtag() pushes its arguments.
    const [command, first, second] = 'length' in entry ? Array.from(entry as ArrayLike<unknown>) : [];
    if (command === 'consent') {
      const consent = fromConsentMode(first, (second || {}) as Properties);
      if (Object.keys(consent).length) tag.consent(consent);
      return;
    }
    const { user_id, ...pushed } = (
      command === 'event' ? { ...(second as Properties), event: first } : command ? second || first : entry
    ) as Properties;
    if (user_id && user !== user_id) tag.identify(String((user = user_id)));
    if ('ecommerce' in pushed) ecommerce = pushed.ecommerce as Properties | null;
    if (typeof pushed.event !== 'string') return;
    const { event, ecommerce: own, ...parameters } = pushed;
    // Tag Manager merges pushes: the ecommerce part may have come in the one before.
    for (const one of fromGa4(event, command ? parameters : { ...(ecommerce || parameters) })) tag.track(one.event, one.properties);
    ecommerce = null;
  };

  const guarded = (entry: unknown): void => {
    try {
      take(entry);
    } catch {
      // What somebody else pushed must not break their push.
    }
  };
  Array.from(layer).forEach(guarded);
  const push = layer.push;
  layer.push = (...entries) => {
    entries.forEach(guarded);
    return push.apply(layer, entries);
  };
}
